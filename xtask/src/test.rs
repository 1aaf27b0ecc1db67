//! `cargo xtask test`: all that must hold, in one command; what continuous integration runs.

mod counts;
mod dependencies;
mod hostile;
mod step;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use harness::implementation::repository;
use harness::peers;

pub(crate) use step::{Step, Steps};

use crate::fuzz::targets::Effort;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out what needs Go, Java and a control plane: the peers and the black-box tests.
    #[arg(long)]
    fast: bool,
    /// Run only the tests that need no cluster, on what looks like a strange machine: umask, time zone, locale, proxies, broken
    /// configuration, a service account's environment.
    #[arg(long)]
    hostile: bool,
}

/// Runs every step, whatever became of the ones before it, and sums up in the last line: `N passed, N failed`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let binaries = binaries_folder()?;
    let mut steps = Steps::default();
    if args.hostile {
        let targets = ["--bin", "kubeseal", "--bin", "controller", "--test", "cli"];
        hostile::run(&mut steps, "tests on a strange machine", &targets)?;
        return finish(&steps);
    }
    steps.run(Step::check("format", cargo(["fmt", "--all", "--check"])));
    steps.run(Step::check(
        "clippy",
        cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    ));
    steps.run(
        Step::check(
            "documentation",
            cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]),
        )
        .env("RUSTDOCFLAGS", "-D warnings"),
    );
    steps.run(Step::tests("tests", cargo(["test", "--no-fail-fast"])));
    let targets = ["--bin", "kubeseal", "--bin", "controller"];
    hostile::run(&mut steps, "unit tests on a strange machine", &targets)?;
    in_pure_rust(&mut steps);
    let built = steps.run(Step::check(
        "binaries",
        cargo(["build", "--bins", "-p", "controller", "-p", "kubeseal-rs"]),
    ));
    if !args.fast {
        steps.run_here("fuzzing", || crate::fuzz::targets::run(Effort::Short));
        let ready = steps.run_here("peers", || {
            peers::ensure(&peers::ALL, &|line| println!("  {line}")).map(drop)
        });
        if ready {
            steps.run_here("dependencies", dependencies::check);
        } else {
            steps.cannot_run("dependencies", "cargo-deny is one of the peers");
        }
        if built && ready {
            let black_box = Step::tests("black-box tests", cargo(["test", "--no-fail-fast", "-p", "harness"]))
                .env("SEALED_SECRETS_BIN_DIR", &binaries);
            steps.run(black_box);
        } else {
            steps.cannot_run("black-box tests", "they need the binaries and the peers");
        }
    }
    finish(&steps)
}

/// Checks of the builds without a C compiler.
fn in_pure_rust(steps: &mut Steps) {
    steps.run(Step::tests(
        "tests of sealing in pure Rust",
        cargo([
            "test",
            "-p",
            "sealing",
            "--no-default-features",
            "--features",
            "pure-rust",
            "--lib",
        ]),
    ));
    steps.run(Step::check(
        "kubeseal without a C compiler",
        cargo([
            "check",
            "-p",
            "kubeseal-rs",
            "--no-default-features",
            "--features",
            "seal",
        ]),
    ));
}

/// Prints what failed and the sum, and ends this program with it.
pub(crate) fn finish(steps: &Steps) -> Result<()> {
    steps.list_failures();
    if steps.total().failed > 0 {
        println!("the full output of each step is in {}", step::logs()?.display());
    }
    println!("{}", steps.total());
    // Not an error to be printed: the sum is the last line.
    std::process::exit(i32::from(steps.total().failed > 0))
}

/// Cargo, which changes nothing in the lock file: one that does not fit the manifests fails every step.
fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if let [subcommand, rest @ ..] = arguments.as_slice() {
        command.arg(subcommand);
        // The formatter resolves nothing, and does not know the flag.
        command.args((*subcommand != "fmt").then_some("--locked")).args(rest);
    }
    command.current_dir(repository());
    command
}

/// The folder of this very program, where cargo puts the workspace's other binaries too.
fn binaries_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where does this program run from?")?;
    Ok(own.parent().context("a program is in a folder")?.to_owned())
}
