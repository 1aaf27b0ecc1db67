//! An independent implementation of format v2 on RustCrypto, which also does what no sealer may.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use ml_kem::kem::{Decapsulate, EncapsulationKey};
use ml_kem::{B32, EncapsulateDeterministic, EncodedSizeUser, KemCore, MlKem768, MlKem768Params};
use sealing::v2::{Context, PrivateKey};
use sha2::{Digest, Sha256};
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Sha3_256, Shake256};
use x25519_dalek::{PublicKey, StaticSecret};

const STANZA: usize = 8 + 1120 + 48;

/// The first bytes of a value for so many recipients.
pub(crate) fn prefix(recipients: u8) -> Vec<u8> {
    vec![0, 0, 2, 1, recipients]
}

/// X-Wing's combiner, then HPKE's key schedule: cipher and nonce of the one message.
fn hpke(shares: [&[u8]; 4], info: &[u8]) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
    let shared = Sha3_256::digest([shares.concat().as_slice(), br"\.//^\"].concat());
    let suite = b"HPKE-v1HPKE\x64\x7a\x00\x01\x00\x02";
    let extract = |salt: &[u8], text: &[u8]| Hkdf::<Sha256>::extract(Some(salt), &[suite, text].concat());
    let context = [
        &[0],
        extract(&[], b"psk_id_hash").0.as_slice(),
        &extract(&[], &[b"info_hash", info].concat()).0,
    ]
    .concat();
    let (_, secret) = extract(&shared, b"secret");
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    let labelled = |length: u8, label: &[u8]| [&[0, length], suite.as_slice(), label, &context].concat();
    secret.expand(&labelled(32, b"key"), &mut key).unwrap();
    secret.expand(&labelled(12, b"base_nonce"), &mut nonce).unwrap();
    (Aes256Gcm::new(&Key::<Aes256Gcm>::from(key)), Nonce::from(nonce))
}

/// Seals any content key for any key.
pub(crate) fn stanza(prefix: &[u8], to: &PrivateKey, content_key: &[u8], context: &Context) -> Vec<u8> {
    let id = to.public().id().to_bytes();
    let (ml_kem, x25519) = to.public().as_bytes().split_at(1184);
    let ml_kem = EncapsulationKey::<MlKem768Params>::from_bytes(ml_kem.try_into().unwrap());
    let (ml_kem_enc, ml_kem_shared) = ml_kem
        .encapsulate_deterministic(&B32::from(rand::random::<[u8; 32]>()))
        .unwrap();
    let ephemeral = StaticSecret::from(rand::random::<[u8; 32]>());
    let share = PublicKey::from(&ephemeral);
    let x25519 = PublicKey::from(<[u8; 32]>::try_from(x25519).unwrap());
    let agreed = ephemeral.diffie_hellman(&x25519);
    let shares = [
        ml_kem_shared.as_slice(),
        agreed.as_bytes(),
        share.as_bytes(),
        x25519.as_bytes(),
    ];
    let (cipher, nonce) = hpke(shares, context.as_bytes());
    let aad = [prefix, &id].concat();
    let payload = Payload {
        msg: content_key,
        aad: &aad,
    };
    let sealed = cipher.encrypt(&nonce, payload).unwrap();
    [id.as_slice(), &ml_kem_enc, share.as_bytes(), &sealed].concat()
}

/// The content key of a stanza, with the key of this seed.
fn content_key(prefix: &[u8], stanza: &[u8], seed: &[u8; 32], context: &Context) -> Vec<u8> {
    let mut expanded = [0; 96];
    let mut shake = Shake256::default();
    Update::update(&mut shake, seed);
    shake.finalize_xof().read(&mut expanded);
    let part = |at: usize| <[u8; 32]>::try_from(&expanded[at..at + 32]).unwrap();
    let (ml_kem, _) = MlKem768::generate_deterministic(&B32::from(part(0)), &B32::from(part(32)));
    let x25519 = StaticSecret::from(part(64));
    let share = PublicKey::from(<[u8; 32]>::try_from(&stanza[1096..1128]).unwrap());
    let ml_kem_shared = ml_kem.decapsulate(stanza[8..1096].try_into().unwrap()).unwrap();
    let agreed = x25519.diffie_hellman(&share);
    let public = PublicKey::from(&x25519);
    let shares = [
        ml_kem_shared.as_slice(),
        agreed.as_bytes(),
        share.as_bytes(),
        public.as_bytes(),
    ];
    let (cipher, nonce) = hpke(shares, context.as_bytes());
    let aad = [prefix, &stanza[..8]].concat();
    let payload = Payload {
        msg: &stanza[1128..],
        aad: &aad,
    };
    cipher.decrypt(&nonce, payload).unwrap()
}

fn derive(content_key: &[u8], purpose: &[u8], header: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let info = [purpose, &Sha256::digest(header)].concat();
    Hkdf::<Sha256>::from_prk(content_key)
        .unwrap()
        .expand(&info, &mut out)
        .unwrap();
    out
}

pub(crate) fn commitment(content_key: &[u8], header: &[u8]) -> [u8; 32] {
    derive(content_key, b"sealed-secrets/v2 commit", header)
}

fn cipher(content_key: &[u8], header: &[u8]) -> Aes256Gcm {
    let key = derive(content_key, b"sealed-secrets/v2 body", header);
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(key))
}

pub(crate) fn body(content_key: &[u8], header: &[u8], padded: &[u8]) -> Vec<u8> {
    cipher(content_key, header)
        .encrypt(&Nonce::from([0; 12]), padded)
        .unwrap()
}

/// The value with this header, whose content key is known.
pub(crate) fn finish(header: &[u8], content_key: &[u8], padded: &[u8]) -> Vec<u8> {
    let commitment = commitment(content_key, header);
    [header, &commitment, &body(content_key, header, padded)].concat()
}

/// A value for these keys of any padded bytes.
pub(crate) fn seal_padded(padded: &[u8], context: &Context, keys: &[PrivateKey]) -> Vec<u8> {
    let content_key: [u8; 32] = rand::random();
    let prefix = prefix(keys.len().try_into().unwrap());
    let stanzas = keys.iter().flat_map(|key| stanza(&prefix, key, &content_key, context));
    let header: Vec<u8> = prefix.iter().copied().chain(stanzas).collect();
    finish(&header, &content_key, padded)
}

/// Padmé by its definition: as few bits of the length as the length of its exponent has.
pub(crate) fn pad(plaintext: &[u8]) -> Vec<u8> {
    let length = (plaintext.len() + 1).max(32);
    let exponent = f64::from(u32::try_from(length).unwrap()).log2().floor() as u32;
    let kept = f64::from(exponent).log2().floor() as u32 + 1;
    let unit = 2_usize.pow(exponent - kept);
    let mut padded = plaintext.to_vec();
    padded.push(0x80);
    padded.resize(length.div_ceil(unit) * unit, 0);
    padded
}

/// The padded plaintext, opened with the key of this seed as the recipient at `index`.
pub(crate) fn open_padded(sealed: &[u8], context: &Context, seed: &[u8; 32], index: usize) -> Vec<u8> {
    let (header, rest) = sealed.split_at(5 + usize::from(sealed[4]) * STANZA);
    let (found, body) = rest.split_at(32);
    let stanza = &header[5 + index * STANZA..][..STANZA];
    let content_key = content_key(&header[..5], stanza, seed, context);
    assert_eq!(found, commitment(&content_key, header));
    cipher(&content_key, header)
        .decrypt(&Nonce::from([0; 12]), body)
        .unwrap()
}
