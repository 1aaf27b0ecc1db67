//! The seed of a hybrid key → the two private keys of X-Wing.
//!
//! One of two places outside of AWS-LC that handle a private key (the other is `private_key`, for short RSA keys): AWS-LC's
//! ML-KEM accepts no seed. It runs once for each key that is loaded or made, never with untrusted bytes; only AWS-LC opens
//! with the result.

use ml_kem::{B32, EncodedSizeUser, KemCore, MlKem768};
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use zeroize::{Zeroize, Zeroizing};

/// The private keys that a seed stands for.
pub(crate) struct Expanded {
    /// ML-KEM-768 decapsulation key (FIPS 203).
    pub(crate) ml_kem: Zeroizing<Vec<u8>>,
    /// X25519 private key.
    pub(crate) x25519: Zeroizing<[u8; 32]>,
}

/// `expandDecapsulationKey` of the X-Wing draft: SHAKE256(seed, 96) = d (32) ‖ z (32) ‖ X25519 private key (32).
pub(crate) fn expand(seed: &[u8; 32]) -> Expanded {
    let mut shake = Shake256::default();
    shake.update(seed);
    let mut reader = shake.finalize_xof();
    let [mut d, mut z, mut x25519] = [(); 3].map(|()| Zeroizing::new([0; 32]));
    for part in [&mut d, &mut z, &mut x25519] {
        reader.read(part.as_mut());
    }
    Expanded {
        ml_kem: ml_kem(&d, &z),
        x25519,
    }
}

/// `ML-KEM.KeyGen_internal` of FIPS 203.
pub(crate) fn ml_kem(d: &[u8; 32], z: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let (mut d, mut z) = (B32::from(*d), B32::from(*z));
    let (key, _) = MlKem768::generate_deterministic(&d, &z);
    let mut encoded = key.as_bytes();
    let expanded = Zeroizing::new(encoded.to_vec());
    for secret in [&mut d, &mut z] {
        secret.zeroize();
    }
    encoded.zeroize();
    expanded
}
