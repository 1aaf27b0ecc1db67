//! Python peers: one virtual environment each, with pinned packages and hashes.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::{Peer, cache};
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

/// Makes the environment. That it is moved afterwards breaks its scripts, which hold absolute paths, but not `bin/python`,
/// which is all that is used.
pub(super) fn create(peer: &Peer) -> Result<()> {
    cache::fill(peer, |folder| {
        output::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?.success()?;
        let mut install = Command::new(folder.join("bin/python"));
        install
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r"])
            .arg(peer.pins().join("requirements.txt"));
        output::run(&mut install)?.success().map(drop)
    })
}
