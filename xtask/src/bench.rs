//! `cargo xtask bench …`: how fast and how lean, beside the reference, in one run on one machine.
//!
//! Each bench is a file of its own below this one. What they share: [`child`] (a program measured from its start to its
//! exit), [`paired`] (two contenders by turns), [`stats`] (min, median, max), [`table`], [`machine`], and [`page`] (the
//! result under `docs/benchmarks`).

pub(crate) mod child;
mod cli;
pub(crate) mod controller;
mod crypto_rates;
mod machine;
mod page;
mod paired;
pub(crate) mod release;
mod stats;
mod table;
mod templates;

use anyhow::Result;

/// Which bench.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// kubeseal: one small Secret, a long stream, a tree of files.
    Cli(cli::Args),
    /// The controller: cold start, many keys, restart, memory, latency.
    Controller(controller::Args),
    /// Templates: rendering beside Go's, and what the limits come to.
    Templates(templates::Args),
}

/// Runs the bench, prints its tables and writes its page.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Cli(args) => cli::run(args),
        Bench::Controller(args) => controller::run(args),
        Bench::Templates(args) => templates::run(args),
    }
}
