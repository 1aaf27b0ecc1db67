//! The values that Go's `crypto/hpke` made, good and hostile (`tests/peers/format-v2`); and the worked example of docs/format.md.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealing::binding::Binding;
use sealing::sealed_value::SealedValue;
use sealing::v2::{Context, OpenError, PrivateKey, PublicKey, Seed};
use serde::Deserialize;

use super::{Refusal, open};

#[derive(Deserialize)]
struct Vectors {
    keys: Vec<Key>,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Key {
    seed: String,
    public: String,
    id: String,
}

#[derive(Deserialize)]
struct Value {
    what: String,
    scope: String,
    namespace: String,
    name: String,
    item: String,
    key: usize,
    sealed: String,
    #[serde(default)]
    plaintext: String,
    error: Option<String>,
}

static VECTORS: LazyLock<Vectors> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../vectors/v2.json")).unwrap());

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

impl Key {
    fn private(&self) -> PrivateKey {
        PrivateKey::from_seed(&Seed::from_bytes(&bytes(&self.seed)).unwrap()).unwrap()
    }
}

impl Value {
    fn context(&self) -> Context {
        let binding = Binding::new(self.scope.parse().unwrap(), &self.namespace, &self.name).unwrap();
        Context::new(&binding, &self.item).unwrap()
    }
}

/// The class of an error, in the words of the vectors.
fn class(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Malformed(_) => "malformed",
        Refusal::Open(OpenError::NoSuchKey) => "no such key",
        Refusal::Open(OpenError::NotBound { .. }) => "not bound",
        Refusal::Open(OpenError::Damaged { .. }) => "damaged",
        Refusal::Open(OpenError::Interrupted) => "interrupted",
    }
}

#[test]
fn keys_of_go() {
    for key in &VECTORS.keys {
        let private = key.private();
        assert_eq!(private.public().as_bytes().as_slice(), bytes(&key.public));
        assert_eq!(private.public().id().to_bytes().as_slice(), bytes(&key.id));
        assert!(PublicKey::from_bytes(&bytes(&key.public)).is_ok());
    }
    assert_eq!(VECTORS.keys.len(), 3);
}

#[test]
fn values_of_go() {
    let (mut opened, mut refused) = (0, 0);
    for value in &VECTORS.values {
        let key = VECTORS.keys[value.key].private();
        let found = open(&bytes(&value.sealed), &value.context(), &[key]);
        match (&value.error, found) {
            (None, Ok((plaintext, _))) => {
                assert_eq!(plaintext, bytes(&value.plaintext), "{}", value.what);
                opened += 1;
            }
            (Some(error), Err(refusal)) => {
                assert_eq!(class(refusal), error, "{}", value.what);
                refused += 1;
            }
            (expected, found) => panic!("{}: {expected:?}, not {found:?}", value.what),
        }
    }
    assert_eq!((opened, refused), (17, 32));
}

#[test]
fn readers_of_both_versions_tell_them_apart() {
    for value in VECTORS.values.iter().filter(|value| value.error.is_none()) {
        assert!(matches!(
            SealedValue::parse(&bytes(&value.sealed)),
            Ok(SealedValue::V2(_))
        ));
    }
}
