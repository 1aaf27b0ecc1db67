//! `kubeseal unseal`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;
use sealing::binding::Scope;

use super::shared::TreeFlags;
use crate::args::PrivateKeyFlags;

/// Flags of `kubeseal unseal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("unseal.txt"))]
pub(crate) struct UnsealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// What to open with.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Write each clear file beside the sealed one (db.sealed.yaml → db.yaml, x.yaml → x.clear.yaml), with mode 0600
    #[arg(long)]
    pub beside: bool,
    /// Write the clear files below this folder, with mode 0600
    #[arg(long, value_name = "DIR")]
    pub out: Option<OsString>,
    /// PATH is a file with one bare ciphertext (- for stdin); its value goes to stdout as it is
    #[arg(long)]
    pub raw: bool,
    /// With --raw: the scope that the value was sealed with [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// With --raw: the name of the Secret
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The namespace of SealedSecrets that name none [default: that of their template]; with --raw that of the Secret
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}
