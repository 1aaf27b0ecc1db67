//! HPKE (RFC 9180) in base mode with X-Wing, HKDF-SHA256 and AES-256-GCM, for sealing alone.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::super::{CryptoFailure, HYBRID_PUBLIC, SUITE_ID, rust_xwing};
use crate::random::Random;

/// Public key of X-Wing: ML-KEM-768, then X25519.
pub(crate) struct HybridPublicKey(rust_xwing::PublicKey);

impl HybridPublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; HYBRID_PUBLIC]) -> Result<Self, CryptoFailure> {
        rust_xwing::PublicKey::from_bytes(bytes).map(Self)
    }

    /// HPKE's single-shot `Seal`: the encapsulated key, and the ciphertext with its tag.
    pub(crate) fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoFailure> {
        let (enc, shared) = self.0.encapsulate(random)?;
        let (key, nonce) = key_schedule(&shared, info)?;
        let payload = Payload { msg: plaintext, aad };
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        let ciphertext = cipher.encrypt(&Nonce::from(nonce), payload);
        Ok((enc, ciphertext.map_err(|_| CryptoFailure)?))
    }
}

/// `KeySchedule` of RFC 9180 §5.1 in base mode: the key, and the nonce of the first message.
fn key_schedule(shared: &[u8; 32], info: &[u8]) -> Result<(Zeroizing<[u8; 32]>, [u8; 12]), CryptoFailure> {
    let extract = |salt: &[u8], label: &[u8], input: &[u8]| {
        let input = [b"HPKE-v1".as_slice(), SUITE_ID, label, input].concat();
        Hkdf::<Sha256>::extract(Some(salt), &input)
    };
    let (psk_id_hash, _) = extract(b"", b"psk_id_hash", b"");
    let (info_hash, _) = extract(b"", b"info_hash", info);
    let context = [&[0][..], &psk_id_hash, &info_hash].concat();
    let (mut pseudorandom, secret) = extract(shared, b"secret", b"");
    pseudorandom.zeroize();
    let expand = |label: &[u8], out: &mut [u8]| {
        let length = (out.len() as u16).to_be_bytes();
        let info = [&length, b"HPKE-v1".as_slice(), SUITE_ID, label, &context];
        secret.expand_multi_info(&info, out).map_err(|_| CryptoFailure)
    };
    let (mut key, mut nonce) = (Zeroizing::new([0; 32]), [0; 12]);
    expand(b"key", key.as_mut())?;
    expand(b"base_nonce", &mut nonce)?;
    Ok((key, nonce))
}

/// HKDF-Expand with SHA-256 to 32 bytes.
pub(crate) fn expand(key: &[u8; 32], info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, CryptoFailure> {
    let mut out = Zeroizing::new([0; 32]);
    let key = Hkdf::<Sha256>::from_prk(key).map_err(|_| CryptoFailure)?;
    key.expand_multi_info(info, out.as_mut()).map_err(|_| CryptoFailure)?;
    Ok(out)
}
