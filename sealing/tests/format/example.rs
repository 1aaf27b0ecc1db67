//! The worked example of docs/format.md, computed again from its own inputs and opened.

use crate::common::key;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::{CryptoRng, RngCore};
use rsa_0_9::pkcs1::DecodeRsaPrivateKey;
use rsa_0_9::traits::{PrivateKeyParts, PublicKeyParts};
use rsa_0_9::{BigUint, Oaep, RsaPrivateKey};
use sealing::binding::{Binding, Scope};
use sealing::envelope::Envelope;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../../../docs/format.md");

/// Gives the OAEP seed of the page, once.
struct Seed(Vec<u8>);

impl RngCore for Seed {
    fn next_u32(&mut self) -> u32 {
        unreachable!("OAEP asks for bytes")
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("OAEP asks for bytes")
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        let seed: Vec<u8> = self.0.drain(..buffer.len()).collect();
        buffer.copy_from_slice(&seed);
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(buffer);
        Ok(())
    }
}

impl CryptoRng for Seed {}

/// The hexadecimal texts of a row of the example's table, joined.
fn row(title: &str) -> Vec<u8> {
    let (_, example) = PAGE.split_once("## 11. Worked example").unwrap();
    let line = example
        .lines()
        .find(|line| line.starts_with(&format!("| {title} |")))
        .unwrap();
    let quoted = line.split('`').skip(1).step_by(2);
    let digits: String = quoted
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn sealed() -> Vec<u8> {
    let (_, rest) = PAGE.split_once("```text\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    STANDARD.decode(text.replace('\n', "")).unwrap()
}

#[test]
fn the_page_s_bytes_follow_from_its_inputs() {
    let session_key: [u8; 32] = row("session key").try_into().unwrap();
    let label = Binding::new(Scope::Strict, "default", "db").unwrap().label();
    assert_eq!(label.as_bytes(), row("label"));
    assert_eq!(
        Sha256::digest(label.as_bytes()).as_slice(),
        row("lHash = SHA-256(label)")
    );

    let private = RsaPrivateKey::from_pkcs1_pem(&key("rsa2048").pkcs1).unwrap();
    let padding = Oaep::new_with_label::<Sha256, _>("default/db");
    let mut seed = Seed(row("OAEP seed"));
    let wrapped_key = private
        .to_public_key()
        .encrypt(&mut seed, padding, &session_key)
        .unwrap();
    // Without its padding undone: 0, maskedSeed, maskedDB (RFC 8017 §7.1.1).
    let encoded = BigUint::from_bytes_be(&wrapped_key)
        .modpow(private.d(), private.n())
        .to_bytes_be();
    assert_eq!(encoded[..32], row("maskedSeed"));

    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(session_key));
    let body = cipher
        .encrypt(&Nonce::from([0; 12]), row("plaintext").as_slice())
        .unwrap();
    assert_eq!(body, row("body and tag"));

    let envelope = Envelope {
        wrapped_key: &wrapped_key,
        body: &body,
    };
    let expected = envelope.to_bytes().unwrap();
    assert!(
        expected == sealed(),
        "docs/format.md should say:\n{}",
        STANDARD.encode(expected)
    );
    assert_eq!(expected[..2], row("length field"));
    assert!(wrapped_key.starts_with(&row("wrapped key")[..8]) && wrapped_key.ends_with(&row("wrapped key")[8..]));
}

#[test]
fn the_page_s_bytes_open() {
    let binding = Binding::new(Scope::Strict, "default", "db").unwrap();
    let opened = key("rsa2048").ring().open(&sealed(), &binding, "", &[]).unwrap();
    assert_eq!(opened.plaintext.expose(), row("plaintext"));
    assert!(
        PAGE.contains(&format!("`{}`", opened.key)),
        "the fingerprint is another"
    );
}
