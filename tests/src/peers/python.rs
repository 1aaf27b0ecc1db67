//! Python peers: one virtual environment each, with pinned packages and hashes.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Peer;
use crate::output;

/// Checks that `python3` (3.10 or later: what the pinned packages need) can make virtual environments.
pub(super) fn require() -> Result<()> {
    let test = "import sys, venv, ensurepip; sys.exit(0 if sys.version_info >= (3, 10) else 3)";
    let found = Command::new("python3").args(["-c", test]).stdin(Stdio::null()).output();
    match found {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) if output.status.code() == Some(3) => {
            bail!("python3 is older than 3.10: install Python 3.10 or later")
        }
        Ok(_) => {
            bail!("python3 cannot make virtual environments: install python3-venv (Debian, Ubuntu) or a full Python")
        }
        Err(_) => bail!("python3 is not on the path: install Python 3.10 or later with its venv module"),
    }
}

/// Makes the environment under a temporary name and moves it into place.
pub(super) fn create(peer: &Peer) -> Result<()> {
    let place = peer.cached()?;
    let folder = place.parent().context("a cached peer has a folder")?;
    fs::create_dir_all(folder)?;
    // Moving an environment breaks its scripts, which hold absolute paths, but not `bin/python`, which is all that is
    // used; and a half-filled one must never be taken for a whole one.
    let unfinished = folder.join(format!("{}.unfinished", peer.name));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    output::run(Command::new("python3").args(["-m", "venv"]).arg(&unfinished))?.success()?;
    output::run(
        Command::new(unfinished.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r"])
            .arg(peer.pins().join("requirements.txt")),
    )?
    .success()?;
    fs::rename(&unfinished, &place).with_context(|| format!("cannot move the environment to {}", place.display()))
}
