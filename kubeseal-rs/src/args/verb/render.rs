//! `kubeseal render`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;

use super::shared::ObjectFlags;

/// Flags of `kubeseal render`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("render.txt"))]
pub(crate) struct RenderFlags {
    /// The file with the SealedSecret whose templates (spec.template.data) are rendered
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// A sample value for a sealed item; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub data: Vec<String>,
    /// A sample value for a sealed item, read from a file; repeatable
    #[arg(long, value_name = "KEY=FILE")]
    pub data_file: Vec<String>,
    /// Write the result for this one item, byte for byte
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
}
