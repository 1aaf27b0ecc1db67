//! One step of `cargo xtask test`: a command, its log, its line.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use harness::output::tail;

use super::counts::Counts;

/// How often a running step prints a line of progress.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// How much of a failed step's output is shown; all of it is in its log.
const SHOWN_LINES: usize = 150;

/// A command and how its outcome counts.
pub(crate) struct Step {
    name: &'static str,
    command: Command,
    /// Whether the tests in its output are counted, or the command as one check.
    counts_tests: bool,
}

impl Step {
    /// A command that counts as one.
    pub(crate) fn check(name: &'static str, command: Command) -> Step {
        Step {
            name,
            command,
            counts_tests: false,
        }
    }

    /// A `cargo test`, of which each test counts.
    pub(crate) fn tests(name: &'static str, command: Command) -> Step {
        Step {
            name,
            command,
            counts_tests: true,
        }
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Step {
        self.command.env(name, value);
        self
    }

    /// Runs the command, with both of its streams in the step's log.
    fn execute(&mut self) -> Result<Counts> {
        let log = logs()?.join(format!("{}.log", self.name.replace(' ', "-")));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        self.command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("cannot start the step {:?}", self.name))?;
        let start = Instant::now();
        let mut said = start;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if said.elapsed() >= HEARTBEAT {
                println!("  still running ({} min)", start.elapsed().as_secs() / 60);
                said = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let mut counts = Counts::one(status.success());
        if self.counts_tests {
            counts = Counts::of_tests(&String::from_utf8_lossy(&fs::read(&log)?));
            // It did not compile, crashed, or ran nothing at all: no test could say so itself.
            if counts.failed == 0 && (!status.success() || counts.passed == 0) {
                counts.failed = 1;
            }
        }
        if counts.failed > 0 {
            println!("{}", tail(&log, SHOWN_LINES));
        }
        Ok(counts)
    }
}

/// The folder of the steps' logs, in cargo's target folder.
pub(crate) fn logs() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own
        .ancestors()
        .nth(2)
        .context("this program runs from cargo's target folder")?;
    let folder = target.join("xtask-test");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// The steps so far.
#[derive(Default)]
pub(crate) struct Steps {
    total: Counts,
    failed: Vec<String>,
}

impl Steps {
    /// Runs a command; whether all of it passed.
    pub(crate) fn run(&mut self, mut step: Step) -> bool {
        self.record(step.name, || step.execute())
    }

    /// Runs a part of this program; it counts as one.
    pub(crate) fn run_here(&mut self, name: &'static str, part: impl FnOnce() -> Result<()>) -> bool {
        self.record(name, || part().map(|()| Counts::one(true)))
    }

    /// A step without what it needs has failed.
    pub(crate) fn cannot_run(&mut self, name: &'static str, why: &str) {
        self.record(name, || Err(anyhow!("cannot run: {why}")));
    }

    fn record(&mut self, name: &'static str, execute: impl FnOnce() -> Result<Counts>) -> bool {
        println!("{name} …");
        let start = Instant::now();
        let counts = execute().unwrap_or_else(|error| {
            println!("  {error:#}");
            Counts::one(false)
        });
        println!("{name}: {counts} in {:.1} s", start.elapsed().as_secs_f32());
        self.total += counts;
        if counts.failed > 0 {
            self.failed.push(format!("{name}: {} failed", counts.failed));
        }
        counts.failed == 0
    }

    /// Prints the steps that failed.
    pub(crate) fn list_failures(&self) {
        for line in &self.failed {
            println!("FAILED {line}");
        }
    }

    /// The sum of all steps.
    pub(crate) fn total(&self) -> Counts {
        self.total
    }
}
