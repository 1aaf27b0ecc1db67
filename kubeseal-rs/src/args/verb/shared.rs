//! Groups of flags that several verbs share.

use clap::Args;

use crate::args::{ClusterFlags, ControllerFlags};

/// Which certificate to seal with.
#[derive(Debug, Args)]
#[command(next_help_heading = "The certificate")]
pub(crate) struct CertificateFlags {
    /// Seal with this certificate: a file, or a URL (http, https, file) [default: ask the cluster]
    #[arg(long, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}
