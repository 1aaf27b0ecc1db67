//! RSA public keys on the crate `rsa`, which draws from the source that the caller passes in.

use rsa::Oaep;
use rsa::pkcs8::DecodePublicKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
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

/// Our source of randomness as the crate wants it.
struct Source<'a>(&'a mut dyn Random);

impl TryRng for Source<'_> {
    type Error = RandomUnavailable;

    fn try_next_u32(&mut self) -> Result<u32, RandomUnavailable> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes).map(|()| u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomUnavailable> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes).map(|()| u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Source<'_> {}
