//! Where a cluster's programs run: in a network namespace of their own, or on the user's loopback.
//!
//! The namespace makes three things possible: fixed ports in any number of clusters at once; an address that is not
//! loopback, without which the API server's service proxy refuses to talk to the controller; and a clean end, because
//! the kernel kills everything inside when its first process goes.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::eventually::eventually;
use crate::output;

/// The address (TEST-NET-1, RFC 5737) that the API server and the controller have inside a namespace.
pub const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The namespace's first process. It prints its process id as seen from outside (`/proc` is still the outer one) and
/// waits for its stdin to end, which happens in whatever way the harness ends. Then it kills everything inside and
/// removes the state folder (`$1`): after a `kill -9` of the harness no other process can.
const FIRST_PROCESS: &str = r#"
read -r pid rest </proc/self/stat
ip link set lo up && ip addr add 192.0.2.2/32 dev lo || exit 1
echo "ready $pid"
cat >/dev/null
kill -9 -1
[ -z "$1" ] || rm -rf "$1"
"#;

/// Where the programs of one cluster run.
#[derive(Debug)]
pub enum Network {
    /// In a network and process namespace.
    Namespace(Namespace),
    /// On the user's own loopback, on free ports.
    Loopback,
}

/// A network and process namespace, gone when this value is dropped or the process that holds it ends in any way.
#[derive(Debug)]
pub struct Namespace {
    unshare: Child,
    stdin: Option<ChildStdin>,
    first_process: u32,
}

/// Says why this machine cannot make network namespaces, if it cannot.
pub fn namespaces_available() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("network namespaces exist on Linux only");
    }
    for (program, package) in [("unshare", "util-linux"), ("nsenter", "util-linux"), ("ip", "iproute2")] {
        if output::run(Command::new(program).arg("-V")).is_err() {
            bail!("the `{program}` command is missing: install {package}");
        }
    }
    // The first process with its stdin already at its end: it sets the address up and is done.
    let tried = output::run(&mut first_process(Path::new("")))?;
    if !tried.stdout.starts_with("ready") {
        bail!("this machine does not let you make one: {}", tried.stderr.trim());
    }
    Ok(())
}

fn first_process(state: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--user",
            "--map-root-user",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--",
        ])
        .args(["sh", "-c", FIRST_PROCESS, "sh"])
        .arg(state);
    command
}

impl Namespace {
    /// Makes a namespace. `state` is removed when it ends.
    pub(crate) fn create(state: &Path) -> Result<Namespace> {
        use std::os::unix::process::CommandExt as _;
        let mut unshare = first_process(state)
            // A group of its own: Ctrl-C goes to the harness, and the namespace follows by its closed stdin.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let stdin = unshare.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = unshare.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Some(first_process) = line.strip_prefix("ready ").and_then(|pid| pid.trim().parse().ok()) else {
            drop(stdin);
            let mut reason = String::new();
            if let Some(mut stderr) = unshare.stderr.take() {
                stderr.read_to_string(&mut reason)?;
            }
            unshare.wait()?;
            bail!("cannot make a network namespace: {}", reason.trim());
        };
        Ok(Namespace {
            unshare,
            stdin,
            first_process,
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let ended = eventually(Duration::from_secs(10), "the namespace's end", || {
            self.unshare.try_wait()?.context("still running")
        });
        if ended.is_err() {
            // `--kill-child` takes the first process along, and with it everything inside.
            self.unshare.kill().ok();
            self.unshare.wait().ok();
        }
    }
}

impl Network {
    /// The address that the API server and the controller listen on.
    pub fn address(&self) -> Ipv4Addr {
        match self {
            Network::Namespace(_) => INSIDE,
            Network::Loopback => Ipv4Addr::LOCALHOST,
        }
    }

    /// A command that will run here. The mount namespace and the current folder are the caller's.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Network::Namespace(namespace) => {
                let mut command = Command::new("nsenter");
                command
                    .args(["-t", &namespace.first_process.to_string()])
                    .args(["--user", "--net", "--pid", "--preserve-credentials", "--"])
                    .arg(program);
                command
            }
            Network::Loopback => Command::new(program),
        }
    }
}
