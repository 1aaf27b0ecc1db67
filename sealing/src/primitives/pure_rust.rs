//! The backend on RustCrypto: public-key sealing only, and the tests' independent second implementation.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::{CryptoFailure, SESSION_KEY, ZERO_NONCE};

mod hybrid;

pub(crate) use super::rust_rsa::PublicKey;
pub(crate) use hybrid::{HybridPublicKey, expand};

#[cfg_attr(
    feature = "aws-lc",
    allow(dead_code, reason = "the other backend's is used; the tests compare the two")
)]
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
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
