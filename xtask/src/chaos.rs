//! `cargo xtask chaos`: the controller while everything around it fails; see `harness::chaos`.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::chaos;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long faults go on.
    #[arg(long, default_value_t = 10)]
    minutes: u64,

    /// The faults of that run again; without it, others each time.
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs it, tells each fault, and fails where an invariant is broken.
pub(crate) fn run(args: &Args) -> Result<()> {
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed}");
    let summary = chaos::run(Duration::from_secs(60 * args.minutes), seed, &|line| println!("{line}"))?;
    println!("{summary}");
    ensure!(
        summary.violations.is_empty(),
        "the faults of this run again: cargo xtask chaos --seed {seed}"
    );
    Ok(())
}
