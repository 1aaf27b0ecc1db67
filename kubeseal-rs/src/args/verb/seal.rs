//! `kubeseal seal`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;
use sealing::binding::Scope;

use super::shared::CertificateFlags;

/// Flags of `kubeseal seal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("seal.txt"))]
pub(crate) struct SealFlags {
    /// Files with Secrets; each is sealed into a new file beside it (db.yaml → db.sealed.yaml)
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<OsString>,
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
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
