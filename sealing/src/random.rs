//! Randomness as an argument: [`SystemRandom`] is for the shells to pass in.

use thiserror::Error;

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemRandom(());

impl Random for SystemRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        fill(buffer).ok_or(RandomUnavailable)
    }
}

/// By the system call itself. The crate `getrandom` asks the C library for it by name, finds nothing in a static program, and
/// opens a device that an image without files lacks.
#[cfg(target_os = "linux")]
fn fill(mut buffer: &mut [u8]) -> Option<()> {
    use rustix::io::Errno;
    use rustix::rand::{GetRandomFlags, getrandom};

    while !buffer.is_empty() {
        match getrandom(&mut *buffer, GetRandomFlags::empty()) {
            Ok(filled) => buffer = buffer.get_mut(filled..)?,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    Some(())
}

#[cfg(not(target_os = "linux"))]
fn fill(buffer: &mut [u8]) -> Option<()> {
    getrandom::fill(buffer).ok()
}

/// A cryptographically secure source of random bytes.
pub trait Random {
    /// Fills `buffer` completely.
    ///
    /// # Errors
    /// [`RandomUnavailable`] when the source gives nothing; the buffer must then not be used.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The random source gave no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system's random source is not available")]
pub struct RandomUnavailable;
