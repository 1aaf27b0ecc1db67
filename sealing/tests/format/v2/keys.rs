//! The hybrid key of a sealing key: in the certificate and in the key Secret, for readers old and new.

use std::collections::BTreeMap;

use crds::names;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sealing::SystemRandom;
use sealing::cert::{CertParameters, SealingCert};
use sealing::key::KeyError;
use sealing::key_secret;
use sealing::keyring::KeyPair;
use sealing::v2::{self, HybridError, HybridKeyMalformed, Pin, PublicKey, Seed};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::key;
use crate::common;

fn parameters() -> CertParameters {
    CertParameters {
        common_name: String::new(),
        not_before: Timestamp::from_second(1_700_000_000).unwrap(),
        not_after: Timestamp::from_second(2_000_000_000).unwrap(),
    }
}

fn cert(rsa: &str, hybrid: &PublicKey) -> SealingCert {
    let rsa = common::key(rsa).private();
    SealingCert::self_signed_hybrid(&rsa, hybrid, &parameters(), &mut SystemRandom::default()).unwrap()
}

fn secret(cert: SealingCert, seed: Option<&[u8]>) -> Secret {
    let pair = KeyPair::new(common::key("rsa2048").private(), cert).unwrap();
    let mut secret = key_secret::manifest(&pair, "sealed-secrets-key", BTreeMap::new(), BTreeMap::new()).unwrap();
    if let Some(seed) = seed {
        let seed = ByteString(seed.to_vec());
        let data = secret.data.get_or_insert_default();
        data.insert(names::KEY_ITEM_SEED.to_owned(), seed);
    }
    secret
}

#[test]
fn certificate_carries_the_hybrid_key() {
    let hybrid = key(1);
    let cert = cert("rsa2048", hybrid.public());
    let read = SealingCert::from_pem(cert.pem().as_bytes()).unwrap();
    assert_eq!(read.hybrid().unwrap().unwrap().as_bytes(), hybrid.public().as_bytes());
    assert_eq!(read.public().fingerprint().as_str(), common::key("rsa2048").fingerprint);
    let classic = common::key("rsa2048").cert();
    assert!(classic.hybrid().unwrap().is_none() && classic.pin().unwrap().is_none());

    let (_, pem) = x509_parser::pem::parse_x509_pem(cert.pem().as_bytes()).unwrap();
    let (_, parsed) = X509Certificate::from_der(&pem.contents).unwrap();
    let extension = parsed
        .extensions()
        .iter()
        .find(|found| found.oid.to_id_string() == "2.5.29.72");
    let extension = extension.unwrap();
    assert!(!extension.critical);
    assert_eq!(extension.value.len(), 1240);
}

#[test]
fn pin_covers_both_halves() {
    let (one, other) = (key(1), key(2));
    let pin = |rsa, hybrid| cert(rsa, hybrid).pin().unwrap().unwrap();
    let pinned = pin("rsa2048", one.public());
    assert_eq!(
        pinned,
        pin("rsa2048", one.public()),
        "another certificate of the same keys"
    );
    assert_ne!(pinned, pin("rsa2048", other.public()), "a stranger's hybrid key");
    assert_ne!(pinned, pin("rsa3072", one.public()), "a stranger's RSA key");
    assert_eq!(pinned.to_string().parse(), Ok(pinned.clone()));
    assert!(pinned.to_string().starts_with("v2:SHA256:"));
    for text in ["", "v2:", &common::key("rsa2048").fingerprint, &format!("v2:{pinned}")] {
        assert!(text.parse::<Pin>().is_err(), "{text}");
    }
}

#[test]
fn key_secret_gives_its_hybrid_key() {
    let hybrid = key(1);
    let with = |seed: &[u8]| secret(cert("rsa2048", hybrid.public()), Some(seed));
    let read = |secret: &Secret| v2::hybrid_key(secret, key_secret::key_pair(secret).unwrap().cert());
    let found = read(&with(&[1; 32])).unwrap().unwrap();
    assert_eq!(found.public().id(), hybrid.public().id());

    // Whoever reads RSA alone finds the pair that was there before.
    let pair = key_secret::key_pair(&with(&[1; 32])).unwrap();
    assert_eq!(pair.fingerprint().as_str(), common::key("rsa2048").fingerprint);

    let classic = || common::key("rsa2048").cert();
    assert!(read(&secret(classic(), None)).unwrap().is_none());
    assert!(
        read(&secret(classic(), Some(&[1; 32]))).unwrap().is_some(),
        "prepared, not published"
    );
    let missing = read(&secret(cert("rsa2048", hybrid.public()), None));
    assert_eq!(missing.unwrap_err(), HybridError::SeedMissing);
    assert_eq!(read(&with(&[2; 32])).unwrap_err(), HybridError::SeedOfAnotherKey);
    for length in [0, 31, 33] {
        let error = read(&with(&vec![1; length])).unwrap_err();
        assert_eq!(error, HybridError::Seed(KeyError::Malformed));
    }
}

#[test]
fn seed_is_written_and_not_shown() {
    let seed = Seed::generate(&mut SystemRandom::default()).unwrap();
    let mut written = secret(common::key("rsa2048").cert(), None);
    v2::add_seed(&mut written, &seed);
    let data = written.data.unwrap();
    assert_eq!(data.len(), 3);
    assert_eq!(data[names::KEY_ITEM_SEED].0, seed.expose());
    assert_eq!(format!("{seed:?}"), "Seed");
}

#[test]
fn broken_extension_is_neither_read_nor_passed_over() {
    let sealed = cert("rsa2048", key(1).public());
    let (_, pem) = x509_parser::pem::parse_x509_pem(sealed.pem().as_bytes()).unwrap();
    let der = pem.contents;
    let public = key(1).public().as_bytes().to_vec();
    let at = der.windows(public.len()).position(|window| window == public).unwrap();
    let with = |offset: usize, bytes: &[u8]| {
        let mut changed = der.clone();
        changed[offset..][..bytes.len()].copy_from_slice(bytes);
        let text = pem::encode(&pem::Pem::new("CERTIFICATE", changed));
        SealingCert::from_pem(text.as_bytes()).unwrap()
    };
    // A coefficient out of range, an X25519 key of zero, a number of unused bits.
    // And another key, which the RSA key has not signed.
    let other = key(2).public().as_bytes().to_vec();
    let strangers = with(at, &other);
    for broken in [
        with(at, &[0xff; 3]),
        with(at + 1184, &[0; 32]),
        with(at - 1, &[1]),
        strangers,
    ] {
        assert_eq!(broken.hybrid().unwrap_err(), HybridKeyMalformed);
        assert_eq!(broken.pin().unwrap_err(), HybridKeyMalformed);
        // The RSA key is there as before.
        assert_eq!(
            broken.public().fingerprint().as_str(),
            common::key("rsa2048").fingerprint
        );
        let secret = secret(broken, Some(&[1; 32]));
        let pair = key_secret::key_pair(&secret).unwrap();
        let refused = v2::hybrid_key(&secret, pair.cert());
        assert_eq!(refused.unwrap_err(), HybridError::Certificate(HybridKeyMalformed));
    }
    // The last byte of the algorithm: somebody else's alternative key is none of ours.
    assert!(with(at - 6, &[0x7b]).hybrid().unwrap().is_none());
}
