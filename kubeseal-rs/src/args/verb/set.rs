//! `kubeseal set`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;
use sealing::binding::Scope;

use super::shared::{CertificateFlags, ObjectFlags};

/// Flags of `kubeseal set`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("set.txt"))]
pub(crate) struct SetFlags {
    /// The file with SealedSecrets, changed in place: only this item, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// The name of the item; it is added when there is none
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Read the value from this file, in place of stdin
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<OsString>,
    /// Seal an empty value
    #[arg(long)]
    pub allow_empty_data: bool,
    /// Note the key's fingerprint in an annotation where there is none yet; one that is there is kept right in any case
    #[arg(long)]
    pub key_hint: bool,
    /// The scope that the SealedSecret is of, or a value outside SealedSecrets (in a chart's values, a Helm template): a wider one
    /// than strict is not taken from the file alone [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
