//! `kubeseal completions` and `kubeseal man`: what can be typed after them.

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
