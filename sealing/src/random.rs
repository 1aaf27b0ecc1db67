//! Randomness as an argument: [`SystemRandom`] is for the shells to pass in.

use thiserror::Error;

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemRandom(());

impl Random for SystemRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        getrandom::fill(buffer).map_err(|_| RandomUnavailable)
    }
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
