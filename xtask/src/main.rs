//! The project's own commands: `cargo xtask …`.

mod archive;
mod bench;
mod broken;
mod chaos;
mod codegen;
mod cross;
mod demo;
mod dist;
#[cfg(test)]
mod doc_checks;
#[cfg(test)]
mod file_sizes;
mod fuzz;
mod image;
#[cfg(test)]
mod layering;
mod load;
#[cfg(test)]
mod module_cycles;
mod page;
mod peers;
mod relay;
mod release;
mod sbom;
mod simulate;
mod test;
mod vectors;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Measure speed and memory beside the reference, and write the tables under docs/benchmarks.
    #[command(subcommand)]
    Bench(bench::Bench),
    #[command(hide = true)]
    BenchClient(bench::controller::client::Args),
    /// Break every rule once on purpose, and see the test that holds it fail (this changes the working tree while it runs).
    Broken(broken::Args),
    /// Run the controller for some minutes while everything around it fails, in the order of a seed, and hold that nothing breaks.
    Chaos(chaos::Args),
    /// Write the CustomResourceDefinition's manifest from the types of `crds`.
    Codegen(codegen::Args),
    /// Compile kubeseal for Windows, macOS and Linux on ARM without warnings, and run its tests under Wine and QEMU.
    Cross(cross::Args),
    /// Play the whole story on a real control plane: seal, commit, apply, unseal, and what comes after.
    Demo(demo::Args),
    /// Look with random input for what breaks a promise: the targets of `fuzz/`, and templates.
    Fuzz(fuzz::Args),
    /// Build kubeseal as one static program, and show that it is one and works.
    Dist(dist::Args),
    /// Make the controller's OCI image: a folder that skopeo, oras and containerd read.
    Image(image::Args),
    #[command(hide = true)]
    Relay(relay::Args),
    #[command(hide = true)]
    IdleServer,
    /// Put hostile load on the controller's port while SealedSecrets change; fails where a bound is broken.
    Load(load::Args),
    /// Make the page that seals in a browser, as one file.
    Page(page::Args),
    /// Build the real programs that the tests run against (needs Go, Python, Java and Maven), once, into a cache of yours.
    Peers(peers::Args),
    /// Make everything that people download, check it, and publish it (with `--dry-run`: publish nothing).
    Release(release::Args),
    /// Run the controller's cache, queue and decisions with a hundred thousand objects in virtual time; prints memory, times, requests.
    Simulate(simulate::Args),
    /// Check everything: format, lints, all tests, the black-box tests against the real programs.
    Test(test::Args),
    /// Regenerate the vectors of the format, with the reference's binaries and two Python packages; or those of templates.
    Vectors(vectors::Args),
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Bench(bench) => bench::run(&bench),
        Xtask::BenchClient(args) => bench::controller::client::run(&args),
        Xtask::Broken(args) => broken::run_all(&args),
        Xtask::Chaos(args) => chaos::run(&args),
        Xtask::Codegen(args) => codegen::run(&args),
        Xtask::Cross(args) => cross::run(&args),
        Xtask::Demo(args) => demo::run(&args),
        Xtask::Fuzz(args) => fuzz::run(&args),
        Xtask::Dist(args) => dist::run_dist(&args),
        Xtask::Image(args) => image::run_image(&args),
        Xtask::Relay(args) => relay::run(&args),
        Xtask::IdleServer => load::serve_nothing(),
        Xtask::Load(args) => load::run(&args),
        Xtask::Page(args) => page::run(&args),
        Xtask::Peers(args) => peers::run(&args),
        Xtask::Release(args) => release::run(&args),
        Xtask::Simulate(args) => simulate::run(&args),
        Xtask::Test(args) => test::run(&args),
        Xtask::Vectors(args) => vectors::make(&args),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}
