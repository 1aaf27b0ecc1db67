//! `cargo xtask peers`: the real programs that the tests run against.

use anyhow::Result;
use harness::peers;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only say what is there and what is missing.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.check {
        peers::ensure(&peers::ALL, &|line| println!("{line}"))?;
    }
    for (peer, path) in peers::check(&peers::ALL)? {
        let place = path.map_or_else(|| "not built".to_owned(), |path| path.display().to_string());
        println!("{:24} {:8} {place}", peer.name, peer.version);
    }
    Ok(())
}
