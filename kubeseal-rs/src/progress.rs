//! A progress bar on stderr, where that is a terminal; elsewhere nothing.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use crate::quoting;

/// The bar. It is gone when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many files.
    pub(crate) fn of(files: usize) -> Self {
        // Draws on stderr, and only on a terminal.
        let bar = ProgressBar::new(files as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// One file is done.
    pub(crate) fn done(&self, file: &Path) {
        if !self.0.is_hidden() {
            self.0.set_message(quoting::path(file));
        }
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
