//! Runs the binary in a temporary folder that holds the test keys; no HOME, no KUBECONFIG, no proxy.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// What a run of the program has said.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Exit code and stderr, for snapshots.
    pub(crate) told: String,
}

impl Run {
    /// The stdout of a run that has succeeded without a word on stderr.
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        self.stdout
    }
}

/// The working folder of the program, removed with all it holds.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with a copy of every test key and certificate.
    pub(crate) fn with_keys() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(FIXTURES).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes a Git work tree of the folder.
    pub(crate) fn git_init(&self) {
        self.git(&["init", "--quiet"]);
    }

    /// Runs Git in the folder.
    pub(crate) fn git(&self, words: &[&str]) {
        assert!(self.git_succeeds(words), "git {words:?}");
    }

    /// Whether Git succeeds in the folder. It knows nothing of the settings of whoever runs the tests.
    pub(crate) fn git_succeeds(&self, words: &[&str]) -> bool {
        let status = alone("git")
            .args(words)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.0.path())
            .status();
        status.unwrap().success()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file's name and content.
    pub(crate) fn listing(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(&path).unwrap_or_default()))
            .collect()
    }

    /// Every file's path below the folder and content, without Git's own.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.ends_with(".git") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(
                        path.strip_prefix(self.0.path()).unwrap().to_owned(),
                        fs::read(&path).unwrap(),
                    );
                }
            }
        }
        files
    }

    /// Runs the program with flags that are divided by spaces.
    pub(crate) fn run(&self, flags: &str, input: &str) -> Run {
        self.run_in(&[], &flags.split_whitespace().collect::<Vec<_>>(), input.as_bytes())
    }

    /// Runs the program with these variables and no others.
    pub(crate) fn run_in(&self, variables: &[(&str, &str)], words: &[&str], input: &[u8]) -> Run {
        let mut child = command(self.0.path())
            .args(words)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that ends before it has read its input closes the pipe, which is not a failure of the test.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        Run {
            code,
            stdout: String::from_utf8(output.stdout).unwrap(),
            told: format!("exit {code}\n{stderr}"),
            stderr,
        }
    }
}

/// Another program of the machine, without any of its environment but where programs are.
pub(crate) fn alone(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// The program under test: the one that cargo has built, unless `KUBESEAL_UNDER_TEST` names another (for another processor, in an emulator).
pub(crate) fn kubeseal() -> String {
    std::env::var("KUBESEAL_UNDER_TEST").unwrap_or_else(|_| env!("CARGO_BIN_EXE_kubeseal").to_owned())
}

/// The program, to be started in `folder`.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(kubeseal());
    command.env_clear().current_dir(folder);
    command
}
