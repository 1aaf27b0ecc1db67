//! A program measured from its start to its exit.
//!
//! Linux counts the memory of the parent process into the peak of its child. A minimal program starts it, therefore:
//! `src/bin/measured.rs`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::release;

/// The resources that a run of a program used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// From before the start to after the exit.
    pub(crate) wall: Duration,
    /// Of all its threads, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// The most memory that was resident at a time, in bytes.
    pub(crate) peak: u64,
}

impl Usage {
    /// Wall time in milliseconds.
    pub(crate) fn milliseconds(&self) -> f64 {
        self.wall.as_secs_f64() * 1e3
    }

    /// Peak memory in MiB.
    pub(crate) fn mebibytes(&self) -> f64 {
        self.peak as f64 / 1024.0 / 1024.0
    }
}

/// A program, its arguments, and the files at its ends. Its environment has these variables alone.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// What it reads as stdin; nothing when `None`.
    pub(crate) stdin: Option<PathBuf>,
    /// The file for its stdout, truncated first.
    pub(crate) stdout: PathBuf,
}

impl Run {
    /// Runs it once.
    ///
    /// # Errors
    /// It cannot be started, or does not end with exit code 0.
    pub(crate) fn measure(&self) -> Result<Usage> {
        let report = tempfile::NamedTempFile::new()?;
        let errors = tempfile::NamedTempFile::new()?;
        let stdin = match &self.stdin {
            Some(path) => Stdio::from(File::open(path).with_context(|| format!("cannot open {}", path.display()))?),
            None => Stdio::null(),
        };
        let ended = Command::new(starter()?)
            .arg(report.path())
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .stdin(stdin)
            .stdout(File::create(&self.stdout)?)
            .stderr(errors.reopen()?)
            .status()?;
        let said = || fs::read_to_string(errors.path()).unwrap_or_default();
        ensure!(
            ended.success(),
            "{} ended with {ended}:\n{}",
            self.program.display(),
            said()
        );
        parse(&fs::read_to_string(report.path())?).context("the program that measures has told nothing")
    }
}

fn parse(report: &str) -> Option<Usage> {
    let mut numbers = report.lines().map(|line| line.parse().ok());
    Some(Usage {
        wall: Duration::from_nanos(numbers.next()??),
        cpu: Duration::from_nanos(numbers.next()??),
        peak: numbers.next()??,
    })
}

/// Builds the program that starts the others and measures them; gives its path. See `src/bin/measured.rs`.
fn starter() -> Result<&'static Path> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(built) = BUILT.get() {
        return Ok(built);
    }
    let built = release::cargo(&["build", "--quiet", "--package", "xtask", "--bin", "measured"])?.status()?;
    ensure!(built.success(), "cannot build the program that measures");
    let path = release::target()?.join("debug").join("measured");
    Ok(BUILT.get_or_init(|| path))
}
