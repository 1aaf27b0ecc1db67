//! The committed vectors.
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::SealedSecret;
use sealing::SystemRandom;
use sealing::binding::{Binding, Scope};
use sealing::cert::SealingCert;
use sealing::key::PrivateKey;
use sealing::keyring::KeyRing;
use sealing::render::Rendering;
use sealing::unseal::{self, UnsealError, Unsealed};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VectorKey {
    pub(crate) bits: usize,
    pub(crate) common_name: String,
    pub(crate) pkcs1: String,
    pub(crate) pkcs8: String,
    pub(crate) certificate: String,
    pub(crate) fingerprint: String,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl VectorKey {
    pub(crate) fn private(&self) -> PrivateKey {
        PrivateKey::from_pem(self.pkcs1.as_bytes()).unwrap()
    }

    pub(crate) fn cert(&self) -> SealingCert {
        SealingCert::from_pem(self.certificate.as_bytes()).unwrap()
    }

    pub(crate) fn ring(&self) -> KeyRing {
        let mut ring = KeyRing::default();
        ring.insert(Arc::new(self.private()), self.cert().not_before());
        ring
    }
}

#[derive(Deserialize)]
pub(crate) struct Values {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) values: Vec<SealedValue>,
}

#[derive(Deserialize)]
pub(crate) struct SealedValue {
    pub(crate) sealer: String,
    pub(crate) key: String,
    pub(crate) scope: String,
    plaintext: String,
    sealed: String,
}

impl SealedValue {
    pub(crate) fn binding(&self, all: &Values) -> Binding {
        Binding::new(self.scope(), &all.namespace, &all.name).unwrap()
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope.parse().unwrap()
    }

    pub(crate) fn plaintext(&self) -> Vec<u8> {
        STANDARD.decode(&self.plaintext).unwrap()
    }

    pub(crate) fn sealed(&self) -> Vec<u8> {
        STANDARD.decode(&self.sealed).unwrap()
    }
}

#[derive(Deserialize)]
pub(crate) struct Documents {
    pub(crate) documents: Vec<SealedDocument>,
}

#[derive(Deserialize)]
pub(crate) struct SealedDocument {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) sealed: String,
}

pub(crate) static KEYS: LazyLock<BTreeMap<String, VectorKey>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../vectors/keys.json")).unwrap());
pub(crate) static VALUES: LazyLock<Values> =
    LazyLock::new(|| serde_json::from_str(include_str!("../vectors/values.json")).unwrap());
pub(crate) static DOCUMENTS: LazyLock<Documents> =
    LazyLock::new(|| serde_json::from_str(include_str!("../vectors/documents.json")).unwrap());

pub(crate) fn key(name: &str) -> &'static VectorKey {
    &KEYS[name]
}

/// Unseals at the beginning of 1970.
pub(crate) fn unseal(sealed: &SealedSecret, keys: &KeyRing) -> Result<Unsealed, UnsealError> {
    let mut rendering = Rendering {
        now: &jiff::Zoned::default(),
        random: &mut SystemRandom::default(),
        refuse_nondeterministic: false,
        work: sealing::render::WORK,
    };
    unseal::unseal(sealed, keys, &[], &mut rendering)
}
