//! `kubeseal lint`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;

use crate::args::CommaSeparated;

/// Flags of `kubeseal lint`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("lint.txt"))]
pub(crate) struct LintFlags {
    /// Files, folders and patterns ('apps/*/prod') to look at; folders without what Git ignores; - for stdin (kustomize build . | kubeseal lint -)
    #[arg(value_name = "PATH")]
    pub paths: Vec<OsString>,
    /// Hold the sealed values against this certificate: the length of its key, and the key hints
    #[arg(long, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// How to tell what was found: text, json or sarif [default: text]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub output: Option<String>,
    /// Leave out what these rules find; comma-separated, repeatable
    #[arg(long, value_name = "RULE,…")]
    pub allow: Vec<CommaSeparated>,
    /// Fail for warnings too
    #[arg(long)]
    pub strict: bool,
    /// Print the rules and what each of them finds
    #[arg(long)]
    pub rules: bool,
}
