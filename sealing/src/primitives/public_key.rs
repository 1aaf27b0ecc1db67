//! Public keys where both backends are there: the first items of a run by pure Rust, the others by AWS-LC.
//!
//! OAEP needs random bytes, and AWS-LC takes its own. To seed that generator takes 30 ms, which is more than all else that
//! the sealing of one Secret takes; so a short run does without. A long run is three times as fast on AWS-LC.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CryptoFailure, SESSION_KEY, aws_lc, rust_rsa};
use crate::random::Random;

/// After so many items the slower operations have taken about half of what seeding takes.
pub(super) const FIRST: usize = 64;

/// RSA public key for OAEP with SHA-256.
pub(crate) struct PublicKey {
    /// None for a key that only AWS-LC takes.
    first: Option<rust_rsa::PublicKey>,
    others: aws_lc::PublicKey,
    wrapped: AtomicUsize,
}

impl PublicKey {
    /// `spki`: DER SubjectPublicKeyInfo of an RSA key of 2048 to 8192 bits.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, CryptoFailure> {
        Ok(Self {
            first: rust_rsa::PublicKey::from_spki(spki).ok(),
            others: aws_lc::PublicKey::from_spki(spki)?,
            wrapped: AtomicUsize::new(0),
        })
    }

    pub(crate) fn wrap(
        &self,
        session_key: &[u8; SESSION_KEY],
        label: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        match &self.first {
            Some(first) if self.wrapped.fetch_add(1, Ordering::Relaxed) < FIRST => {
                first.wrap(session_key, label, random)
            }
            _ => self.others.wrap(session_key, label),
        }
    }
}
