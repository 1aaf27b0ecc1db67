//! `kubeseal unset`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;

use super::shared::ObjectFlags;

/// Flags of `kubeseal unset`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kubeseal unset db.sealed.yaml old-password")]
pub(crate) struct UnsetFlags {
    /// The file with SealedSecrets, changed in place: only these items, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// The names of the items to remove
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<String>,
    /// Remove the items although templates (spec.template.data) use them
    #[arg(long)]
    pub force: bool,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
}
