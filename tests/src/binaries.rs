//! The binaries under test, reached by their paths alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::output::run;

/// The two programs of one implementation.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The command line program.
    pub kubeseal: PathBuf,
    /// The controller.
    pub controller: PathBuf,
}

/// Ours: from `$SEALED_SECRETS_BIN_DIR` if that is set, else built now, so that a test never meets an old binary.
pub fn ours() -> Result<Pair> {
    static OURS: OnceLock<Result<Pair>> = OnceLock::new();
    match OURS.get_or_init(find_or_build) {
        Ok(pair) => Ok(pair.clone()),
        Err(error) => Err(anyhow!("{error:#}")),
    }
}

fn find_or_build() -> Result<Pair> {
    let folder = match std::env::var_os("SEALED_SECRETS_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => build()?,
    };
    Ok(Pair {
        kubeseal: folder.join("kubeseal"),
        controller: folder.join("controller"),
    })
}

fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the crate is in the workspace")?;
    let own = std::env::current_exe()?;
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--bins", "-p", "controller", "-p", "kubeseal-rs"]);
    // To build a program while it runs replaces its file, and what it then starts of itself is not found.
    if own.file_stem().is_none_or(|name| name != "xtask") {
        command.args(["-p", "xtask"]);
    }
    // Cargo's own progress is what there is to see: the first build takes minutes.
    let built = command.status().context("cannot run cargo")?;
    ensure!(built.success(), "cannot build the binaries under test");
    // A test runs from TARGET/debug/deps, another program of this workspace from TARGET/debug.
    own.ancestors()
        .find(|folder| {
            folder
                .file_name()
                .is_some_and(|name| name == "debug" || name == "release")
        })
        .map(|folder| folder.with_file_name("debug"))
        .context("not run from a target folder of cargo's: set SEALED_SECRETS_BIN_DIR")
}

/// Builds an example of `sealing`; gives its path.
pub fn example(name: &str, selection: &[&str]) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut build = Command::new(cargo);
    build.current_dir(root).arg("build").args(selection);
    build.args(["--example", name, "--message-format", "json-render-diagnostics"]);
    let built = run(&mut build)?.success()?;
    let mut executables = built.stdout.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let target = message.get("target")?;
        (target.get("name")? == name).then_some(())?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    executables
        .next_back()
        .with_context(|| format!("cargo built no {name}"))
}
