//! The backend on RustCrypto: public-key sealing only, and the tests' independent second implementation.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use rsa::pkcs8::DecodePublicKey;
use rsa::{Oaep, RsaPublicKey};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{CryptoFailure, SESSION_KEY, ZERO_NONCE};
use crate::random::Random;

mod hybrid;

pub(crate) use hybrid::{HybridPublicKey, expand};

/// The operating system's random source.
#[cfg_attr(
    feature = "aws-lc",
    allow(unreachable_pub, reason = "public only where this is the backend")
)]
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), crate::random::RandomUnavailable> {
        rand::rngs::OsRng
            .try_fill_bytes(buffer)
            .map_err(|_| crate::random::RandomUnavailable)
    }
}

#[cfg_attr(
    feature = "aws-lc",
    allow(dead_code, reason = "the other backend's is used; the tests compare the two")
)]
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// RSA public key for OAEP with SHA-256.
pub(crate) struct PublicKey(RsaPublicKey);

impl PublicKey {
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, CryptoFailure> {
        RsaPublicKey::from_public_key_der(spki)
            .map(Self)
            .map_err(|_| CryptoFailure)
    }

    pub(crate) fn wrap(
        &self,
        session_key: &[u8; SESSION_KEY],
        label: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        // The rsa crate wants a label of text; every label is UTF-8 by construction (binding.rs).
        let label = std::str::from_utf8(label).map_err(|_| CryptoFailure)?;
        let padding = Oaep::new_with_label::<Sha256, _>(label);
        // rand's traits cannot say that randomness failed, so the seed is drawn first; StdRng is ChaCha12.
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(seed.as_mut()).map_err(|_| CryptoFailure)?;
        self.0
            .encrypt(&mut StdRng::from_seed(*seed), padding, session_key)
            .map_err(|_| CryptoFailure)
    }
}

/// AES-256-GCM in place: `buffer` goes from plaintext to ciphertext with its tag. The key must never be used again.
pub(crate) fn encrypt(session_key: &[u8; SESSION_KEY], buffer: &mut Vec<u8>) -> Result<(), CryptoFailure> {
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*session_key));
    let sealed = cipher
        .encrypt(&Nonce::from(ZERO_NONCE), buffer.as_slice())
        .map_err(|_| CryptoFailure)?;
    buffer.zeroize();
    *buffer = sealed;
    Ok(())
}
