//! `kubeseal reseal`: what can be typed after it.

use clap::Args;

use super::shared::{CertificateFlags, TreeFlags};
use crate::args::CommaSeparated;

/// Flags of `kubeseal reseal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("reseal.txt"))]
pub(crate) struct ResealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// Private keys to open with, in place of the controller: PEM, or a backup of the key Secrets; comma-separated,
    /// repeatable. The newest one belongs to them, as what is sealed with it is known by opening it
    #[arg(long, value_name = "FILE,…")]
    pub recovery_private_key: Vec<CommaSeparated>,
    /// Write nothing; fail when something is not sealed with the newest key (needs --recovery-private-key)
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show the lines that would change, without ciphertexts
    #[arg(long)]
    pub diff: bool,
    /// Do not note the key's fingerprint in objects that do not carry such an annotation yet
    #[arg(long)]
    pub no_key_hint: bool,
    /// The newest certificate, or where the controller is.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
