//! The certificates made here are the reference's in every field but its randomness.

use crate::common::key;
use jiff::Timestamp;
use sealing::SystemRandom;
use sealing::cert::{CertError, CertParameters, SealingCert};
use sealing::key::{KeyError, PrivateKey};
use sealing::keyring::KeyPair;
use x509_parser::prelude::{FromDer, X509Certificate};

fn made(common_name: &str) -> SealingCert {
    let parameters = CertParameters {
        common_name: common_name.to_owned(),
        not_before: Timestamp::from_second(1_700_000_000).unwrap(),
        not_after: Timestamp::from_second(2_000_000_000).unwrap(),
    };
    SealingCert::self_signed(&key("rsa2048").private(), &parameters, &mut SystemRandom::default()).unwrap()
}

/// Everything of a certificate that is neither its key, its times nor its randomness, as text to compare.
fn shape(pem: &str) -> String {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&block.contents).unwrap();
    let tbs = &certificate.tbs_certificate;
    let mut extensions: Vec<_> = tbs
        .extensions()
        .iter()
        .map(|extension| {
            // The subject key id is a digest of the key: its length is the shape.
            let id = extension.oid.to_id_string();
            let value = if id == "2.5.29.14" {
                vec![extension.value.len() as u8]
            } else {
                extension.value.to_vec()
            };
            format!("{id} critical={} {value:?}", extension.critical)
        })
        .collect();
    extensions.sort();
    format!(
        "version {:?}\nsubject {}\nissuer {}\nalgorithm {} {}\nserial positive {}\n{}",
        tbs.version(),
        tbs.subject(),
        tbs.issuer(),
        tbs.signature.algorithm,
        certificate.signature_algorithm.algorithm,
        tbs.raw_serial().first().is_some_and(|byte| byte & 0x80 == 0),
        extensions.join("\n")
    )
}

#[test]
fn the_shape_is_the_reference_s_with_and_without_a_common_name() {
    assert_eq!(shape(made("").pem()), shape(&key("rsa2048").certificate));
    assert_eq!(shape(made("vectors.example").pem()), shape(&key("rsa3072").certificate));
}

#[test]
fn times_and_key_are_those_asked_for() {
    let cert = made("");
    assert_eq!(cert.not_before().as_second(), 1_700_000_000);
    assert_eq!(cert.not_after().as_second(), 2_000_000_000);
    assert_eq!(cert.public().fingerprint().as_str(), key("rsa2048").fingerprint);
}

#[test]
fn the_last_second_of_validity_still_seals() {
    let cert = made("");
    let at = |second| cert.check_not_expired(Timestamp::from_second(second).unwrap());
    assert_eq!(at(2_000_000_000), Ok(()));
    let expired = at(2_000_000_001).unwrap_err();
    assert_eq!(
        expired.to_string(),
        "failed to encrypt using an expired certificate on May 18, 2033"
    );
}

#[test]
fn the_first_certificate_of_a_chain_seals_and_all_must_parse() {
    let (first, second) = (&key("rsa2048").certificate, &key("other").certificate);
    let cert = SealingCert::from_pem(format!("text before\n{first}{second}").as_bytes()).unwrap();
    assert_eq!(cert.public().fingerprint().as_str(), key("rsa2048").fingerprint);

    let broken = format!("{first}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_eq!(
        SealingCert::from_pem(broken.as_bytes()).unwrap_err(),
        CertError::Malformed(2)
    );
    for none in ["", "no PEM", &key("other").pkcs1] {
        assert_eq!(
            SealingCert::from_pem(none.as_bytes()).unwrap_err(),
            CertError::NoCertificate
        );
    }
}

#[test]
fn the_certificate_of_a_key_is_found_behind_its_ca() {
    let (own, ca) = (&key("rsa2048").certificate, &key("other").certificate);
    let private = key("rsa2048").private();
    let of_key = |text: &str| SealingCert::of_key(private.public(), text.as_bytes());
    for chain in [format!("{own}{ca}"), format!("{ca}{own}"), format!("{ca}{ca}{own}")] {
        let cert = of_key(&chain).unwrap();
        assert_eq!(
            (cert.public().fingerprint(), cert.pem()),
            (private.public().fingerprint(), own.as_str())
        );
    }
    let other = of_key(ca).unwrap();
    assert_eq!(
        other.public().fingerprint().as_str(),
        key("other").fingerprint,
        "of nobody here"
    );
    assert_eq!(of_key("").unwrap_err(), CertError::NoCertificate);
}

#[test]
fn a_pair_joins_only_what_belongs_together() {
    assert!(KeyPair::new(key("rsa2048").private(), made("")).is_ok());
    assert!(KeyPair::new(key("other").private(), made("")).is_err());
}

#[test]
fn generated_keys_read_back_and_impossible_sizes_are_refused() {
    for bits in [2048, 3072] {
        let generated = PrivateKey::generate(bits).unwrap();
        assert_eq!(generated.public().modulus_length() * 8, bits);
        let pem = generated.to_pkcs1_pem().unwrap();
        let read = PrivateKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(read.public().fingerprint(), generated.public().fingerprint());
    }
    for bits in [0, 512, 1024, 2047, 2560, 16_384] {
        assert_eq!(PrivateKey::generate(bits).unwrap_err(), KeyError::GeneratedSize(bits));
    }
}

#[test]
fn what_is_no_rsa_private_key_is_named() {
    let error = |text: &str| PrivateKey::from_pem(text.as_bytes()).unwrap_err();
    assert_eq!(error(""), KeyError::NoPrivateKey);
    assert_eq!(error(&key("rsa2048").certificate), KeyError::NoPrivateKey);
    let cut = key("rsa2048").pkcs1.replace("MII", "AAA");
    assert_eq!(error(&cut), KeyError::Malformed);
    let ec = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(error(ec), KeyError::NotRsa("an EC private key".to_owned()));
}
