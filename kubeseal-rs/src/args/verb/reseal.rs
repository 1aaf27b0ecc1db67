//! `kubeseal reseal`: what can be typed after it.

use clap::Args;

use super::shared::{CertificateFlags, TreeFlags};
use crate::args::PrivateKeyFlags;

/// Flags of `kubeseal reseal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("reseal.txt"))]
pub(crate) struct ResealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// What to open with, in place of the controller.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Write nothing; fail when something is not sealed with the newest key (needs --recovery-private-key)
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show the lines that would change, without ciphertexts
    #[arg(long)]
    pub diff: bool,
    /// Do not note the key's fingerprint in objects that do not carry such an annotation yet
    #[arg(long)]
    pub no_key_hint: bool,
    /// What sealed values outside SealedSecrets (a chart's values, Helm templates) were sealed for [default: names in the same document]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The namespace that such values, and SealedSecrets that name none, were sealed for [default of the latter: that of their template]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The newest certificate, or where the controller is.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
