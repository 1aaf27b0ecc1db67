//! Randomness as an argument: the pure crate draws none by itself.

use thiserror::Error;

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
