//! Peers that the Go toolchain builds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Peer, Source, cache};
use crate::output::{run, tail};

const INSTALL: &str =
    "install it from https://go.dev/dl/ (one archive, no root needed) and put its bin folder on the path";

/// How often a running build prints a line of progress.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Checks that the machine's Go is new enough for all of the peers' modules.
pub(super) fn require(peers: &[Peer]) -> Result<()> {
    let mut needed = (0, 0, 0);
    for peer in peers.iter().filter(|peer| peer.source.is_go()) {
        let go_mod = fs::read_to_string(peer.pins().join("go.mod"))?;
        let line = go_mod
            .lines()
            .find_map(|line| line.strip_prefix("go "))
            .unwrap_or_default();
        needed =
            needed.max(parse_version(line).with_context(|| format!("{}/go.mod names no Go version", peer.folder))?);
    }
    let (major, minor, patch) = needed;
    let needed_text = format!("Go {major}.{minor}.{patch} or later");
    let Ok(output) = go().args(["env", "GOVERSION"]).stdin(Stdio::null()).output() else {
        bail!("Go is not on the path, and the real peers are built with it: {needed_text} is needed; {INSTALL}");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match parse_version(text.trim().trim_start_matches("go")) {
        Some(found) if found >= needed => Ok(()),
        Some(_) => bail!("{} is too old: {needed_text} is needed; {INSTALL}", text.trim()),
        None => bail!(
            "`go env GOVERSION` said {:?}: {needed_text} is needed; {INSTALL}",
            text.trim()
        ),
    }
}

/// `1.26.8`, `1.26` and `1.26.8-vendor` as numbers.
fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)))
}

/// The Go command with the settings of the user's that would change what is built taken out.
fn go() -> Command {
    let mut command = Command::new("go");
    command
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly")
        .env_remove("GOOS")
        .env_remove("GOARCH");
    command
}

/// Builds the peer; its log is beside it.
pub(super) fn build(peer: &Peer, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    cache::fill(peer, |program| build_at(program, peer, progress))
}

fn build_at(program: &Path, peer: &Peer, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let log = peer.cached()?.with_file_name(format!("{}.log", peer.name));
    let messages = File::create(&log)?;
    let mut command = go();
    match peer.source {
        Source::GoTests { tags } => command.args(["test", "-c", "-tags", tags]),
        Source::GoProgram | Source::PythonEnvironment | Source::MavenJars | Source::NpmPackages => command.arg("build"),
    };
    command
        .args([
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            &format!("-s -w {}", peer.ldflags),
            "-o",
        ])
        .arg(program)
        .arg(peer.package)
        .current_dir(peer.pins())
        .stdin(Stdio::null())
        .stdout(messages.try_clone()?)
        .stderr(messages);
    let mut child = command.spawn().context("cannot start go")?;
    let status = wait_saying(&mut child, peer.name, progress)?;
    if !status.success() {
        bail!(
            "go build failed ({status}); the end of {}:\n{}",
            log.display(),
            tail(&log, 20)
        );
    }
    Ok(())
}

/// The folder of a module's source in Go's module cache, in the version that the folder of pins names.
pub(super) fn module_folder(pins: &Path, module: &str) -> Result<PathBuf> {
    let mut command = go();
    command.args(["mod", "download"]).arg(module).current_dir(pins);
    run(&mut command)?.success()?;
    let mut command = go();
    command
        .args(["list", "-m", "-f", "{{.Dir}}"])
        .arg(module)
        .current_dir(pins);
    Ok(PathBuf::from(run(&mut command)?.success()?.stdout.trim()))
}

/// Waits for a build, with a line a minute.
fn wait_saying(child: &mut Child, name: &str, progress: &(dyn Fn(&str) + Sync)) -> Result<ExitStatus> {
    let start = Instant::now();
    let mut said = start;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if said.elapsed() >= HEARTBEAT {
            progress(&format!(
                "still building {name} ({} min)",
                start.elapsed().as_secs() / 60
            ));
            said = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn go_versions_compare_as_numbers() {
        assert_eq!(parse_version("1.26.8"), Some((1, 26, 8)));
        assert_eq!(parse_version("1.27rc1"), Some((1, 27, 0)));
        assert!(parse_version("1.9") < parse_version("1.26.8"));
        assert_eq!(parse_version("devel"), None);
    }
}
