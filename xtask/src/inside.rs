//! The inside half of the relay that `demo --keep` opens; started by the demo itself.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

/// Where from and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    socket: PathBuf,
    target: SocketAddr,
}

/// Serves until the namespace ends.
pub(crate) fn run(args: &Args) -> Result<()> {
    Ok(harness::relay::serve_inside(&args.socket, args.target)?)
}
