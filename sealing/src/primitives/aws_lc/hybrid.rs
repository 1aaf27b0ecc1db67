//! HPKE (RFC 9180) in base mode with X-Wing, HKDF-SHA256 and AES-256-GCM, on AWS-LC's ML-KEM-768 and X25519.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{
    EphemeralPrivateKey, PrivateKey, PublicKey, UnparsedPublicKey, X25519, agree, agree_ephemeral,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::{digest, hkdf, hmac};
use zeroize::Zeroizing;

use super::super::expand_seed::{self, Expanded};
use super::super::{CryptoFailure, HYBRID_ENC, HYBRID_PUBLIC, ML_KEM_ENC, ML_KEM_PUBLIC, SUITE_ID, XWING_LABEL};

/// Where FIPS 203 has the public key in a decapsulation key of ML-KEM-768.
const PUBLIC_AT: usize = 1152;

type Shared = Zeroizing<[u8; 32]>;

/// Public key of X-Wing: ML-KEM-768, then X25519.
pub(crate) struct HybridPublicKey {
    ml_kem: EncapsulationKey,
    x25519: [u8; 32],
}

impl HybridPublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; HYBRID_PUBLIC]) -> Result<Self, CryptoFailure> {
        let (ml_kem, x25519) = bytes.split_at(ML_KEM_PUBLIC);
        let key = Self {
            ml_kem: EncapsulationKey::new(&ML_KEM_768, ml_kem).map_err(|_| CryptoFailure)?,
            x25519: x25519.try_into().map_err(|_| CryptoFailure)?,
        };
        // AWS-LC looks at the key where it is used, so it is used once: coefficients out of range, points of low order.
        key.encapsulate()?;
        Ok(key)
    }

    /// The encapsulated key, and the shared secret. AWS-LC draws from its own generator.
    pub(crate) fn encapsulate(&self) -> Result<(Vec<u8>, Shared), CryptoFailure> {
        let (ml_kem_enc, ml_kem_shared) = self.ml_kem.encapsulate().map_err(|_| CryptoFailure)?;
        let ephemeral =
            EphemeralPrivateKey::generate(&X25519, &aws_lc_rs::rand::SystemRandom::new()).map_err(|_| CryptoFailure)?;
        let x25519_enc = bytes_of(ephemeral.compute_public_key())?;
        let peer = UnparsedPublicKey::new(&X25519, &self.x25519);
        let shared = agree_ephemeral(ephemeral, peer, CryptoFailure, |x25519_shared| {
            Ok(combine(
                ml_kem_shared.as_ref(),
                x25519_shared,
                &x25519_enc,
                &self.x25519,
            ))
        })?;
        Ok(([ml_kem_enc.as_ref(), &x25519_enc].concat(), shared))
    }
}

/// The ciphertext of HPKE's single-shot `Seal`, with its tag, once a key is encapsulated.
pub(crate) fn seal_with(shared: &Shared, info: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    let (key, nonce) = key_schedule(shared, info)?;
    let mut ciphertext = Zeroizing::new(plaintext.to_vec());
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut *ciphertext)
        .map_err(|_| CryptoFailure)?;
    Ok(std::mem::take(&mut *ciphertext))
}

/// Private key of X-Wing, expanded once, used from any thread.
pub(crate) struct HybridPrivateKey {
    ml_kem: DecapsulationKey,
    x25519: PrivateKey,
    public: Box<[u8; HYBRID_PUBLIC]>,
}

impl HybridPrivateKey {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, CryptoFailure> {
        Self::from_expanded(&expand_seed::expand(seed))
    }

    pub(crate) fn from_expanded(expanded: &Expanded) -> Result<Self, CryptoFailure> {
        let x25519 = PrivateKey::from_private_key(&X25519, expanded.x25519.as_slice());
        let x25519 = x25519.map_err(|_| CryptoFailure)?;
        let ml_kem = DecapsulationKey::new(&ML_KEM_768, &expanded.ml_kem).map_err(|_| CryptoFailure)?;
        let ml_kem_public = expanded.ml_kem.get(PUBLIC_AT..PUBLIC_AT + ML_KEM_PUBLIC);
        let public = [
            ml_kem_public.ok_or(CryptoFailure)?,
            &bytes_of(x25519.compute_public_key())?,
        ]
        .concat();
        Ok(Self {
            ml_kem,
            x25519,
            public: public.into_boxed_slice().try_into().map_err(|_| CryptoFailure)?,
        })
    }

    pub(crate) fn public(&self) -> &[u8; HYBRID_PUBLIC] {
        &self.public
    }

    fn decapsulate(&self, enc: &[u8; HYBRID_ENC]) -> Result<Shared, CryptoFailure> {
        let (ml_kem_enc, x25519_enc) = enc.split_at(ML_KEM_ENC);
        let ml_kem_shared = self.ml_kem.decapsulate(Ciphertext::from(ml_kem_enc));
        let ml_kem_shared = ml_kem_shared.map_err(|_| CryptoFailure)?;
        let (_, x25519_public) = self.public.split_at(ML_KEM_PUBLIC);
        // AWS-LC refuses a share that makes the agreed secret zero.
        let peer = UnparsedPublicKey::new(&X25519, x25519_enc);
        agree(&self.x25519, peer, CryptoFailure, |x25519_shared| {
            Ok(combine(
                ml_kem_shared.as_ref(),
                x25519_shared,
                x25519_enc,
                x25519_public,
            ))
        })
    }

    /// HPKE's single-shot `Open`. Another key, another `info` or `aad`, and damaged bytes look alike.
    pub(crate) fn open(
        &self,
        enc: &[u8; HYBRID_ENC],
        info: &[u8],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        let (key, nonce) = key_schedule(&*self.decapsulate(enc)?, info)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = key
            .open_in_place(nonce, Aad::from(aad), &mut buffer)
            .map_err(|_| CryptoFailure)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn bytes_of(key: Result<PublicKey, Unspecified>) -> Result<[u8; 32], CryptoFailure> {
    let key = key.map_err(|_| CryptoFailure)?;
    key.as_ref().try_into().map_err(|_| CryptoFailure)
}

/// X-Wing's combiner: SHA3-256 of both shared secrets, the ephemeral and the recipient's X25519 keys, and a label.
fn combine(ml_kem_shared: &[u8], x25519_shared: &[u8], x25519_enc: &[u8], x25519_public: &[u8]) -> Shared {
    let mut hash = digest::Context::new(&digest::SHA3_256);
    for part in [ml_kem_shared, x25519_shared, x25519_enc, x25519_public, XWING_LABEL] {
        hash.update(part);
    }
    let mut shared = Zeroizing::new([0; 32]);
    shared.copy_from_slice(hash.finish().as_ref());
    shared
}

/// `KeySchedule` of RFC 9180 §5.1 in base mode, for the one message that is sealed with it.
fn key_schedule(shared: &[u8; 32], info: &[u8]) -> Result<(LessSafeKey, Nonce), CryptoFailure> {
    let public_extract = |label: &[u8], ikm: &[u8]| {
        let salt = hmac::Key::new(hmac::HMAC_SHA256, &[]);
        hmac::sign(&salt, &[b"HPKE-v1".as_slice(), SUITE_ID, label, ikm].concat())
    };
    let (psk_id_hash, info_hash) = (public_extract(b"psk_id_hash", b""), public_extract(b"info_hash", info));
    const MODE_BASE: &[u8] = &[0];
    let context = [MODE_BASE, psk_id_hash.as_ref(), info_hash.as_ref()].concat();

    // The shared secret is the salt; no pre-shared key.
    let secret = [b"HPKE-v1".as_slice(), SUITE_ID, b"secret"].concat();
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, shared).extract(&secret);
    let expand = |label: &[u8], out: &mut [u8]| {
        let length = (out.len() as u16).to_be_bytes();
        let info = [&length, b"HPKE-v1".as_slice(), SUITE_ID, label, &context];
        fill(&secret, &info, out)
    };
    let (mut key, mut nonce) = (Zeroizing::new([0; 32]), [0; 12]);
    expand(b"key", key.as_mut())?;
    expand(b"base_nonce", &mut nonce)?;
    let key = UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| CryptoFailure)?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
}

/// HKDF-Expand with SHA-256 to 32 bytes.
pub(crate) fn expand(key: &[u8; 32], info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, CryptoFailure> {
    let mut out = Zeroizing::new([0; 32]);
    let key = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
    fill(&key, info, out.as_mut())?;
    Ok(out)
}

fn fill(key: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoFailure> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let expanded = key.expand(info, Length(out.len())).map_err(|_| CryptoFailure)?;
    expanded.fill(out).map_err(|_| CryptoFailure)
}

/// Whether two public values are the same, in a time that tells nothing of where they differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof;
