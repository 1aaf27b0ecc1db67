//! Groups of flags that several verbs share.

use std::ffi::OsString;

use clap::Args;

use crate::args::{ClusterFlags, ControllerFlags};

/// Which certificate to seal with.
#[derive(Debug, Args)]
#[command(next_help_heading = "The certificate")]
pub(crate) struct CertificateFlags {
    /// Seal with this certificate: a file, or a URL (http, https, file) [default: what the project file
    /// (.kubeseal.yaml) says of each file, else the controller's]
    #[arg(long, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// Seal for this cluster of the project file, wherever the files lie
    #[arg(long, value_name = "NAME")]
    pub for_cluster: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// Which files a verb works on, and how it tells of them.
#[derive(Debug, Args)]
pub(crate) struct TreeFlags {
    /// Files, folders (with all manifests below: .yaml, .yml, .json), patterns such as 'apps/*/prod', or - for stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<OsString>,
    /// Leave out what this pattern fits, at any depth; repeatable
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// How to tell what was done: text or json
    #[arg(long, short = 'o', value_name = "text|json")]
    pub output: Option<String>,
}

/// Which SealedSecret of a file is meant.
#[derive(Debug, Args)]
pub(crate) struct ObjectFlags {
    /// The name of the SealedSecret that is meant, when the file holds several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The namespace of the SealedSecret that is meant, or is to be taken for its own where it names none [default: that of its template]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}
