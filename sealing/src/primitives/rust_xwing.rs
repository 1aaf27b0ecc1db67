//! X-Wing's public half on RustCrypto's `ml-kem` and on `x25519-dalek`: encapsulation alone, which draws from the source that the
//! caller passes in.

use ml_kem::kem::EncapsulationKey;
use ml_kem::{B32, EncapsulateDeterministic, Encoded, EncodedSizeUser, MlKem768Params};
use sha3::{Digest, Sha3_256};
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, Zeroizing};

use super::{CryptoFailure, HYBRID_PUBLIC, ML_KEM_PUBLIC, XWING_LABEL};
use crate::random::Random;

/// Public key of X-Wing: ML-KEM-768, then X25519.
pub(crate) struct PublicKey {
    ml_kem: EncapsulationKey<MlKem768Params>,
    x25519: x25519_dalek::PublicKey,
}

impl PublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; HYBRID_PUBLIC]) -> Result<Self, CryptoFailure> {
        let (ml_kem, x25519) = bytes.split_at(ML_KEM_PUBLIC);
        let x25519: [u8; 32] = x25519.try_into().map_err(|_| CryptoFailure)?;
        let encoded = Encoded::<EncapsulationKey<MlKem768Params>>::try_from(ml_kem).map_err(|_| CryptoFailure)?;
        let key = Self {
            ml_kem: EncapsulationKey::from_bytes(&encoded),
            x25519: x25519_dalek::PublicKey::from(x25519),
        };
        // The check of FIPS 203 §7.2: coefficients out of range do not come back as they went in.
        let in_range = key.ml_kem.as_bytes() == encoded;
        let contributes = StaticSecret::from([1; 32])
            .diffie_hellman(&key.x25519)
            .was_contributory();
        (in_range && contributes).then_some(key).ok_or(CryptoFailure)
    }

    /// The encapsulated key, and the shared secret.
    pub(crate) fn encapsulate(&self, random: &mut dyn Random) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), CryptoFailure> {
        let [mut message, mut ephemeral] = [(); 2].map(|()| Zeroizing::new([0; 32]));
        for secret in [&mut message, &mut ephemeral] {
            random.fill(secret.as_mut()).map_err(|_| CryptoFailure)?;
        }
        let mut message = B32::from(*message);
        let encapsulated = self.ml_kem.encapsulate_deterministic(&message);
        message.zeroize();
        let (ml_kem_enc, mut ml_kem_shared) = encapsulated.map_err(|()| CryptoFailure)?;
        let ephemeral = StaticSecret::from(*ephemeral);
        let x25519_enc = x25519_dalek::PublicKey::from(&ephemeral);
        let x25519_shared = ephemeral.diffie_hellman(&self.x25519);

        let mut hash = Sha3_256::new();
        for part in [
            ml_kem_shared.as_slice(),
            x25519_shared.as_bytes().as_slice(),
            x25519_enc.as_bytes(),
            self.x25519.as_bytes(),
            XWING_LABEL,
        ] {
            hash.update(part);
        }
        ml_kem_shared.zeroize();
        let enc = [ml_kem_enc.as_slice(), x25519_enc.as_bytes().as_slice()].concat();
        Ok((enc, Zeroizing::new(hash.finalize().into())))
    }
}
