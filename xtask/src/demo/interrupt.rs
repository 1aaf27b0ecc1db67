//! Ctrl-C and SIGTERM end the demo at its next check, so that everything it made is taken away again.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on a signal is noted instead of ending the process at once.
pub(crate) fn watch() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).context("cannot watch for Ctrl-C")
}

/// Fails when a signal has come.
pub(crate) fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}

/// Returns when a signal comes.
pub(crate) fn wait() {
    while check().is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
