//! `kubeseal edit`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;
use sealing::binding::Scope;

use super::shared::{CertificateFlags, ObjectFlags};

/// Flags of `kubeseal edit`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("edit.txt"))]
pub(crate) struct EditFlags {
    /// The file with SealedSecrets, changed in place: only what gets a new value, and byte for byte nothing else; one that
    /// is not there is made
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// Note the key's fingerprint in an annotation where there is none yet; one that is there is kept right in any case
    #[arg(long)]
    pub key_hint: bool,
    /// The scope that the SealedSecrets are of: a wider one than strict is not taken from the file alone [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
