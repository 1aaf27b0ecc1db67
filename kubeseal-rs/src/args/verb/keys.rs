//! `kubeseal keys …`: what can be typed after it.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use crate::args::{ClusterFlags, ControllerFlags};

/// `kubeseal keys` and what follows.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = false)]
pub(crate) struct KeysFlags {
    /// What to do with the keys.
    #[command(subcommand)]
    pub what: KeysVerb,
}

/// What to do with the sealing keys of a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// Show the sealing keys: fingerprint, age, expiry, which is current, how many objects need each
    List(ListFlags),
    /// Save the sealing keys, encrypted with age
    Backup(BackupFlags),
    /// Bring saved sealing keys back, best before the controller's first start
    Restore(RestoreFlags),
}

/// Flags of `kubeseal keys list`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("keys-list.txt"))]
pub(crate) struct ListFlags {
    /// Also say whether this certificate is still the one to seal with; repeatable [default: those of the project file]
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<OsString>,
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

/// Flags of `kubeseal keys backup`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("keys-backup.txt"))]
pub(crate) struct BackupFlags {
    /// Encrypt to this age recipient (age1…); repeatable
    #[arg(long, short = 'r', value_name = "RECIPIENT")]
    pub recipient: Vec<String>,
    /// Do not encrypt: whoever reads the file can open everything that was ever sealed
    #[arg(long)]
    pub unencrypted: bool,
    /// Write this file (mode 0600) instead of stdout
    #[arg(long, short = 'w', value_name = "FILE")]
    pub output_file: Option<OsString>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// Flags of `kubeseal keys restore`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("keys-restore.txt"))]
pub(crate) struct RestoreFlags {
    /// The backup: that of kubeseal keys backup, or of kubectl get secret -o yaml; - for stdin
    #[arg(required = true, value_name = "FILE")]
    pub file: OsString,
    /// The age identity file that opens an encrypted backup
    #[arg(long, short = 'i', value_name = "FILE")]
    pub identity: Option<OsString>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}
