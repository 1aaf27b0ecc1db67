//! A browser of the machine's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::output;

/// Names it, where it is not on the PATH.
const VARIABLE: &str = "CHROMIUM";

/// Where Chromium is. In a Debian on which this runs as root it is installed first, as CI's machines have none.
///
/// # Errors
/// It is not there and cannot be installed.
pub fn require() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    if let Some(found) = found() {
        return Ok(found);
    }
    let root = output::run(Command::new("id").arg("-u"))?.stdout.trim() == "0";
    if !root || Command::new("apt-get").arg("--version").output().is_err() {
        bail!(
            "Chromium is not on the path: install it (Debian: apt-get install chromium), or say where it is in {VARIABLE}"
        );
    }
    for arguments in [
        &["update"][..],
        &["install", "--yes", "--no-install-recommends", "chromium"],
    ] {
        let mut install = Command::new("apt-get");
        install.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        output::run(&mut install)?.success()?;
    }
    found().context("apt-get installed Chromium, and it is not on the path")
}

fn found() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}
