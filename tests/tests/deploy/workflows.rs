//! The workflows that test and release.

use std::process::Command;

use anyhow::{Result, ensure};
use harness::implementation::repository;
use harness::output::run;
use harness::peers;

#[test]
fn workflows_are_clean_under_actionlint() -> Result<()> {
    let peers = peers::ensure(&[peers::ACTIONLINT], &|line| eprintln!("{line}"))?;
    let folder = repository().join(".github/workflows");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        files.push(entry?.path());
    }
    ensure!(files.len() >= 2, "{files:?}");
    let lint = |files: &[std::path::PathBuf]| run(Command::new(peers.path(&peers::ACTIONLINT)?).args(files));
    lint(&files)?.success()?;
    // It finds a deliberate mistake.
    let wrong = tempfile::tempdir()?;
    let file = wrong.path().join("wrong.yaml");
    std::fs::write(
        &file,
        "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: \"${{ no.such }}\"}]}}\n",
    )?;
    let said = lint(&[file])?;
    ensure!(said.code() == 1 && said.stdout.contains("no"), "{said}");
    Ok(())
}

#[test]
fn every_step_that_runs_something_of_ours_is_one_command() -> Result<()> {
    for name in ["ci.yaml", "release.yaml"] {
        let text = std::fs::read_to_string(repository().join(".github/workflows").join(name))?;
        let ours: Vec<_> = text
            .lines()
            .filter(|line| line.contains("run:") && line.contains("cargo "))
            .collect();
        ensure!(!ours.is_empty(), "{name} runs nothing");
        for line in ours {
            ensure!(line.contains("cargo xtask "), "{name}: {line}");
        }
    }
    Ok(())
}
