//! What only this backend's insides show.

use super::super::super::expand_seed::expand as expand_seed;
use super::super::super::pure_rust;
use super::*;
use crate::random::Random;

fn key() -> HybridPrivateKey {
    HybridPrivateKey::from_expanded(&expand_seed(&[7; 32])).unwrap()
}

/// Seals as whoever knows `shared` can.
fn sealed(shared: &Shared, enc: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (enc.to_vec(), seal_with(shared, b"info", b"aad", b"plaintext").unwrap())
}

fn opens((enc, ciphertext): &(Vec<u8>, Vec<u8>)) -> bool {
    key()
        .open(enc.as_slice().try_into().unwrap(), b"info", b"aad", ciphertext)
        .is_ok()
}

#[test]
fn a_share_that_makes_the_agreed_secret_zero_is_refused() {
    let (key, public) = (key(), HybridPublicKey::from_bytes(key().public()).unwrap());
    let (enc, shared) = public.encapsulate().unwrap();
    assert!(
        opens(&sealed(&shared, &enc)),
        "what is done below does open with an honest share"
    );
    // Points of low order, the last two not in their shortest form: 0, 1, p - 1, p, p + 1.
    let near_p = |low: u8| [&[low][..], &[0xff; 30], &[0x7f]].concat();
    let small = |low: u8| [&[low][..], &[0; 31]].concat();
    for share in [small(0), small(1), near_p(0xec), near_p(0xed), near_p(0xee)] {
        let (ml_kem_enc, ml_kem_shared) = public.ml_kem.encapsulate().unwrap();
        let x25519_public = &key.public()[ML_KEM_PUBLIC..];
        let shared = combine(ml_kem_shared.as_ref(), &[0; 32], &share, x25519_public);
        let enc = [ml_kem_enc.as_ref(), &share].concat();
        assert!(!opens(&sealed(&shared, &enc)), "{share:02x?}");
    }
}

#[test]
fn what_pure_rust_seals_aws_lc_opens() {
    let key = key();
    let public = pure_rust::HybridPublicKey::from_bytes(key.public()).unwrap();
    for plaintext in [&b""[..], b"plaintext", &[7; 100]] {
        let (enc, sealed) = public
            .seal(b"info", b"aad", plaintext, &mut crate::random::SystemRandom::default())
            .unwrap();
        let enc: &[u8; HYBRID_ENC] = enc.as_slice().try_into().unwrap();
        assert_eq!(*key.open(enc, b"info", b"aad", &sealed).unwrap(), plaintext);
        for (info, aad) in [(&b"other"[..], &b"aad"[..]), (b"info", b"other")] {
            assert!(key.open(enc, info, aad, &sealed).is_err());
        }
    }
    assert_eq!(pure_rust::expand(&[7; 32], &[b"a", b"b"]), expand(&[7; 32], &[b"ab"]));
}

#[test]
fn without_randomness_pure_rust_seals_nothing() {
    struct Nothing;
    impl Random for Nothing {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), crate::random::RandomUnavailable> {
            Err(crate::random::RandomUnavailable)
        }
    }
    let public = pure_rust::HybridPublicKey::from_bytes(key().public()).unwrap();
    assert_eq!(
        public.seal(b"info", b"aad", b"x", &mut Nothing).unwrap_err(),
        CryptoFailure
    );
}
