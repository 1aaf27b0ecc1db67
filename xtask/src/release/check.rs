//! Checks the files as after a download.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::implementation::repository;
use harness::output::run;
use serde_json::Value;

use super::programs::Program;
use super::{Artifacts, VERSION, checksums_name};
use crate::dist;

/// The page that names the files.
const PAGE: &str = "docs/install.md";

/// Checks what is there.
pub(super) fn all(artifacts: &Artifacts, programs: &[Program]) -> Result<()> {
    checksums(artifacts)?;
    let there = artifacts.files()?;
    for program in programs.iter().filter(|program| there.contains(&program.archive())) {
        archive(artifacts, *program).with_context(|| program.archive())?;
    }
    image(artifacts)?;
    page(artifacts, &there)
}

/// Every file is what was made.
pub(super) fn checksums(artifacts: &Artifacts) -> Result<()> {
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "--quiet"]).arg(checksums_name());
    run(check.current_dir(&artifacts.folder))?.success().map(drop)
}

/// The archive holds the program of this version, with its manual and its completions; the one for this machine works.
fn archive(artifacts: &Artifacts, program: Program) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(artifacts.path(&program.archive()));
    run(tar.arg("-C").arg(folder.path()))?.success()?;
    for name in [
        program.file_name(),
        "LICENSE",
        "README.md",
        "man/kubeseal.1",
        "man/kubeseal-seal.1",
        "completions/kubeseal.bash",
    ] {
        let file = folder.path().join(name);
        ensure!(
            fs::metadata(&file).is_ok_and(|file| file.len() > 0),
            "{name} is missing or empty"
        );
    }
    let list: Value = serde_json::from_slice(&fs::read(artifacts.path(&program.list()))?)?;
    ensure!(
        list.pointer("/metadata/component/version")
            .is_some_and(|version| version == VERSION),
        "its list is of another version"
    );
    let file = folder.path().join(program.file_name());
    ensure!(
        fs::read(&file)?
            .windows(VERSION.len())
            .any(|bytes| bytes == VERSION.as_bytes()),
        "the program does not name {VERSION}"
    );
    if program.runs_here() {
        let said = run(Command::new(&file).arg("--version"))?.success()?;
        ensure!(said.stdout.contains(VERSION), "it says {}", said.stdout);
        dist::check_works(&file)?;
        println!("{}: seals and opens", program.archive());
    } else {
        println!("{}: not run here", program.archive());
    }
    Ok(())
}

/// The manifest and the layout name the same image.
fn image(artifacts: &Artifacts) -> Result<()> {
    let digest = fs::read_to_string(artifacts.path("image.digest"))?;
    let index: Value = serde_json::from_slice(&fs::read(artifacts.path("image").join("index.json"))?)?;
    ensure!(
        index
            .pointer("/manifests/0/digest")
            .is_some_and(|found| found == digest.trim()),
        "image.digest is of another image"
    );
    let manifest = fs::read_to_string(artifacts.path("controller.yaml"))?;
    ensure!(manifest.contains(digest.trim()), "controller.yaml names another image");
    Ok(())
}

/// Every file that the page names was made or is listed as missing.
fn page(artifacts: &Artifacts, there: &[String]) -> Result<()> {
    let text = fs::read_to_string(repository().join(PAGE)).with_context(|| PAGE.to_owned())?;
    let is_name = |word: &&str| {
        let known = ["kubeseal-", "sealed-secrets-", "sealed-secrets_", "controller.yaml"];
        known.iter().any(|beginning| word.starts_with(beginning)) && word.contains('.')
    };
    let words = text.split(|c: char| c.is_whitespace() || "`|()".contains(c));
    let names: Vec<&str> = words.filter(is_name).collect();
    ensure!(names.len() > 6, "{PAGE} names hardly any file: {names:?}");
    for name in names {
        ensure!(
            there.iter().any(|file| file == name) || artifacts.missing.contains_key(name),
            "{PAGE} names {name}, which is not made"
        );
    }
    Ok(())
}
