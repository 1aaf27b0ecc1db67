//! Starting a program beside a test.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::netns::Network;
use crate::process::Process;

/// Inside a namespace: writes the process id as the outer `/proc` shows it, then becomes the program.
const BECOME: &str = r#"read -r pid rest </proc/self/stat; echo "$pid" >"$1"; shift; exec "$@""#;

/// On the loopback no kernel cleans up: this shell outlives the program only as its watch, and kills it when the
/// harness, which holds the other end of stdin, is gone.
const WATCH: &str = r#"
file=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & program=$!
echo "$program" >"$file"
{ cat <&3 >/dev/null; kill -9 $program 2>/dev/null; } & watch=$!
exec 3<&-
wait $program; status=$?
kill $watch 2>/dev/null
exit $status
"#;

/// As a pod sees it: a private `/var/run` with the service account's files (`$1`) at the well-known place.
const AS_POD: &str = r#"
files=$1; shift
run=$(readlink -f /var/run) && mount -t tmpfs tmpfs "$run" || exit 1
place=/var/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$place" && cp "$files"/* "$place" || exit 1
exec "$@"
"#;

/// A program about to be started.
#[derive(Debug)]
pub struct Launch<'a> {
    network: &'a Network,
    state: &'a Path,
    name: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    pod_files: Option<PathBuf>,
}

impl<'a> Launch<'a> {
    pub(crate) fn new(network: &'a Network, state: &'a Path, name: &str, program: impl AsRef<OsStr>) -> Launch<'a> {
        Launch {
            network,
            state,
            name: name.to_owned(),
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            pod_files: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives it a private `/var/run` with these files as its service account's.
    #[must_use]
    pub(crate) fn pod_files(mut self, files: PathBuf) -> Self {
        self.pod_files = Some(files);
        self
    }

    /// Starts it. Its output goes to `logs/NAME.log` in the cluster's state folder, after what is there already.
    pub fn spawn(self) -> Result<Process> {
        use std::os::unix::process::CommandExt as _;
        let logs = self.state.join("logs");
        fs::create_dir_all(&logs)?;
        let log = logs.join(format!("{}.log", self.name));
        let output = File::options().create(true).append(true).open(&log)?;
        let pid_file = logs.join(format!("{}.pid", self.name));
        // A second start under the same name must not read the first one's.
        fs::remove_file(&pid_file).ok();
        let mut command = match &self.pod_files {
            None => self.network.command("sh"),
            Some(files) => {
                let mut command = self.network.command("unshare");
                command
                    .args(["--mount", "--", "sh", "-c", AS_POD, "sh"])
                    .arg(files)
                    .arg("sh");
                command
            }
        };
        let (script, stdin) = match self.network {
            Network::Namespace(_) => (BECOME, Stdio::null()),
            Network::Loopback => (WATCH, Stdio::piped()),
        };
        command
            .args(["-c", script, "sh"])
            .arg(&pid_file)
            .arg(&self.program)
            .args(&self.arguments);
        clean_environment(&mut command, self.state);
        command
            .envs(self.environment)
            .process_group(0)
            .stdin(stdin)
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        Ok(Process::new(&self.name, child, pid_file, log))
    }
}

/// Takes out of the environment what would let the user's own settings decide how a test ends.
pub(crate) fn clean_environment(command: &mut Command, state: &Path) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_uppercase();
        let decides = ["SEALED_SECRETS_", "KUBE", "POD_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            || ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].contains(&text.as_str());
        if decides {
            command.env_remove(name);
        }
    }
    command
        .env("HOME", state)
        .env("KUBECACHEDIR", state.join("kubectl-cache"));
}
