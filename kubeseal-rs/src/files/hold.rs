//! Waits for a file that another run of this program holds.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::FileError;
use crate::quoting;

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// After this the wait is told.
const QUIET: Duration = Duration::from_secs(1);
/// After this it is an error: runs take seconds.
const LONGEST: Duration = Duration::from_secs(60);

/// A wait for one file.
pub(super) struct Wait<'p> {
    path: &'p Path,
    begun: Instant,
    longest: Duration,
    told: bool,
}

impl<'p> Wait<'p> {
    /// Begins now.
    pub(super) fn begin(path: &'p Path) -> Self {
        Self {
            path,
            begun: Instant::now(),
            longest: LONGEST,
            told: false,
        }
    }

    /// Waits until the next try.
    ///
    /// # Errors
    /// [`FileError::Held`].
    pub(super) fn on(&mut self) -> Result<(), FileError> {
        let waited = self.begun.elapsed();
        if waited >= self.longest {
            return Err(FileError::Held {
                path: self.path.to_owned(),
                waited,
            });
        }
        if waited >= QUIET && !std::mem::replace(&mut self.told, true) {
            let mut stderr = io::stderr().lock();
            if stderr.is_terminal() {
                // Only a courtesy: a failure to print it does not matter.
                let path = quoting::path(self.path);
                let _ = writeln!(
                    stderr,
                    "note: waiting for another run of this program, which holds {path}"
                );
            }
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_ends_with_an_error() {
        let mut wait = Wait {
            longest: Duration::from_millis(50),
            ..Wait::begin(Path::new("a.yaml"))
        };
        let error = loop {
            if let Err(error) = wait.on() {
                break error;
            }
        };
        let told = error.to_string();
        assert!(
            told.starts_with("a.yaml: another run of this program has held it for"),
            "{told}"
        );
    }
}
