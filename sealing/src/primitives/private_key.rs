//! RSA private keys: AWS-LC, and for keys that are too short for it, pure Rust.
//!
//! The safe interface of AWS-LC takes no key below 2048 bits; the reference makes and opens with them. Such a key seals
//! nothing more (`crate::key::KEY_BITS`).

use zeroize::Zeroizing;

use super::{CryptoFailure, SESSION_KEY, aws_lc, rust_rsa};
use crate::key::KEY_BITS;

/// RSA private key for OAEP with SHA-256; parsed once, used from any thread.
pub(crate) enum PrivateKey {
    AwsLc(aws_lc::PrivateKey),
    Short(Box<rust_rsa::PrivateKey>),
}

impl PrivateKey {
    /// See [`aws_lc::PrivateKey::generate`].
    pub(crate) fn generate(bits: usize) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        aws_lc::PrivateKey::generate(bits)
    }

    /// `der`: PKCS#8 of a key of so many `bits`.
    pub(crate) fn from_pkcs8(der: &[u8], bits: usize) -> Result<Self, CryptoFailure> {
        if bits < *KEY_BITS.start() {
            rust_rsa::PrivateKey::from_pkcs8(der).map(|key| Self::Short(Box::new(key)))
        } else {
            aws_lc::PrivateKey::from_pkcs8(der).map(Self::AwsLc)
        }
    }

    /// DER PKCS#8.
    pub(crate) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        match self {
            Self::AwsLc(key) => key.pkcs8(),
            Self::Short(key) => key.pkcs8(),
        }
    }

    /// DER SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> &[u8] {
        match self {
            Self::AwsLc(key) => key.spki(),
            Self::Short(key) => key.spki(),
        }
    }

    /// Opens a wrapped session key. Wrong key, wrong label and damaged bytes look alike (OAEP).
    pub(crate) fn unwrap_key(
        &self,
        wrapped: &[u8],
        label: &[u8],
    ) -> Result<Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
        match self {
            Self::AwsLc(key) => key.unwrap_key(wrapped, label),
            Self::Short(key) => key.unwrap_key(wrapped, label),
        }
    }
}
