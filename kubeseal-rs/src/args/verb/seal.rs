//! `kubeseal seal`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;
use sealing::binding::Scope;

use super::shared::{CertificateFlags, TreeFlags};

/// Flags of `kubeseal seal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("seal.txt"))]
pub(crate) struct SealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// Write the sealed files below this folder instead of beside the clear ones
    #[arg(long, value_name = "DIR")]
    pub out: Option<OsString>,
    /// Write nothing; fail when a sealed file is missing or has other names, items, type, labels or scope than the clear
    /// one (for CI; needs no certificate)
    #[arg(long)]
    pub check: bool,
    /// Also seal what is sealed already, and replace sealed files that hold more than the clear ones (objects, items,
    /// templates): otherwise the former are kept, and the latter refused
    #[arg(long)]
    pub force: bool,
    /// Delete each clear file once its sealed one is safely on disk
    #[arg(long)]
    pub delete_clear: bool,
    /// Where the results may be opened: strict, namespace-wide or cluster-wide; strict leaves the choice to each Secret's
    /// own scope annotations [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Namespace of Secrets that name none; one that names another is refused [default: the kubeconfig context's]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Seal Secrets without any items
    #[arg(long)]
    pub allow_empty_data: bool,
    /// Do not note the key's fingerprint in an annotation (which saves time later, and decides nothing)
    #[arg(long)]
    pub no_key_hint: bool,
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
