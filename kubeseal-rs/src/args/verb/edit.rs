//! `kubeseal edit`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;

use super::shared::{CertificateFlags, ObjectFlags};

/// Flags of `kubeseal edit`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("edit.txt"))]
pub(crate) struct EditFlags {
    /// The file with SealedSecrets, changed in place: only what gets a new value, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
