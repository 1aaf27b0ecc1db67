//! The backend on AWS-LC: constant-time private-key operations, about twice as fast as Go's.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use zeroize::Zeroizing;

use super::{CryptoFailure, SESSION_KEY, ZERO_NONCE, session_key};
mod hybrid;

pub(crate) use hybrid::{HybridPrivateKey, HybridPublicKey, expand, same, seal_with};

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// RSA public key for OAEP with SHA-256.
pub(crate) struct PublicKey(OaepPublicEncryptingKey);

impl PublicKey {
    /// `spki`: DER SubjectPublicKeyInfo of an RSA key of 2048 to 8192 bits.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, CryptoFailure> {
        let key = PublicEncryptingKey::from_der(spki).map_err(|_| CryptoFailure)?;
        OaepPublicEncryptingKey::new(key).map(Self).map_err(|_| CryptoFailure)
    }

    /// AWS-LC draws the OAEP seed from its own generator.
    pub(crate) fn wrap(&self, session_key: &[u8; SESSION_KEY], label: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        let mut out = vec![0; self.0.ciphertext_size()];
        self.0
            .encrypt(&OAEP_SHA256_MGF1SHA256, session_key, &mut out, Some(label))
            .map_err(|_| CryptoFailure)?;
        Ok(out)
    }
}

/// RSA private key for OAEP with SHA-256; parsed once, used from any thread.
pub(crate) struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    /// The same key: AWS-LC shares it, and writes it down when it is asked to.
    source: PrivateDecryptingKey,
    spki: Vec<u8>,
}

impl PrivateKey {
    /// Draws a new key of `bits` (2048, 3072, 4096 or 8192) from the backend's own generator.
    /// Gives its PKCS#8 DER. Takes about a second for 4096 bits.
    pub(crate) fn generate(bits: usize) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            _ => return Err(CryptoFailure),
        };
        let key = PrivateDecryptingKey::generate(size).map_err(|_| CryptoFailure)?;
        pkcs8(&key)
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoFailure> {
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| CryptoFailure)?;
        let spki = key.public_key().as_der().map_err(|_| CryptoFailure)?.as_ref().to_vec();
        OaepPrivateDecryptingKey::new(key.clone())
            .map(|oaep| Self {
                key: oaep,
                source: key,
                spki,
            })
            .map_err(|_| CryptoFailure)
    }

    /// DER PKCS#8.
    pub(crate) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        pkcs8(&self.source)
    }

    /// DER SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Opens a wrapped session key. Wrong key, wrong label and damaged bytes look alike (OAEP).
    pub(crate) fn unwrap_key(
        &self,
        wrapped: &[u8],
        label: &[u8],
    ) -> Result<Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
        let mut buffer = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let opened = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut buffer, Some(label))
            .map_err(|_| CryptoFailure)?;
        session_key(opened)
    }
}

fn pkcs8(key: &PrivateDecryptingKey) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
    let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| CryptoFailure)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

fn aead(session_key: &[u8; SESSION_KEY]) -> Result<LessSafeKey, CryptoFailure> {
    UnboundKey::new(&AES_256_GCM, session_key)
        .map(LessSafeKey::new)
        .map_err(|_| CryptoFailure)
}

/// AES-256-GCM in place: `buffer` goes from plaintext to ciphertext with its tag. The key must never be used again.
pub(crate) fn encrypt(session_key: &[u8; SESSION_KEY], buffer: &mut Vec<u8>) -> Result<(), CryptoFailure> {
    aead(session_key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(ZERO_NONCE), Aad::empty(), buffer)
        .map_err(|_| CryptoFailure)
}

/// AES-256-GCM: ciphertext with tag → plaintext.
pub(crate) fn decrypt(session_key: &[u8; SESSION_KEY], body: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = aead(session_key)?
        .open_in_place(Nonce::assume_unique_for_key(ZERO_NONCE), Aad::empty(), &mut buffer)
        .map_err(|_| CryptoFailure)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

#[cfg(test)]
mod wycheproof;
