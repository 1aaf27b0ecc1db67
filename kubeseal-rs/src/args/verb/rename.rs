//! `kubeseal rename`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;

use super::shared::ObjectFlags;

/// Flags of `kubeseal rename`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kubeseal rename db.sealed.yaml passwd password")]
pub(crate) struct RenameFlags {
    /// The file with SealedSecrets, changed in place: only the name of this item, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// The name of the item
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Its new name
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Rename the item although templates (spec.template.data) use its name
    #[arg(long)]
    pub force: bool,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
}
