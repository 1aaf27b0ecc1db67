//! RustCrypto opens what we seal, and we open what it seals: an independent second implementation of the format.

use std::sync::{Arc, OnceLock};

use crate::common::key;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use jiff::Timestamp;
use proptest::prelude::*;
use rsa_0_9::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey, LineEnding};
use rsa_0_9::{Oaep, RsaPrivateKey};
use sealing::SystemRandom;
use sealing::binding::{Binding, Label, Scope};
use sealing::envelope::Envelope;
use sealing::key::{PrivateKey, SealBytesError};
use sealing::keyring::KeyRing;
use sha2::Sha256;

fn oracle_key(name: &str) -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs1_pem(&key(name).pkcs1).unwrap()
}

fn padding(label: &Label) -> Oaep {
    Oaep::new_with_label::<Sha256, _>(std::str::from_utf8(label.as_bytes()).unwrap())
}

fn oracle_open(key: &RsaPrivateKey, sealed: &[u8], label: &Label) -> Vec<u8> {
    let envelope = Envelope::parse(sealed).unwrap();
    let session_key: [u8; 32] = key
        .decrypt(padding(label), envelope.wrapped_key)
        .unwrap()
        .try_into()
        .unwrap();
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(session_key));
    cipher.decrypt(&Nonce::from([0; 12]), envelope.body).unwrap()
}

fn oracle_seal(key: &RsaPrivateKey, session_key: [u8; 32], plaintext: &[u8], label: &Label) -> Vec<u8> {
    let wrapped = key
        .to_public_key()
        .encrypt(&mut rand::thread_rng(), padding(label), &session_key)
        .unwrap();
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(session_key));
    let body = cipher.encrypt(&Nonce::from([0; 12]), plaintext).unwrap();
    Envelope {
        wrapped_key: &wrapped,
        body: &body,
    }
    .to_bytes()
    .unwrap()
}

/// A key that is too short for AWS-LC and to seal with, as two implementations hold it.
fn short() -> &'static (RsaPrivateKey, KeyRing) {
    static KEY: OnceLock<(RsaPrivateKey, KeyRing)> = OnceLock::new();
    KEY.get_or_init(|| {
        let oracle = RsaPrivateKey::new(&mut rand::thread_rng(), 1024).unwrap();
        let pem = oracle.to_pkcs1_pem(LineEnding::LF).unwrap();
        let key = PrivateKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(
            key.to_pkcs1_pem().unwrap().as_str(),
            pem.as_str(),
            "written as it was read"
        );
        let public = key.public();
        assert_eq!(
            (public.bits(), public.modulus_length(), public.seals()),
            (1024, 128, false)
        );
        let random = &mut SystemRandom::default();
        let sealed = public.seal(b"a", &Binding::ClusterWide.label(), random);
        assert_eq!(sealed, Err(SealBytesError::ShortKey));
        let mut ring = KeyRing::default();
        let fingerprint = key.public().fingerprint().clone();
        assert!(ring.is_empty() && !ring.holds(&fingerprint));
        ring.insert(Arc::new(key), Timestamp::UNIX_EPOCH);
        assert!(!ring.is_empty() && ring.holds(&fingerprint));
        assert_eq!(ring.fingerprints().collect::<Vec<_>>(), [&fingerprint]);
        (oracle, ring)
    })
}

fn bindings() -> impl Strategy<Value = Binding> {
    let scope = prop::sample::select(Scope::ALL.to_vec());
    (scope, "[a-z0-9äß密.-]{1,40}", "[a-zA-Z0-9 /._-]{1,60}")
        .prop_map(|(scope, namespace, name)| Binding::new(scope, &namespace, &name).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_oracle_opens_what_we_seal(binding in bindings(), plaintext: Vec<u8>, large in any::<bool>()) {
        let name = if large { "rsa4096" } else { "rsa2048" };
        let cert = key(name).cert();
        let sealed = cert.public().seal(&plaintext, &binding.label(), &mut SystemRandom::default()).unwrap();
        prop_assert_eq!(sealed.len(), 2 + cert.public().modulus_length() + plaintext.len() + 16);
        prop_assert_eq!(oracle_open(&oracle_key(name), &sealed, &binding.label()), plaintext);
    }

    #[test]
    fn we_open_what_the_oracle_seals(binding in bindings(), plaintext: Vec<u8>, session_key: [u8; 32]) {
        let sealed = oracle_seal(&oracle_key("rsa2048"), session_key, &plaintext, &binding.label());
        let opened = key("rsa2048").ring().open(&sealed, &binding, "", &[]).unwrap();
        prop_assert_eq!(opened.plaintext.expose(), plaintext);
    }

    #[test]
    fn a_key_of_1024_bits_opens_what_the_oracle_seals(binding in bindings(), plaintext: Vec<u8>, at in 2..130_usize) {
        let (oracle, ring) = short();
        let mut sealed = oracle_seal(oracle, [7; 32], &plaintext, &binding.label());
        let opened = ring.open(&sealed, &binding, "", &[]).unwrap();
        prop_assert_eq!(opened.plaintext.expose(), plaintext);
        let another = Binding::new(Scope::Strict, "another-namespace-of-41-characters-or-more", "x").unwrap();
        prop_assert!(ring.open(&sealed, &another, "", &[]).is_err());
        sealed[at] ^= 1;
        prop_assert!(ring.open(&sealed, &binding, "", &[]).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_open_and_never_panic(bytes: Vec<u8>) {
        prop_assert!(key("rsa2048").ring().open(&bytes, &Binding::ClusterWide, "", &[]).is_err());
    }
}

#[test]
fn no_two_seals_of_one_value_are_alike() {
    let (cert, label) = (key("rsa2048").cert(), Binding::ClusterWide.label());
    let seal = || cert.public().seal(b"x", &label, &mut SystemRandom::default()).unwrap();
    assert_ne!(seal(), seal());
}
