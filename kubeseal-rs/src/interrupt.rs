//! Ctrl-C in the middle of many files: those that are begun are ended, and no other is begun.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::runtime::Builder;

/// What a shell gives for a program that Ctrl-C has ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From here on the first Ctrl-C is noted, and the second one ends the program at once. Where that cannot be had, the first
    /// one ends it, as before.
    pub(crate) fn catch() -> Self {
        let interrupt = Self::default();
        let pressed = Arc::clone(&interrupt.0);
        let (not_yet, caught) = mpsc::channel::<()>();
        // It ends with the program.
        let _ = thread::Builder::new().spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_io().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok(mut presses) = presses() else { return };
                drop(not_yet);
                if presses.recv().await.is_some() {
                    pressed.store(true, Ordering::Relaxed);
                    presses.recv().await;
                    std::process::exit(EXIT_CODE.into());
                }
            });
        });
        // Nothing comes: it ends when the sender has gone.
        let _ = caught.recv();
        interrupt
    }

    /// Whether no other file is to be begun.
    pub(crate) fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
fn presses() -> std::io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn presses() -> std::io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
