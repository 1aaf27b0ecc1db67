//! A line that is typed and not shown.

use std::io;

use zeroize::Zeroizing;

/// Asks for a line. Ctrl-C ends the program by its signal as anywhere else, but only after the terminal shows again what is typed.
///
/// # Errors
/// There is no terminal, or its end was typed.
pub(crate) fn hidden(prompt: &str) -> io::Result<Zeroizing<String>> {
    #[cfg(unix)]
    let _held = held::Interrupt::hold()?;
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

#[cfg(unix)]
mod held {
    use std::io;

    use nix::sys::signal::{SigSet, SigmaskHow, Signal};

    /// The signal of Ctrl-C, which this thread gets when this is dropped. The prompt sends it to itself while the terminal is
    /// still as the prompt needs it.
    pub(super) struct Interrupt {
        before: SigSet,
    }

    impl Interrupt {
        pub(super) fn hold() -> io::Result<Self> {
            let mut interrupt = SigSet::empty();
            interrupt.add(Signal::SIGINT);
            let before = interrupt.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
            Ok(Self { before })
        }
    }

    impl Drop for Interrupt {
        fn drop(&mut self) {
            // It cannot fail with a mask that was there.
            let _ = self.before.thread_set_mask();
        }
    }
}
