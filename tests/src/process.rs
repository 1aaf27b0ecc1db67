//! A program that runs beside a test.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::eventually::eventually;
use crate::output::{run, tail};

/// A running program, killed when dropped. Its output is in a log file.
#[derive(Debug)]
pub struct Process {
    name: String,
    /// The started command: `nsenter` or a shell, whose end is the program's end and whose status is the program's.
    child: Mutex<Child>,
    /// Where the program's own process id was written when it started.
    pid_file: PathBuf,
    log: PathBuf,
    /// Open as long as the program may live: a watching shell kills the program when it closes.
    _lifeline: Option<ChildStdin>,
}

impl Process {
    pub(crate) fn new(name: &str, mut child: Child, pid_file: PathBuf, log: PathBuf) -> Process {
        let lifeline = child.stdin.take();
        Process {
            name: name.to_owned(),
            child: Mutex::new(child),
            pid_file,
            log,
            _lifeline: lifeline,
        }
    }

    /// The program's process id, as the machine sees it.
    pub fn pid(&self) -> Result<u32> {
        eventually(Duration::from_secs(10), &format!("process id of {}", self.name), || {
            let text = std::fs::read_to_string(&self.pid_file).context("no process id file")?;
            text.trim()
                .parse()
                .with_context(|| format!("{text:?} is no process id"))
        })
    }

    /// Sends a signal by its name without `SIG`: `TERM`, `KILL`, `USR1`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let mut kill = format!("kill -{signal} {}", self.pid()?);
        if signal == "CONT" {
            // `nsenter` stops itself when its child is stopped, and would not notice the child's end later.
            let outer = self.child.lock().unwrap_or_else(PoisonError::into_inner).id();
            kill += &format!(" {outer}");
        }
        run(Command::new("sh").args(["-c", &kill]))?.success()?;
        Ok(())
    }

    /// Kills it at once and waits for its end.
    pub fn kill(&self) -> Result<ExitStatus> {
        if self.ended()?.is_none() {
            self.signal("KILL")?;
        }
        self.wait(Duration::from_secs(10))
    }

    /// Asks it to end and waits until it has, at most the given time.
    pub fn terminate(&self, deadline: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        self.wait(deadline)
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Result<Option<ExitStatus>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(child.try_wait()?)
    }

    /// Waits until it ends by itself.
    pub fn wait(&self, deadline: Duration) -> Result<ExitStatus> {
        eventually(deadline, &format!("end of {}", self.name), || {
            self.ended()?.with_context(|| format!("{} still runs", self.name))
        })
    }

    /// An error with the end of the log when it runs no more.
    pub fn check_running(&self) -> Result<()> {
        let ended = self.ended()?;
        ensure!(
            ended.is_none(),
            "{} ended early ({}); the end of its log:\n{}",
            self.name,
            ended.map(|status| status.to_string()).unwrap_or_default(),
            tail(&self.log, 30)
        );
        Ok(())
    }

    /// All that it has written to stdout and stderr so far.
    pub fn log(&self) -> Result<String> {
        let bytes = std::fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The log's file.
    pub fn log_file(&self) -> &Path {
        &self.log
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill().ok();
    }
}
