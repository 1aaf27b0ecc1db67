//! Format v2: between us and an independent second implementation, and whatever hostile hands make of a value.

mod documents;
mod hostile;
mod keyring;
mod keys;
mod mutations;
pub(crate) mod oracle;
mod sealing_rules;
mod vectors;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealing::SystemRandom;
use sealing::binding::{Binding, Scope};
use sealing::envelope::EnvelopeError;
use sealing::v2::{self, Context, Envelope, KeyId, OpenError, PrivateKey, PublicKey, Seed};

/// A key that is the same in every run.
pub(crate) fn key(number: u8) -> PrivateKey {
    PrivateKey::from_seed(&Seed::from_bytes(&[number; v2::SEED]).unwrap()).unwrap()
}

pub(crate) fn keys(count: u8) -> Vec<PrivateKey> {
    (1..=count).map(key).collect()
}

/// Where the values of these tests are bound to.
pub(crate) fn context(scope: Scope) -> Context {
    Context::new(&Binding::new(scope, "default", "db").unwrap(), "password").unwrap()
}

pub(crate) fn seal(plaintext: &[u8], context: &Context, keys: &[PrivateKey]) -> Vec<u8> {
    let recipients: Vec<&PublicKey> = keys.iter().map(PrivateKey::public).collect();
    v2::seal(plaintext, context, &recipients, &mut SystemRandom::default()).unwrap()
}

/// Why a value does not open: either of the two kinds of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed(EnvelopeError),
    Open(OpenError),
}

pub(crate) fn open(sealed: &[u8], context: &Context, keys: &[PrivateKey]) -> Result<(Vec<u8>, KeyId), Refusal> {
    let envelope = Envelope::parse(sealed).map_err(Refusal::Malformed)?;
    let opened = v2::open(&envelope, context, keys.iter(), || true);
    opened
        .map(|(plaintext, key)| (plaintext.expose().to_vec(), key.public().id()))
        .map_err(Refusal::Open)
}

#[test]
fn sizes_by_recipients() {
    let context = context(Scope::Strict);
    for (count, characters) in [(1, 1_684), (2, 3_252), (4, 6_388), (16, 25_204)] {
        let sealed = seal(&[7; 31], &context, &keys(count));
        assert_eq!(Envelope::parse(&sealed).unwrap().padded_len(), 32);
        assert_eq!(STANDARD.encode(sealed).len(), characters, "{count} recipients");
    }
}
