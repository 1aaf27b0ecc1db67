//! What others sealed opens here: the reference's binaries, kubesealpy and aes-gcm-rsa-oaep made the vectors.

use std::collections::BTreeSet;

use crate::common::{self, DOCUMENTS, KEYS, VALUES, key};
use sealing::binding::Scope;
use sealing::key::PrivateKey;
use sealing::secret::ClearSecret;
use sealing::unseal;

#[test]
fn every_value_opens_with_its_key_and_label() {
    let mut seen = BTreeSet::new();
    for value in &VALUES.values {
        let opened = key(&value.key)
            .ring()
            .open(&value.sealed(), &value.binding(&VALUES), "", &[])
            .unwrap();
        assert_eq!(
            opened.plaintext.expose(),
            value.plaintext(),
            "{} {} {}",
            value.sealer,
            value.key,
            value.scope
        );
        assert_eq!(opened.key.as_str(), key(&value.key).fingerprint);
        seen.insert((value.sealer.as_str(), value.key.as_str(), value.scope.as_str()));
    }
    assert_eq!(seen.len(), 3 * 4 * 3, "three sealers, four key sizes, three scopes");
}

#[test]
fn every_document_of_the_reference_unseals_to_the_secret_that_went_in() {
    for vector in &DOCUMENTS.documents {
        let clear = manifest::read(vector.secret.as_bytes()).unwrap();
        let expected = ClearSecret::from_document(&clear[0]).unwrap();
        let sealed = manifest::read(vector.sealed.as_bytes()).unwrap();
        let sealed = unseal::sealed_secret(&sealed[0]).unwrap();

        let unsealed = common::unseal(&sealed, &key(&vector.key).ring()).unwrap();
        let (secret, context) = (unsealed.secret, format!("{} {}", vector.name, vector.key));
        assert_eq!(secret.items, expected.items, "{context}");
        assert_eq!(secret.type_, expected.type_, "{context}");
        assert_eq!(secret.immutable, expected.immutable, "{context}");
        assert_eq!(secret.metadata.labels, expected.metadata.labels, "{context}");
        assert_eq!(secret.metadata.annotations, expected.metadata.annotations, "{context}");
        assert_eq!(secret.metadata.name, expected.metadata.name, "{context}");
    }
}

#[test]
fn keys_read_alike_from_both_forms_and_certificates_say_what_the_reference_says() {
    for (name, vector) in &*KEYS {
        let cert = vector.cert();
        for pem in [&vector.pkcs1, &vector.pkcs8] {
            let private = PrivateKey::from_pem(pem.as_bytes()).unwrap();
            assert_eq!(private.public().fingerprint().as_str(), vector.fingerprint, "{name}");
            assert_eq!(private.public().modulus_length() * 8, vector.bits, "{name}");
            assert_eq!(
                *private.to_pkcs1_pem().unwrap(),
                vector.pkcs1,
                "{name}: byte for byte as Go writes it"
            );
        }
        assert_eq!(cert.public().fingerprint().as_str(), vector.fingerprint, "{name}");
        assert_eq!(cert.not_before().as_second(), vector.not_before, "{name}");
        assert_eq!(cert.not_after().as_second(), vector.not_after, "{name}");
        assert_eq!(cert.pem(), vector.certificate, "{name}");
        let subject = if vector.common_name.is_empty() {
            String::new()
        } else {
            format!("CN={}", vector.common_name)
        };
        assert_eq!(cert.subject(), subject, "{name}");
    }
}

#[test]
fn the_scopes_of_the_vectors_are_all_three() {
    let scopes: BTreeSet<_> = VALUES.values.iter().map(crate::common::SealedValue::scope).collect();
    assert_eq!(scopes, BTreeSet::from(Scope::ALL));
}
