//! `kubeseal completions`, `kubeseal man` and `kubeseal help`: what can be typed after them.

use std::ffi::OsString;

use clap::Args;
use clap_complete::Shell;

/// Flags of `kubeseal completions`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("completions.txt"))]
pub(crate) struct CompletionsFlags {
    /// The shell
    #[arg(required = true, value_name = "SHELL")]
    pub shell: Shell,
}

/// Flags of `kubeseal man`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("man.txt"))]
pub(crate) struct ManFlags {
    /// Write one page for the program and one for each verb into this folder; without it, the program's page to stdout
    #[arg(value_name = "DIR")]
    pub folder: Option<OsString>,
}

/// Flags of `kubeseal help`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kubeseal help\n  kubeseal help keys restore")]
pub(crate) struct HelpFlags {
    /// The verb; without one, the help of the program
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
}
