//! The project's own commands: `cargo xtask …`.

mod peers;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Build the real programs that the tests run against (needs Go), once, into a cache of yours.
    Peers(peers::Args),
}

fn main() -> anyhow::Result<()> {
    match Xtask::parse() {
        Xtask::Peers(args) => peers::run(&args),
    }
}
