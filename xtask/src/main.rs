//! The project's own commands: `cargo xtask …`.

#[cfg(test)]
mod arrows;
mod codegen;
mod peers;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Write the CustomResourceDefinition's manifest from the types of `crds`.
    Codegen(codegen::Args),
    /// Build the real programs that the tests run against (needs Go), once, into a cache of yours.
    Peers(peers::Args),
    /// Check everything: format, lints, all tests, the black-box tests against the real programs.
    Test(test::Args),
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Codegen(args) => codegen::run(&args),
        Xtask::Peers(args) => peers::run(&args),
        Xtask::Test(args) => test::run(&args),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}
