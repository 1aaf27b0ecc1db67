//! One plain line a step, with its time.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::interrupt;

/// The lines so far.
pub(crate) struct Report {
    began: Instant,
    steps: usize,
}

impl Report {
    /// Starts the clock.
    pub(crate) fn begin() -> Report {
        Report {
            began: Instant::now(),
            steps: 0,
        }
    }

    /// Runs a step and prints its line when it held; the line is also the context of its error.
    pub(crate) fn step<T>(&mut self, line: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        interrupt::check()?;
        let outcome = step().with_context(|| format!("failed: {line}"))?;
        self.line(line, began.elapsed());
        Ok(outcome)
    }

    /// Runs a step that returns its line.
    pub(crate) fn step_with(&mut self, step: impl FnOnce() -> Result<String>) -> Result<()> {
        interrupt::check()?;
        let began = Instant::now();
        let line = step()?;
        self.line(&line, began.elapsed());
        Ok(())
    }

    /// Prints a line beside the steps.
    pub(crate) fn note(&self, line: &str) {
        print_line(&format!("         {line}"));
    }

    /// Sums up.
    pub(crate) fn end(&self, place: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        print_line(&format!(
            "\nAll {} steps held in {seconds:.1} s, on {place}.",
            self.steps
        ));
    }

    fn line(&mut self, line: &str, took: Duration) {
        self.steps += 1;
        print_line(&format!("{:6.1} s  {line}", took.as_secs_f64()));
    }
}

/// A reader that has gone away (`| head`) does not end the demo.
fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).ok();
}
