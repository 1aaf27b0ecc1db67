//! The only place that names a crypto backend.
//!
//! `aws_lc` (default) does everything. `pure_rust` seals with public keys only and needs no C compiler; it is also the
//! independent second implementation that tests compare with `aws_lc`. Its private keys are types without a value
//! (`no_private_key`). `rust_rsa` is its RSA and `rust_xwing` its X-Wing. Where both backends are present, these two
//! seal the first values of a run (`public_key`, `hybrid_public_key`).
//!
//! Private-key work is done by `aws_lc`, with two exceptions for what AWS-LC does not support: RSA keys below 2048 bits
//! (`private_key`), and the seeds of hybrid keys (`expand_seed`).

use thiserror::Error;

#[cfg(feature = "aws-lc")]
pub(crate) mod aws_lc;
#[cfg(feature = "aws-lc")]
pub(crate) mod expand_seed;
#[cfg(feature = "aws-lc")]
mod hybrid_public_key;
#[cfg(not(feature = "aws-lc"))]
mod no_private_key;
#[cfg(feature = "aws-lc")]
mod private_key;
#[cfg(feature = "aws-lc")]
mod public_key;
#[cfg(any(test, feature = "pure-rust"))]
pub(crate) mod pure_rust;
mod rust_rsa;
mod rust_xwing;

pub(crate) use rust_rsa::verifies;

/// The backend that the rest of the crate uses.
#[cfg(feature = "aws-lc")]
pub(crate) mod backend {
    /// Whether there are private keys.
    pub(crate) const OPENS: bool = true;
    pub(crate) use super::aws_lc::{HybridPrivateKey, decrypt, encrypt, expand, same, sha256};
    pub(crate) use super::hybrid_public_key::HybridPublicKey;
    pub(crate) use super::private_key::PrivateKey;
    pub(crate) use super::public_key::PublicKey;
}
#[cfg(not(feature = "aws-lc"))]
pub(crate) mod backend {
    /// Whether there are private keys.
    pub(crate) const OPENS: bool = false;
    pub(crate) use super::no_private_key::{HybridPrivateKey, PrivateKey, decrypt, same};
    pub(crate) use super::pure_rust::{HybridPublicKey, PublicKey, encrypt, expand, sha256};
}

#[cfg(not(any(feature = "aws-lc", feature = "pure-rust")))]
compile_error!("enable the feature `aws-lc` (everything) or `pure-rust` (sealing with a public key)");

/// Bytes of an AES-256 session key.
pub(crate) const SESSION_KEY: usize = 32;
/// The nonce of every body; a session key is used once.
pub(crate) const ZERO_NONCE: [u8; 12] = [0; 12];

/// Bytes of an X-Wing public key: ML-KEM-768, then X25519.
pub(crate) const HYBRID_PUBLIC: usize = ML_KEM_PUBLIC + 32;
/// Bytes of an X-Wing ciphertext: ML-KEM-768's, then the ephemeral X25519 key.
pub(crate) const HYBRID_ENC: usize = ML_KEM_ENC + 32;
/// Bytes of an ML-KEM-768 public key.
pub(crate) const ML_KEM_PUBLIC: usize = 1184;
/// Bytes of an ML-KEM-768 ciphertext.
pub(crate) const ML_KEM_ENC: usize = 1088;
/// What the combiner of X-Wing hashes last.
pub(crate) const XWING_LABEL: &[u8] = br"\.//^\";
/// `suite_id` of RFC 9180 §5.1: KEM X-Wing, KDF HKDF-SHA256, AEAD AES-256-GCM.
pub(crate) const SUITE_ID: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x02";

/// The backend refused an operation. Contains nothing: backends give no reason, and none may leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoFailure;

/// The OAEP plaintext, if it is as long as a session key.
#[cfg(feature = "aws-lc")]
fn session_key(opened: &[u8]) -> Result<zeroize::Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
    let mut session_key = zeroize::Zeroizing::new([0; SESSION_KEY]);
    if opened.len() != SESSION_KEY {
        return Err(CryptoFailure);
    }
    session_key.copy_from_slice(opened);
    Ok(session_key)
}

#[cfg(feature = "aws-lc")]
#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::{CryptoFailure, aws_lc, backend, pure_rust};
    use crate::envelope::Envelope;
    use crate::random::{Random, RandomUnavailable, SystemRandom};

    fn key() -> &'static aws_lc::PrivateKey {
        static KEY: std::sync::OnceLock<aws_lc::PrivateKey> = std::sync::OnceLock::new();
        KEY.get_or_init(|| aws_lc::PrivateKey::from_pkcs8(&aws_lc::PrivateKey::generate(2048).unwrap()).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// The two backends write one format: what pure Rust seals, AWS-LC opens; and the same session key gives the
        /// same body.
        #[test]
        fn what_pure_rust_seals_aws_lc_opens(plaintext: Vec<u8>, session_key: [u8; 32], label in "[a-z/]{0,40}") {
            let public = pure_rust::PublicKey::from_spki(key().spki()).unwrap();
            let wrapped_key = public.wrap(&session_key, label.as_bytes(), &mut SystemRandom::default()).unwrap();
            let (mut body, mut other_body) = (plaintext.clone(), plaintext.clone());
            pure_rust::encrypt(&session_key, &mut body).unwrap();
            aws_lc::encrypt(&session_key, &mut other_body).unwrap();
            prop_assert_eq!(&body, &other_body);

            let bytes = Envelope { wrapped_key: &wrapped_key, body: &body }.to_bytes().unwrap();
            let envelope = Envelope::parse(&bytes).unwrap();
            let opened = key().unwrap_key(envelope.wrapped_key, label.as_bytes()).unwrap();
            prop_assert_eq!(*opened, session_key);
            prop_assert_eq!(&*aws_lc::decrypt(&opened, envelope.body).unwrap(), &plaintext);
        }

        #[test]
        fn the_digests_agree(bytes: Vec<u8>) {
            prop_assert_eq!(pure_rust::sha256(&bytes), aws_lc::sha256(&bytes));
        }
    }

    /// A run that is long enough for both backends is one format from its first item to its last.
    #[test]
    fn long_runs_open_throughout() {
        let public = backend::PublicKey::from_spki(key().spki()).unwrap();
        for number in 0..200_u8 {
            let wrapped = public
                .wrap(&[number; 32], b"label", &mut SystemRandom::default())
                .unwrap();
            assert_eq!(*key().unwrap_key(&wrapped, b"label").unwrap(), [number; 32]);
        }
    }

    #[test]
    fn the_random_source_fills_whole_buffers() {
        let mut bytes = Zeroizing::new([0_u8; 64]);
        SystemRandom::default().fill(bytes.as_mut()).unwrap();
        assert!(bytes.chunks(16).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }

    /// Without randomness nothing is sealed: not with a seed of zeros.
    #[test]
    fn no_randomness_is_an_error() {
        struct Nothing;
        impl Random for Nothing {
            fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
                Err(RandomUnavailable)
            }
        }
        let public = pure_rust::PublicKey::from_spki(key().spki()).unwrap();
        assert_eq!(public.wrap(&[0; 32], b"", &mut Nothing), Err(CryptoFailure));
    }
}
