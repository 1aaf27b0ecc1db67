//! `cargo xtask fuzz costs`: random templates that want to cost much, on all cores; prints those over 50 ms or 32 MiB.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::bench::release;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many templates.
    #[arg(long, default_value_t = 1_000_000)]
    templates: u64,
    /// The number of the first; the same number gives the same template.
    #[arg(long, default_value_t = 0)]
    first: u64,
}

/// Renders them; fails when one goes over.
pub(crate) fn run(args: &Args) -> Result<()> {
    let built = release::cargo(&["build", "--release", "--package", "gotmpl", "--example", "cost"])?.status()?;
    ensure!(built.success(), "cannot build gotmpl/examples/cost.rs");
    let program = release::target()?.join("release/examples/cost");
    let cores = std::thread::available_parallelism()?.get() as u64;
    let share = args.templates.div_ceil(cores);
    let mut children = Vec::new();
    for core in 0..cores {
        let first = args.first + core * share;
        let count = share.min((args.first + args.templates).saturating_sub(first));
        let words = [first.to_string(), count.to_string()];
        let child = Command::new(&program).args(words).spawn();
        children.push(child.with_context(|| format!("cannot start {}", program.display()))?);
    }
    let mut fine = true;
    for mut child in children {
        fine &= child.wait()?.success();
    }
    ensure!(fine, "some templates go over 50 ms or 32 MiB, see above");
    Ok(())
}
