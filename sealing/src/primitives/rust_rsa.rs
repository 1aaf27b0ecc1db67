//! RSA on the crate `rsa`: public keys, which draw from the source that the caller passes in, and private keys that are too
//! short for AWS-LC.

use rand_core::{TryCryptoRng, TryRng, utils};
use rsa::Oaep;
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::Sha256;

use super::{CryptoFailure, SESSION_KEY};
use crate::random::{Random, RandomUnavailable};

/// RSA public key for OAEP with SHA-256.
pub(crate) struct PublicKey(rsa::PublicKey);

impl PublicKey {
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, CryptoFailure> {
        rsa::PublicKey::from_public_key_der(spki)
            .map(Self)
            .map_err(|_| CryptoFailure)
    }

    pub(crate) fn wrap(
        &self,
        session_key: &[u8; SESSION_KEY],
        label: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        let padding = Oaep::<Sha256>::new_with_label(label);
        self.0
            .encrypt(&mut Source(random), padding, session_key)
            .map_err(|_| CryptoFailure)
    }
}

/// Whether `signature` over `message` verifies under this key (SubjectPublicKeyInfo), with SHA-256 and RSASSA-PKCS1-v1_5.
pub(crate) fn verifies(spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use rsa::sha2::Digest as _;
    let digest = Sha256::digest(message);
    let padding = rsa::Pkcs1v15Sign::new::<Sha256>();
    rsa::PublicKey::from_public_key_der(spki).is_ok_and(|key| key.verify(padding, &digest, signature).is_ok())
}

#[cfg(feature = "aws-lc")]
pub(crate) use private::PrivateKey;

#[cfg(feature = "aws-lc")]
mod private {
    use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};
    use zeroize::Zeroizing;

    use super::super::session_key;
    use super::*;
    use crate::random::SystemRandom;

    /// RSA private key below 2048 bits. Base, exponents and primes are blinded with fresh randomness in each operation
    /// (draft-irtf-cfrg-rsa-guidance §6): constant time is what the crate says of itself since 0.10, and is not audited yet.
    pub(crate) struct PrivateKey {
        key: rsa::PrivateKey,
        spki: Vec<u8>,
    }

    impl PrivateKey {
        /// `der`: PKCS#8.
        pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoFailure> {
            let key = rsa::PrivateKey::from_pkcs8_der(der).map_err(|_| CryptoFailure)?;
            let spki = key.as_public_key().to_public_key_der().map_err(|_| CryptoFailure)?;
            Ok(Self {
                spki: spki.into_vec(),
                key,
            })
        }

        /// DER PKCS#8.
        pub(crate) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
            let document = self.key.to_pkcs8_der().map_err(|_| CryptoFailure)?;
            Ok(document.to_bytes())
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
            let padding = Oaep::<Sha256>::new_with_label(label);
            let opened = self.key.decrypt_blinded(&mut SystemRandom::default(), padding, wrapped);
            let opened = Zeroizing::new(opened.map_err(|_| CryptoFailure)?);
            session_key(&opened)
        }
    }
}

/// The caller's source, of which only the trait object is here, as a generator again.
struct Source<'a>(&'a mut dyn Random);

impl TryRng for Source<'_> {
    type Error = RandomUnavailable;

    fn try_next_u32(&mut self) -> Result<u32, RandomUnavailable> {
        utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomUnavailable> {
        utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Source<'_> {}
