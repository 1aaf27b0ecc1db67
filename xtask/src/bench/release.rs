//! The programs as people get them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::implementation::repository;

/// Cargo, in the root of the workspace, with the target folder that this program runs from.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(repository())
        .env("CARGO_TARGET_DIR", target()?);
    Ok(command)
}

/// The target folder that this program runs from.
pub(crate) fn target() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where does this program run from?")?;
    let target = own
        .ancestors()
        .nth(2)
        .context("this program runs from cargo's target folder")?;
    Ok(target.to_owned())
}

/// Builds a package's program with the release profile; gives its path. Cargo's progress is shown: a first build takes
/// minutes.
///
/// # Errors
/// The build fails.
pub(crate) fn build(package: &str, program: &str) -> Result<PathBuf> {
    let [path] = build_all([(package, program)])?;
    Ok(path)
}

/// The same for several packages at once: built one by one, they would enable other features of shared crates and compile those again.
///
/// # Errors
/// The build fails.
pub(crate) fn build_all<const N: usize>(programs: [(&str, &str); N]) -> Result<[PathBuf; N]> {
    let mut arguments = vec!["build", "--release"];
    for (package, program) in programs {
        arguments.extend(["--package", package, "--bin", program]);
    }
    ensure!(cargo(&arguments)?.status()?.success(), "cannot build {programs:?}");
    let folder = target()?.join("release");
    Ok(programs.map(|(_, program)| folder.join(program)))
}
