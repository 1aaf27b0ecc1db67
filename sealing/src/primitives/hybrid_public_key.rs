//! Hybrid public keys where both backends are present: pure Rust encapsulates for the first values of a run, AWS-LC for
//! the others, for the same reason as with RSA (`public_key`). The rest of HPKE is AWS-LC's, which needs no randomness.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::public_key::FIRST;
use super::{CryptoFailure, HYBRID_PUBLIC, aws_lc, rust_xwing};
use crate::random::Random;

/// Public key of X-Wing: ML-KEM-768, then X25519.
pub(crate) struct HybridPublicKey {
    first: rust_xwing::PublicKey,
    bytes: Box<[u8; HYBRID_PUBLIC]>,
    others: OnceLock<aws_lc::HybridPublicKey>,
    sealed: AtomicUsize,
}

impl HybridPublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; HYBRID_PUBLIC]) -> Result<Self, CryptoFailure> {
        Ok(Self {
            first: rust_xwing::PublicKey::from_bytes(bytes)?,
            bytes: Box::new(*bytes),
            others: OnceLock::new(),
            sealed: AtomicUsize::new(0),
        })
    }

    /// HPKE's single-shot `Seal`: the encapsulated key, and the ciphertext with its tag.
    pub(crate) fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoFailure> {
        let (enc, shared) = if self.sealed.fetch_add(1, Ordering::Relaxed) < FIRST {
            self.first.encapsulate(random)?
        } else {
            self.others()?.encapsulate()?
        };
        Ok((enc, aws_lc::seal_with(&shared, info, aad, plaintext)?))
    }

    fn others(&self) -> Result<&aws_lc::HybridPublicKey, CryptoFailure> {
        match self.others.get() {
            Some(others) => Ok(others),
            None => {
                let others = aws_lc::HybridPublicKey::from_bytes(&self.bytes)?;
                Ok(self.others.get_or_init(|| others))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::aws_lc::HybridPrivateKey;
    use super::super::expand_seed::expand;
    use super::*;
    use crate::random::SystemRandom;

    /// A run that is long enough for both is one format from its first value to its last.
    #[test]
    fn long_runs_open_throughout() {
        let private = HybridPrivateKey::from_expanded(&expand(&[7; 32])).unwrap();
        let public = HybridPublicKey::from_bytes(private.public()).unwrap();
        for number in 0..2 * FIRST as u8 {
            let (enc, sealed) = public
                .seal(b"info", b"aad", &[number], &mut SystemRandom::default())
                .unwrap();
            let enc = enc.as_slice().try_into().unwrap();
            assert_eq!(*private.open(enc, b"info", b"aad", &sealed).unwrap(), [number]);
        }
        assert!(public.others.get().is_some());
    }
}
