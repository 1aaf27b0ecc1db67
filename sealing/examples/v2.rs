//! Seals and opens in format v2, as the tests' peers do: a question in JSON on each line, its answer on the next.
//!
//! ```text
//! {"scope": "strict", "namespace": "default", "name": "db", "item": "password", "plaintext": BASE64, "recipients": [BASE64]}
//! {"sealed": BASE64}
//! {"scope": "strict", "namespace": "default", "name": "db", "item": "password", "sealed": BASE64, "seed": BASE64}
//! {"plaintext": BASE64} or {"error": "…"}
//! {"scope": "strict", "namespace": "default", "name": "db", "item": "password", "seed": BASE64}
//! {"public": BASE64}
//! {"key": NAMESPACE}
//! a key Secret with a new key that has both keys
//! ```

#![allow(
    clippy::disallowed_methods,
    reason = "a program reads and writes; the crate does not"
)]

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealing::SystemRandom;
use sealing::binding::Binding;
use sealing::v2::{self, Context, PublicKey};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Question {
    scope: String,
    namespace: String,
    name: String,
    item: String,
    plaintext: String,
    recipients: Vec<String>,
    sealed: Option<String>,
    seed: Option<String>,
    key: Option<String>,
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let answer = answer(&serde_json::from_str(&line?)?)?;
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}

fn answer(asked: &Question) -> Result<Value, Box<dyn Error>> {
    if let Some(namespace) = &asked.key {
        return key(namespace);
    }
    let binding = Binding::new(asked.scope.parse()?, &asked.namespace, &asked.name)?;
    let context = Context::new(&binding, &asked.item)?;
    match &asked.seed {
        Some(seed) => open(asked.sealed.as_deref(), &context, &STANDARD.decode(seed)?),
        None => seal(asked, &context),
    }
}

fn seal(asked: &Question, context: &Context) -> Result<Value, Box<dyn Error>> {
    let mut keys = Vec::new();
    for public in &asked.recipients {
        keys.push(PublicKey::from_bytes(&STANDARD.decode(public)?)?);
    }
    let plaintext = STANDARD.decode(&asked.plaintext)?;
    let recipients: Vec<_> = keys.iter().collect();
    // Where both backends are there, AWS-LC encapsulates from the 65th value of a key on.
    let values = if cfg!(feature = "aws-lc") { 65 } else { 1 };
    let mut sealed = Vec::new();
    for _ in 0..values {
        sealed = v2::seal(&plaintext, context, &recipients, &mut SystemRandom::default())?;
    }
    Ok(json!({"sealed": STANDARD.encode(sealed)}))
}

#[cfg(feature = "aws-lc")]
fn open(sealed: Option<&str>, context: &Context, seed: &[u8]) -> Result<Value, Box<dyn Error>> {
    let key = v2::PrivateKey::from_seed(&v2::Seed::from_bytes(seed)?)?;
    let Some(sealed) = sealed else {
        return Ok(json!({"public": STANDARD.encode(key.public().as_bytes())}));
    };
    let sealed = STANDARD.decode(sealed)?;
    let envelope = v2::Envelope::parse(&sealed)?;
    Ok(match v2::open(&envelope, context, std::iter::once(&key), || true) {
        Ok((plaintext, _)) => json!({"plaintext": STANDARD.encode(plaintext.expose())}),
        Err(error) => json!({"error": error.to_string()}),
    })
}

#[cfg(feature = "aws-lc")]
fn key(namespace: &str) -> Result<Value, Box<dyn Error>> {
    use sealing::{cert, key, key_secret, keyring};
    let random = &mut SystemRandom::default();
    let seed = v2::Seed::generate(random)?;
    let hybrid = v2::PrivateKey::from_seed(&seed)?;
    let private = key::PrivateKey::generate(2048)?;
    let now = jiff::Timestamp::now();
    let parameters = cert::CertParameters {
        common_name: String::new(),
        not_before: now - jiff::SignedDuration::from_hours(1),
        not_after: now + jiff::SignedDuration::from_hours(10 * 365 * 24),
    };
    let cert = cert::SealingCert::self_signed_hybrid(&private, hybrid.public(), &parameters, random)?;
    let pair = keyring::KeyPair::new(private, cert)?;
    let mut secret = key_secret::manifest(&pair, "", Default::default(), Default::default())?;
    v2::add_seed(&mut secret, &seed);
    secret.metadata.generate_name = None;
    secret.metadata.name = Some("sealed-secrets-key-hybrid".to_owned());
    secret.metadata.namespace = Some(namespace.to_owned());
    Ok(serde_json::to_value(secret)?)
}

#[cfg(not(feature = "aws-lc"))]
fn key(_: &str) -> Result<Value, Box<dyn Error>> {
    Err("without AWS-LC there are no private keys".into())
}

#[cfg(not(feature = "aws-lc"))]
fn open(_: Option<&str>, _: &Context, _: &[u8]) -> Result<Value, Box<dyn Error>> {
    Err("without AWS-LC there are no private keys".into())
}
