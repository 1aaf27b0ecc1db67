//! `cargo xtask fuzz`: random input for us and for the program that we are to agree with.

mod costs;
pub(crate) mod templates;

use anyhow::Result;

/// What was typed after `cargo xtask fuzz`.
#[derive(clap::Subcommand)]
pub(crate) enum Fuzz {
    /// Random templates for gotmpl and for Go with sprig (needs Go).
    Templates(templates::Args),
    /// Hostile templates for gotmpl: what they take of the processor and of memory.
    Costs(costs::Args),
}

/// Runs it.
pub(crate) fn run(fuzz: &Fuzz) -> Result<()> {
    match fuzz {
        Fuzz::Templates(args) => templates::run(args),
        Fuzz::Costs(args) => costs::run(args),
    }
}
