//! The output of a finished program.

use std::fmt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// The captured end of a program: its status and both of its streams.
#[derive(Clone, Debug)]
pub struct Captured {
    command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its stdout, byte for byte.
    pub bytes: Vec<u8>,
    /// Its stdout as text; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Its stderr as text; bytes that are not UTF-8 are replaced.
    pub stderr: String,
}

impl Captured {
    /// The exit code; 255 when a signal ended the program.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(255)
    }

    /// Passes the output on when the program succeeded; else an error that shows the command and both streams.
    pub fn success(self) -> Result<Captured> {
        if self.status.success() {
            return Ok(self);
        }
        bail!("{self}")
    }

    /// The stdout as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.bytes).with_context(|| format!("not JSON: {self}"))
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` ended with {}\n--- stdout\n{}--- stderr\n{}---",
            self.command, self.status, self.stdout, self.stderr
        )
    }
}

/// Runs a command to its end with nothing on stdin.
pub fn run(command: &mut Command) -> Result<Captured> {
    run_with_input(command, b"")
}

/// Runs a command to its end with the given bytes on stdin.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Result<Captured> {
    let shown = shown(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let pipe = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Written beside the reading: a program that answers before it has read all would otherwise block both sides.
        scope.spawn(move || {
            use std::io::Write as _;
            // A program that ends without reading its input closes the pipe; its exit status is what counts.
            pipe.and_then(|mut pipe| pipe.write_all(input).ok())
        });
        child.wait_with_output()
    })
    .with_context(|| format!("cannot wait for `{shown}`"))?;
    Ok(Captured {
        command: shown,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        bytes: output.stdout,
    })
}

/// The command line for messages.
pub(crate) fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines of a file; what is wrong with it when it cannot be read.
pub fn tail(file: &Path, lines: usize) -> String {
    match std::fs::read(file) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let all: Vec<&str> = text.lines().collect();
            all.get(all.len().saturating_sub(lines)..)
                .unwrap_or_default()
                .join("\n")
        }
        Err(error) => format!("(cannot read {}: {error})", file.display()),
    }
}
