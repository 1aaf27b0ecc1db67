//! Public keys where both backends are present: pure Rust seals the first values of a run, AWS-LC the others.
//!
//! OAEP needs random bytes, and AWS-LC draws them from its own generator. Seeding that generator takes 30 ms, more than
//! the rest of sealing one Secret; so a short run avoids it. A long run is three times as fast on AWS-LC.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CryptoFailure, SESSION_KEY, aws_lc, rust_rsa};
use crate::random::Random;

/// After this many values the slower operations have taken about half the time of seeding.
pub(super) const FIRST: usize = 64;

/// RSA public key for OAEP with SHA-256.
pub(crate) struct PublicKey {
    /// `None` for a key that only AWS-LC accepts.
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
