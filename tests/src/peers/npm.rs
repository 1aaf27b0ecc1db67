//! Packages of Node.js, pinned with their hashes.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{Peer, cache};
use crate::output;

/// What decides the packages.
pub(super) const LOCK: &str = "package-lock.json";

/// Checks that Node.js (18 or later: what the pinned packages need) and npm are there.
pub(super) fn require() -> Result<()> {
    let test = "process.exit(Number(process.versions.node.split('.')[0]) >= 18 ? 0 : 3)";
    let node = Command::new("node").args(["-e", test]).stdin(Stdio::null()).status();
    match node {
        Ok(status) if status.success() => {}
        Ok(_) => bail!("node is older than 18: install Node.js 18 or later"),
        Err(_) => bail!("node is not on the path: install Node.js 18 or later with npm"),
    }
    let npm = Command::new("npm").arg("--version").output();
    npm.map(drop)
        .context("npm is not on the path: install npm, which belongs to Node.js")
}

/// Installs the packages; no script of theirs runs.
pub(super) fn create(peer: &Peer) -> Result<()> {
    cache::fill(peer, |folder| {
        fs::create_dir_all(folder)?;
        for file in ["package.json", LOCK] {
            fs::copy(peer.pins().join(file), folder.join(file))?;
        }
        let mut install = Command::new("npm");
        install
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder);
        output::run(&mut install)?.success().map(drop)
    })
}
