//! Randomness as an argument: any cryptographic generator of `rand_core`, or [`SystemRandom`].
//!
//! From this argument come session keys, content keys, the seeds of hybrid keys, serial numbers of certificates and what templates
//! draw. With the feature `aws-lc` some draws do not come from it, because AWS-LC takes no generator from its caller:
//!
//! - the primes of a new RSA key;
//! - the OAEP seed or the encapsulated key of a value, after the first 64 values that one key seals;
//! - the blinding of RSA private keys. Keys below 2048 bits, which the crate `rsa` opens, are blinded from [`SystemRandom`].
//!
//! So sealing with a seeded generator does not give the same bytes twice.

use rand_core::{TryCryptoRng, TryRng, utils};
use thiserror::Error;

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemRandom(());

impl TryRng for SystemRandom {
    type Error = RandomUnavailable;

    fn try_next_u32(&mut self) -> Result<u32, RandomUnavailable> {
        utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomUnavailable> {
        utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        fill(buffer).ok_or(RandomUnavailable)
    }
}

impl TryCryptoRng for SystemRandom {}

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

/// A cryptographically secure source of random bytes: every generator of `rand_core`, whatever error it has, as one type behind a
/// reference.
pub trait Random {
    /// Fills `buffer` completely.
    ///
    /// # Errors
    /// [`RandomUnavailable`] when the source gives nothing; the buffer must then not be used.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable>;
}

impl<R: TryCryptoRng> Random for R {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        self.try_fill_bytes(buffer).map_err(|_| RandomUnavailable)
    }
}

/// The random source gave no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system's random source is not available")]
pub struct RandomUnavailable;

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl TryRng for Broken {
        type Error = std::fmt::Error;

        fn try_next_u32(&mut self) -> Result<u32, std::fmt::Error> {
            Err(std::fmt::Error)
        }

        fn try_next_u64(&mut self) -> Result<u64, std::fmt::Error> {
            Err(std::fmt::Error)
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), std::fmt::Error> {
            Err(std::fmt::Error)
        }
    }

    impl TryCryptoRng for Broken {}

    #[test]
    fn generators_of_rand_core_are_sources() {
        let sources: [(&mut dyn Random, _); 2] = [
            (&mut SystemRandom::default(), Ok(())),
            (&mut Broken, Err(RandomUnavailable)),
        ];
        for (random, expected) in sources {
            assert_eq!(random.fill(&mut [0; 4]), expected);
        }
    }
}
