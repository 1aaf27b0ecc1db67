//! `cargo xtask fuzz`: random input for us and for the program that we are to agree with.

mod costs;
pub(crate) mod targets;

use anyhow::Result;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// How long the targets of `fuzz/` run, altogether.
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    #[command(subcommand)]
    other: Option<Fuzz>,
}

/// Other ways to look.
#[derive(clap::Subcommand)]
enum Fuzz {
    /// Random templates for gotmpl and for Go with sprig (needs Go).
    Templates(gotmpl_tools::fuzz::Args),
    /// Hostile templates for gotmpl: what they take of the processor and of memory.
    Costs(costs::Args),
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.other {
        None => targets::run(targets::Effort::Minutes(args.minutes)),
        Some(Fuzz::Templates(args)) => gotmpl_tools::fuzz::run(args),
        Some(Fuzz::Costs(args)) => costs::run(args),
    }
}
