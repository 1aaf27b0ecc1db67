//! The project's own commands: `cargo xtask …`.

#[cfg(test)]
mod arrows;
mod codegen;
mod peers;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Write the CustomResourceDefinition's manifest from the types of `crds`.
    Codegen(codegen::Args),
    /// Build the real programs that the tests run against (needs Go), once, into a cache of yours.
    Peers(peers::Args),
}

fn main() -> anyhow::Result<()> {
    match Xtask::parse() {
        Xtask::Codegen(args) => codegen::run(&args),
        Xtask::Peers(args) => peers::run(&args),
    }
}
