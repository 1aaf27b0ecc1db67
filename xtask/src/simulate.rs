//! `cargo xtask simulate`: the controller's own cache, queue and decisions in virtual time, with more objects than a control plane
//! of the tests holds; the simulation is the controller's (`controller/src/runtime/tests/simulation.rs`).

use anyhow::{Result, ensure};

use crate::bench::release;

/// The test that simulates at length.
const SIMULATED: &str = "runtime::tests::simulation::simulated";

// Times are in microseconds of one core.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// SealedSecrets.
    #[arg(long, default_value_t = 100_000)]
    objects: u64,
    /// Items of each.
    #[arg(long, default_value_t = 1)]
    items: u64,
    /// Namespaces that they are in.
    #[arg(long, default_value_t = 100)]
    namespaces: u16,
    /// Cores that controller, API server and etcd share.
    #[arg(long, default_value_t = 2)]
    cores: u64,
    /// A private-key operation.
    #[arg(long, default_value_t = 2000)]
    operation: u64,
    /// A pass, beside its operations.
    #[arg(long, default_value_t = 700)]
    pass: u64,
    /// A write, in the API server and etcd.
    #[arg(long, default_value_t = 2600)]
    write: u64,
    /// An object of a list.
    #[arg(long, default_value_t = 60)]
    listed: u64,
}

/// Simulates, in a release build, and prints what came of it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let numbers = [
        args.objects,
        args.items,
        args.namespaces.into(),
        args.cores,
        args.operation,
        args.pass,
        args.write,
        args.listed,
    ];
    let mut command = release::cargo(&[
        "test",
        "-q",
        "--release",
        "-p",
        "controller",
        "--bin",
        "controller",
        "--",
    ])?;
    let status = command
        .args(["--exact", SIMULATED, "--nocapture"])
        .env("SIMULATE", numbers.map(|number| number.to_string()).join(","))
        .status()?;
    ensure!(status.success(), "the simulation failed");
    Ok(())
}
