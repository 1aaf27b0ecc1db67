//! Waiting with a deadline.

use std::time::{Duration, Instant};

use anyhow::Result;

/// The pause between two tries: short enough not to be felt, long enough to leave the machine to the programs that
/// are waited for.
const PAUSE: Duration = Duration::from_millis(50);

/// Retries until it succeeds. After the deadline, an error with what was awaited and how the last attempt failed.
pub fn eventually<T>(deadline: Duration, what: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() >= deadline => {
                return Err(error.context(format!("no {what} after {} s", deadline.as_secs())));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Checks again and again that something stays as it is, for the whole of the given time.
pub fn throughout(time: Duration, mut check: impl FnMut() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < time {
        check().map_err(|error| error.context(format!("it changed after {} s", start.elapsed().as_secs())))?;
        // Each check is a program or a request: often enough to catch a change that stays.
        std::thread::sleep(4 * PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_failure_is_in_the_error() {
        let mut tries = 0;
        let failed: Result<()> = eventually(Duration::from_millis(120), "success", || {
            tries += 1;
            anyhow::bail!("try {tries}")
        });
        assert!(tries > 1);
        assert_eq!(
            format!("{:#}", failed.unwrap_err()),
            format!("no success after 0 s: try {tries}")
        );
    }

    #[test]
    fn a_change_is_noticed() {
        let mut checks = 0;
        let changed = throughout(Duration::from_secs(60), || {
            checks += 1;
            anyhow::ensure!(checks < 2, "war");
            Ok(())
        });
        assert_eq!(format!("{:#}", changed.unwrap_err()), "it changed after 0 s: war");
    }

    #[test]
    fn the_first_success_ends_it() {
        let mut tries = 0;
        let value = eventually(Duration::from_secs(60), "third", || {
            tries += 1;
            if tries < 3 { anyhow::bail!("not yet") } else { Ok(tries) }
        });
        assert_eq!(value.unwrap(), 3);
    }
}
