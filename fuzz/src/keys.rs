//! What is read of keys, certificates, key Secrets, statuses, and bodies of requests.

use std::collections::BTreeMap;

use crds::{Lenient, SealedSecret};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use manifest::read_one;
use sealing::cert::SealingCert;
use sealing::key::{PrivateKey, PublicKey};
use sealing::unseal::{self, UnsealError};
use sealing::{key_secret, v2};

use crate::held::{KEY, RING};

const CERTIFICATE: &[u8] = include_bytes!("../corpus/keys/certificate.pem");

/// Keys and certificates, as PEM and as DER. What is read can be written, and is the same key then.
pub fn keys(bytes: &[u8]) {
    if bytes.starts_with(b"-----BEGIN") {
        return pem_text(bytes);
    }
    let _ = PublicKey::from_spki(bytes);
    let _ = v2::PublicKey::from_bytes(bytes);
    let _ = key_secret::private_keys(bytes);
    for tag in ["CERTIFICATE", "PRIVATE KEY", "RSA PRIVATE KEY"] {
        pem_text(pem::encode(&pem::Pem::new(tag, bytes)).as_bytes());
    }
}

fn pem_text(text: &[u8]) {
    if let Ok(key) = PrivateKey::from_pem(text) {
        let written = key.to_pkcs1_pem().expect("a key that was read can be written");
        let again = PrivateKey::from_pem(written.as_bytes()).expect("and read again");
        assert_eq!(again.public().fingerprint(), key.public().fingerprint());
    }
    let _ = PrivateKey::all_from_pem(text);
    let _ = key_secret::private_keys(text);
    if let Ok(cert) = SealingCert::from_pem(text) {
        let again = SealingCert::from_pem(cert.pem().as_bytes()).expect("a certificate that was read is read again");
        assert_eq!(again.public().fingerprint(), cert.public().fingerprint());
        assert_eq!(again.pin(), cert.pin());
        let _ = cert.check_not_expired(Timestamp::UNIX_EPOCH);
    }
}

/// A key Secret: a key, a certificate and a seed, with bytes of zero between. Half of a pair does not make one with another.
pub fn key_secrets(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (key, cert, seed) = (part(), part(), part());
    let item = |name: &str, bytes: &[u8]| (name.to_owned(), ByteString(bytes.to_vec()));
    for (key, cert) in [(key, cert), (KEY, cert), (key, CERTIFICATE)] {
        let mut data = BTreeMap::from([item("tls.key", key), item("tls.crt", cert)]);
        data.extend((!seed.is_empty()).then(|| item("hybrid.seed", seed)));
        let secret = Secret {
            data: Some(data),
            ..Secret::default()
        };
        let Ok(pair) = key_secret::key_pair(&secret) else {
            continue;
        };
        assert_eq!(pair.private().public().fingerprint(), pair.fingerprint());
        let hybrid = v2::hybrid_key(&secret, pair.cert());
        if let (Ok(Some(key)), Ok(Some(public))) = (hybrid, pair.cert().hybrid()) {
            assert_eq!(key.public().as_bytes(), public.as_bytes());
        }
    }
}

/// A SealedSecret as the API server may give it: what is read of its status can be written, and is read as the same.
pub fn statuses(bytes: &[u8]) {
    let Ok(status) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return;
    };
    let object = serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "n", "namespace": "n", "generation": status["generation"], "annotations": status["annotations"]},
        "spec": {"encryptedData": {"a": "AgB"}}, "status": status,
    });
    let Ok(read) = serde_json::from_value::<Lenient<SealedSecret>>(object) else {
        return;
    };
    let Ok(sealed) = read.into_result() else { return };
    let written = serde_json::to_value(&sealed).expect("what was read can be written");
    let again: SealedSecret = serde_json::from_value(written).expect("and is read again, strictly");
    assert_eq!(again.status, sealed.status);
}

/// The body of a request to verify: what opens was sealed.
pub fn requests(body: &[u8]) {
    let Ok(document) = read_one(body, unseal::memory_for(body.len())) else {
        return;
    };
    let Ok(sealed) = unseal::sealed_secret(&document) else {
        return;
    };
    let items = sealed.spec.encrypted_data.len();
    match unseal::verify(&sealed, &RING, &[]) {
        Ok(opened_by) => assert!(items == 0 || opened_by.iter().all(|key| RING.holds(key))),
        Err(UnsealError::Items(failed)) => assert!(!failed.to_string().is_empty()),
        Err(_) => {}
    }
}
