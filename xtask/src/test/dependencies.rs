//! The dependency tree, judged by `deny.toml`.

use std::process::Command;

use anyhow::Result;
use harness::implementation::repository;
use harness::output::run;
use harness::peers::{CARGO_DENY, PeerSet};

/// Bans, licences and sources; and advisories, where their database can be fetched.
pub(super) fn check() -> Result<()> {
    let program = PeerSet::installed(&[CARGO_DENY])?
        .path(&CARGO_DENY)?
        .join("bin/cargo-deny");
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--locked").args(arguments).current_dir(repository());
        run(&mut command)
    };
    deny(&["check", "bans", "licenses", "sources"])?.success()?;
    if deny(&["fetch", "db"])?.success().is_err() {
        println!("  advisories are not checked: their database cannot be fetched here");
        return Ok(());
    }
    deny(&["--offline", "check", "advisories"])?.success().map(drop)
}
