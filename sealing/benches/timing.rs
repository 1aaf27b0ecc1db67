//! Whether the time of a refusal tells why it was one: what `/v1/verify` does with a ciphertext, for each way in which strangers
//! can break one, in a random order. Welch's t between each two ways; above 4.5 they differ.
//!
//! `cargo bench -p sealing --bench timing -- [SAMPLES [BITS]]`: 2048 bits are AWS-LC's, 1024 those of the crate `rsa`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::indexing_slicing,
    reason = "a bench has a clock and a voice, and whatever fails here has failed"
)]

use std::sync::Arc;

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::SealedSecret;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngCore as _};
use rsa_0_9::pkcs1::{EncodeRsaPrivateKey as _, LineEnding};
use rsa_0_9::traits::PublicKeyParts as _;
use rsa_0_9::{BigUint, Oaep};
use rustix::time::{ClockId, clock_gettime};
use sealing::binding::{Binding, Label, Scope};
use sealing::envelope::Envelope;
use sealing::key::PrivateKey;
use sealing::keyring::KeyRing;
use sealing::unseal;
use sha2::Sha256;

/// Different ciphertexts of each way: what is particular to one of them must not count.
const EACH: usize = 200;
/// The slowest are left out: an interrupt tells nothing.
const KEPT: [usize; 3] = [100, 95, 75];
const LARGEST: f64 = 4.5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The block decrypts to a number that is too large for OAEP: what Manger's attack asks for.
    FirstByte,
    /// The block has the form of OAEP at its first byte, and nothing else.
    Padding,
    /// A good block for another name.
    Label,
    /// All is well, but for the last byte of the body. By design it ends later: see the threat model.
    Body,
}

const WAYS: [(Way, &str); 4] = [
    (Way::FirstByte, "first byte"),
    (Way::Padding, "padding"),
    (Way::Label, "label"),
    (Way::Body, "body"),
];

/// Nanoseconds that this thread has run.
fn now() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn object(envelope: &[u8]) -> SealedSecret {
    let mut object = SealedSecret::default();
    object.metadata.namespace = Some("ns".to_owned());
    object.metadata.name = Some("name".to_owned());
    let text = STANDARD.encode(envelope);
    object.spec.encrypted_data.insert("a".to_owned(), text);
    object
}

/// A good ciphertext, by a second implementation: ours seals with no short key.
fn sealed(key: &rsa_0_9::RsaPrivateKey, label: &Label) -> Vec<u8> {
    let session_key: [u8; 32] = rand::thread_rng().r#gen();
    let padding = Oaep::new_with_label::<Sha256, _>(std::str::from_utf8(label.as_bytes()).unwrap());
    let wrapped = key
        .to_public_key()
        .encrypt(&mut rand::thread_rng(), padding, &session_key)
        .unwrap();
    let cipher = Aes256Gcm::new(&session_key.into());
    let body = cipher
        .encrypt(&Nonce::from([0; 12]), b"a plaintext".as_slice())
        .unwrap();
    Envelope {
        wrapped_key: &wrapped,
        body: &body,
    }
    .to_bytes()
    .unwrap()
}

/// A ciphertext that is broken in this way.
fn broken(way: Way, key: &rsa_0_9::RsaPrivateKey) -> SealedSecret {
    let name = if way == Way::Label { "other" } else { "name" };
    let label = Binding::new(Scope::Strict, "ns", name).unwrap().label();
    let size = key.size();
    let mut bytes = sealed(key, &label);
    match way {
        Way::FirstByte | Way::Padding => {
            let mut block = vec![0; size];
            rand::thread_rng().fill_bytes(&mut block[1..]);
            if way == Way::FirstByte {
                // Below the modulus, whose first bit is set.
                block[0] = rand::thread_rng().gen_range(1..0x80);
            }
            let raw = BigUint::from_bytes_be(&block).modpow(key.e(), key.n()).to_bytes_be();
            // The wrapped key stands behind its length.
            let wrapped = &mut bytes[2..2 + size];
            wrapped.fill(0);
            wrapped[size - raw.len()..].copy_from_slice(&raw);
        }
        Way::Body => *bytes.last_mut().unwrap() ^= 1,
        Way::Label => {}
    }
    object(&bytes)
}

/// Welch's t of the fastest `percent` of both.
fn t(left: &[i64], right: &[i64], percent: usize) -> f64 {
    let mut all: Vec<i64> = left.iter().chain(right).copied().collect();
    all.sort_unstable();
    let longest = all[all.len() * percent / 100 - 1];
    let moments = |times: &[i64]| {
        let kept: Vec<f64> = times
            .iter()
            .filter(|time| **time <= longest)
            .map(|time| *time as f64)
            .collect();
        let mean = kept.iter().sum::<f64>() / kept.len() as f64;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (kept.len() - 1) as f64;
        (mean, variance / kept.len() as f64)
    };
    let (left, right) = (moments(left), moments(right));
    (left.0 - right.0) / (left.1 + right.1).sqrt()
}

fn main() {
    // Cargo adds `--bench` to what is typed.
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let samples = numbers.next().unwrap_or(200_000);
    let bits = numbers.next().unwrap_or(2048);
    let public = rsa_0_9::RsaPrivateKey::new(&mut rand::thread_rng(), bits).unwrap();
    let key = PrivateKey::from_pem(public.to_pkcs1_pem(LineEnding::LF).unwrap().as_bytes()).unwrap();
    let objects: Vec<Vec<SealedSecret>> = WAYS
        .iter()
        .map(|(way, _)| (0..EACH).map(|_| broken(*way, &public)).collect())
        .collect();
    let mut ring = KeyRing::default();
    ring.insert(Arc::new(key), jiff::Timestamp::UNIX_EPOCH);

    let mut order: Vec<usize> = (0..samples).map(|sample| sample % WAYS.len()).collect();
    order.shuffle(&mut rand::thread_rng());
    let mut times = vec![Vec::new(); WAYS.len()];
    for way in order {
        // A copy, so that where the object lies in memory does not tell one way from another.
        let object = objects[way][rand::thread_rng().gen_range(0..EACH)].clone();
        let start = now();
        let refused = unseal::verify(&object, &ring, &[]).is_err();
        times[way].push(now() - start);
        assert!(refused);
    }

    let mut differ = false;
    for left in 0..WAYS.len() {
        for right in left + 1..WAYS.len() {
            let found = KEPT.map(|percent| t(&times[left], &times[right], percent));
            let judged = WAYS[left].0 != Way::Body && WAYS[right].0 != Way::Body;
            let (samples, [all, most, some]) = (times[left].len() + times[right].len(), found);
            let note = if judged { "" } else { " (differs by design)" };
            println!(
                "{} / {}: t {all:.2}, of the fastest 95 % {most:.2}, of the fastest 75 % {some:.2}; {samples} samples{note}",
                WAYS[left].1, WAYS[right].1
            );
            differ |= judged && found.iter().any(|t| t.abs() >= LARGEST);
        }
    }
    assert!(!differ, "the time tells what is wrong");
}
