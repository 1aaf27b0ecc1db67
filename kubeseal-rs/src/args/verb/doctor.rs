//! `kubeseal doctor`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;

use crate::args::{ClusterFlags, ControllerFlags, PrivateKeyFlags};

/// Flags of `kubeseal doctor`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("doctor.txt"))]
pub(crate) struct DoctorFlags {
    /// The file with the SealedSecrets in question
    #[arg(required = true, value_name = "FILE")]
    pub file: OsString,
    /// What to try to open it with.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Hold this certificate against the cluster's and the object's key hint; repeatable [default: those of the project file]
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<OsString>,
    /// Ask no cluster
    #[arg(long)]
    pub offline: bool,
    /// How to tell it: text or json [default: text]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub output: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}
