//! The end of a relay in the cluster's network namespace; `demo --keep` starts it.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    socket: PathBuf,
    target: SocketAddr,
}

/// Serves until the namespace ends.
pub(crate) fn run(args: &Args) -> Result<()> {
    Ok(harness::relay::serve_inside(&args.socket, args.target)?)
}
