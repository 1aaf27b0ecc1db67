//! A program measured from its start to its exit.
//!
//! Linux counts the memory of whoever starts a program into that program's peak. So the program is started by a small
//! process that does nothing else: this very executable with the hidden word `measured`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wait4::Wait4 as _;

/// What a run of a program has used.
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

/// A program, its arguments, and the files at its ends. Its environment is empty but for what is said here.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// What it reads as stdin; nothing when `None`.
    pub(crate) stdin: Option<PathBuf>,
    /// Where its stdout goes, made anew.
    pub(crate) stdout: PathBuf,
}

impl Run {
    /// Runs it once.
    ///
    /// # Errors
    /// It cannot be started, or does not end with exit code 0.
    pub(crate) fn measure(&self) -> Result<Usage> {
        let own = std::env::current_exe()?;
        let report = tempfile::NamedTempFile::new()?;
        let errors = tempfile::NamedTempFile::new()?;
        let stdin = match &self.stdin {
            Some(path) => Stdio::from(File::open(path).with_context(|| format!("cannot open {}", path.display()))?),
            None => Stdio::null(),
        };
        let ended = Command::new(own)
            .arg("measured")
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
        parse(report.path())
    }
}

fn parse(report: &Path) -> Result<Usage> {
    let report: Value = serde_json::from_slice(&fs::read(report)?)?;
    let number = |name: &str| {
        let found = report.get(name).and_then(Value::as_u64);
        found.with_context(|| format!("no {name} was measured"))
    };
    Ok(Usage {
        wall: Duration::from_nanos(number("wall")?),
        cpu: Duration::from_nanos(number("cpu")?),
        peak: number("peak")?,
    })
}

/// The hidden half: starts the program and writes what it used (nanoseconds, bytes).
#[derive(clap::Args)]
pub(crate) struct Measured {
    report: PathBuf,
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the program with this process's own ends.
pub(crate) fn measured(args: &Measured) -> Result<()> {
    let start = Instant::now();
    let child = Command::new(&args.program)
        .args(&args.arguments)
        .spawn()
        .with_context(|| format!("cannot start {}", args.program.display()))?;
    let used = child.wait4()?;
    let wall = start.elapsed();
    ensure!(used.status.success(), "{}", used.status);
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let report = json!({
        "wall": nanoseconds(wall),
        "cpu": nanoseconds(used.rusage.utime + used.rusage.stime),
        "peak": used.rusage.maxrss,
    });
    Ok(fs::write(&args.report, report.to_string())?)
}
