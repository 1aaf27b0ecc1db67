//! HPKE (RFC 9180) in base mode with X-Wing, HKDF-SHA256 and AES-256-GCM, for sealing alone.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use ml_kem::kem::EncapsulationKey;
use ml_kem::{B32, EncapsulateDeterministic, Encoded, EncodedSizeUser, MlKem768Params};
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::super::{CryptoFailure, HYBRID_PUBLIC, ML_KEM_PUBLIC, SUITE_ID, XWING_LABEL};
use crate::random::Random;

/// Public key of X-Wing: ML-KEM-768, then X25519.
pub(crate) struct HybridPublicKey {
    ml_kem: EncapsulationKey<MlKem768Params>,
    x25519: PublicKey,
}

impl HybridPublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; HYBRID_PUBLIC]) -> Result<Self, CryptoFailure> {
        let (ml_kem, x25519) = bytes.split_at(ML_KEM_PUBLIC);
        let x25519: [u8; 32] = x25519.try_into().map_err(|_| CryptoFailure)?;
        let encoded = Encoded::<EncapsulationKey<MlKem768Params>>::try_from(ml_kem).map_err(|_| CryptoFailure)?;
        let key = Self {
            ml_kem: EncapsulationKey::from_bytes(&encoded),
            x25519: PublicKey::from(x25519),
        };
        // The check of FIPS 203 §7.2: coefficients out of range do not come back as they went in.
        let in_range = key.ml_kem.as_bytes() == encoded;
        let contributes = StaticSecret::from([1; 32])
            .diffie_hellman(&key.x25519)
            .was_contributory();
        (in_range && contributes).then_some(key).ok_or(CryptoFailure)
    }

    fn encapsulate(&self, random: &mut dyn Random) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), CryptoFailure> {
        let [mut message, mut ephemeral] = [(); 2].map(|()| Zeroizing::new([0; 32]));
        for secret in [&mut message, &mut ephemeral] {
            random.fill(secret.as_mut()).map_err(|_| CryptoFailure)?;
        }
        let mut message = B32::from(*message);
        let encapsulated = self.ml_kem.encapsulate_deterministic(&message);
        message.zeroize();
        let (ml_kem_enc, mut ml_kem_shared) = encapsulated.map_err(|()| CryptoFailure)?;
        let ephemeral = StaticSecret::from(*ephemeral);
        let x25519_enc = PublicKey::from(&ephemeral);
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

    /// HPKE's single-shot `Seal`: the encapsulated key, and the ciphertext with its tag.
    pub(crate) fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoFailure> {
        let (enc, shared) = self.encapsulate(random)?;
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
