//! Hybrid keys: X-Wing, which combines ML-KEM-768 and X25519. It is secure while one of the two is.

use std::fmt;

use crate::key::{KeyError, SealBytesError};
use crate::primitives::{HYBRID_PUBLIC, backend};
use crate::random::Random;

/// Bytes of a public key.
pub const PUBLIC_KEY: usize = HYBRID_PUBLIC;

/// The first 8 bytes of SHA-256 of a public key. A hint: another key with the same id can be made, at some cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    /// Bytes of an id.
    pub const LENGTH: usize = 8;

    /// Makes an id of its bytes.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes, as in a value.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }

    fn of(public: &[u8; PUBLIC_KEY]) -> Self {
        let digest = backend::sha256(public);
        let mut id = [0; Self::LENGTH];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The public half: seals.
pub struct PublicKey {
    key: backend::HybridPublicKey,
    bytes: Box<[u8; PUBLIC_KEY]>,
    id: KeyId,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v2::PublicKey({})", self.id)
    }
}

impl PublicKey {
    /// Reads the ML-KEM-768 public key and the X25519 public key, one after the other.
    ///
    /// # Errors
    /// [`KeyError::Malformed`]: another length, or no key of ML-KEM.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: Box<[u8; PUBLIC_KEY]> = Box::new(bytes.try_into().map_err(|_| KeyError::Malformed)?);
        Ok(Self {
            key: backend::HybridPublicKey::from_bytes(&bytes).map_err(|_| KeyError::Malformed)?,
            id: KeyId::of(&bytes),
            bytes,
        })
    }

    /// The bytes, as [`Self::from_bytes`] reads them.
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY] {
        &self.bytes
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// HPKE's single-shot `Seal`.
    pub(super) fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), SealBytesError> {
        Ok(self.key.seal(info, aad, plaintext, random)?)
    }
}

pub use private::{PrivateKey, SEED, Seed};

mod private {
    use zeroize::Zeroizing;

    use super::*;
    use crate::random::RandomUnavailable;
    use crate::v2::envelope::ENC;

    /// Bytes of a seed.
    pub const SEED: usize = 32;

    /// The stored form of a hybrid private key.
    pub struct Seed(Zeroizing<[u8; SEED]>);

    impl fmt::Debug for Seed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Seed")
        }
    }

    impl Seed {
        /// Draws a new seed.
        ///
        /// # Errors
        /// [`RandomUnavailable`].
        pub fn generate(random: &mut dyn Random) -> Result<Self, RandomUnavailable> {
            let mut seed = Zeroizing::new([0; SEED]);
            random.fill(seed.as_mut())?;
            Ok(Self(seed))
        }

        /// Reads a stored seed.
        ///
        /// # Errors
        /// [`KeyError::Malformed`]: another length.
        pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
            let mut seed = Zeroizing::new([0; SEED]);
            if bytes.len() != SEED {
                return Err(KeyError::Malformed);
            }
            seed.copy_from_slice(bytes);
            Ok(Self(seed))
        }

        /// The secret bytes: they open every value sealed for this key.
        pub fn expose(&self) -> &[u8; SEED] {
            &self.0
        }
    }

    /// A hybrid private key, expanded once.
    pub struct PrivateKey {
        key: backend::HybridPrivateKey,
        public: PublicKey,
    }

    impl fmt::Debug for PrivateKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "v2::PrivateKey({})", self.public.id)
        }
    }

    impl PrivateKey {
        /// Expands a seed.
        ///
        /// # Errors
        /// [`KeyError::Malformed`] when the backend fails; every seed is valid.
        pub fn from_seed(seed: &Seed) -> Result<Self, KeyError> {
            if !backend::OPENS {
                return Err(KeyError::SealsOnly);
            }
            let key = backend::HybridPrivateKey::from_seed(seed.expose()).map_err(|_| KeyError::Malformed)?;
            let public = PublicKey::from_bytes(key.public())?;
            Ok(Self { key, public })
        }

        /// The public half.
        pub fn public(&self) -> &PublicKey {
            &self.public
        }

        /// Whether both are the same key.
        pub fn is_same(&self, other: &Self) -> bool {
            self.public.as_bytes() == other.public.as_bytes()
        }

        /// HPKE's single-shot `Open`. Another key, another context and damaged bytes look alike.
        pub(crate) fn open(
            &self,
            enc: &[u8; ENC],
            info: &[u8],
            aad: &[u8],
            ciphertext: &[u8],
        ) -> Option<Zeroizing<Vec<u8>>> {
            self.key.open(enc, info, aad, ciphertext).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_the_beginning_of_a_digest() {
        // SHA-256 of 1216 zero bytes.
        assert_eq!(KeyId::of(&[0; PUBLIC_KEY]).to_string(), hex_of_digest());
        fn hex_of_digest() -> String {
            use sha2::{Digest, Sha256};
            Sha256::digest([0; PUBLIC_KEY])[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        }
    }
}
