//! The targets of `fuzz/`: built with the coverage counters of the compiler, run by libFuzzer, a share of the time each.
//!
//! The flags are those that cargo-fuzz gives, without a sanitizer: `unsafe` is forbidden in what is fuzzed, and the stable
//! compiler does.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::bench::release;
use harness::implementation::repository;

const TARGETS: [&str; 10] = [
    "documents",
    "body",
    "edits",
    "templates",
    "envelope",
    "v2-values",
    "keys",
    "key-secrets",
    "statuses",
    "requests",
];

const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table --cfg fuzzing";

/// Executions of each target in the tests.
const IN_TESTS: u32 = 2_000;

/// How much each target runs.
#[derive(Clone, Copy)]
pub(crate) enum Effort {
    /// Minutes for all targets together, from what earlier runs have found to be interesting.
    Minutes(u64),
    /// A second from the committed inputs, with one seed: for the tests, where a failure should tell of a change of the code.
    Short,
}

/// Runs all targets; prints executions and coverage of each. Fails when one finds something.
pub(crate) fn run(effort: Effort) -> Result<()> {
    let program = build()?;
    let mut failed = Vec::new();
    for target in TARGETS {
        if !run_one(&program, target, effort)? {
            failed.push(target);
        }
    }
    ensure!(
        failed.is_empty(),
        "findings in {failed:?}; each input is in target/fuzz/found"
    );
    Ok(())
}

fn build() -> Result<std::path::PathBuf> {
    let target = release::target()?.join("fuzz");
    let host = host()?;
    let host = host.as_str();
    let mut cargo = release::cargo(&[
        "build",
        "--locked",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--target",
        host,
    ])?;
    // With a target of its own, build scripts and macros are not instrumented.
    let built = cargo
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", COVERAGE)
        .status()?;
    ensure!(built.success(), "cannot build fuzz/");
    Ok(target.join(host).join("debug/fuzz"))
}

/// The machine that the compiler builds for.
fn host() -> Result<String> {
    let told = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-vV")
        .output()?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// False when the target found something.
fn run_one(program: &Path, target: &str, effort: Effort) -> Result<bool> {
    let work = release::target()?.join("fuzz");
    let (corpus, found) = (work.join("corpus").join(target), work.join("found"));
    for folder in [&corpus, &found] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // What is interesting is written into the first corpus.
    let passing = tempfile::tempdir()?;
    let mut command = Command::new(program);
    match effort {
        Effort::Minutes(minutes) => {
            let seconds = (minutes * 60 / TARGETS.len() as u64).max(1);
            command.arg(format!("-max_total_time={seconds}")).arg(&corpus)
        }
        Effort::Short => command
            .args(["-seed=1".to_owned(), format!("-runs={IN_TESTS}")])
            .arg(passing.path()),
    };
    let output = command
        .env("FUZZ_TARGET", target)
        .arg(format!("-artifact_prefix={}/{target}-", found.display()))
        .args([
            "-timeout=20",
            "-rss_limit_mb=1024",
            "-max_len=16384",
            "-print_final_stats=1",
        ])
        .arg(repository().join("fuzz/corpus").join(target))
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let executions = after(&log, "stat::number_of_executed_units:");
    let covered = after(&log, " cov:");
    println!("fuzz {target}: {executions} executions, {covered} places covered");
    if let Some(depth) = log.lines().rfind(|line| line.starts_with("depth: ")) {
        println!("  {depth}");
    }
    if output.status.success() {
        if executions == "0" || executions == "?" {
            bail!("the target {target} ran nothing:\n{log}");
        }
        return Ok(true);
    }
    let end: Vec<_> = log.lines().rev().take(40).collect();
    end.into_iter().rev().for_each(|line| println!("  {line}"));
    Ok(false)
}

/// The word after the last `label`.
fn after<'l>(log: &'l str, label: &str) -> &'l str {
    let rest = log.rsplit_once(label).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().unwrap_or("?")
}
