//! The hybrid key in key Secrets: an item beside `tls.crt` and `tls.key`, which the reference ignores.

use crds::names;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use thiserror::Error;

use super::certificate::HybridKeyMalformed;
use super::key::{PrivateKey, Seed};
use crate::cert::SealingCert;
use crate::key::KeyError;

/// Why a key Secret gives no hybrid key, although its certificate or its items announce one. It opens format v1 only,
/// and its certificate must not be published: values sealed with its hybrid key could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HybridError {
    /// The certificate's hybrid key cannot be read.
    #[error(transparent)]
    Certificate(#[from] HybridKeyMalformed),
    /// The certificate has a hybrid key, and the Secret has no seed: a restore or copy kept `tls.*` only.
    #[error("the Secret has no item {}, whose key its certificate carries", names::KEY_ITEM_SEED)]
    SeedMissing,
    /// The seed is not valid.
    #[error("{}", names::KEY_ITEM_SEED)]
    Seed(#[source] KeyError),
    /// The certificate carries the hybrid key of another seed.
    #[error("the certificate's hybrid key does not belong to {}", names::KEY_ITEM_SEED)]
    SeedOfAnotherKey,
}

/// The hybrid private key of a key Secret whose certificate is `cert`; `None` where neither has one. A seed gives a key
/// also where the certificate has no hybrid key.
///
/// # Errors
/// [`HybridError`].
pub fn hybrid_key(secret: &Secret, cert: &SealingCert) -> Result<Option<PrivateKey>, HybridError> {
    let seed = secret.data.as_ref().and_then(|data| data.get(names::KEY_ITEM_SEED));
    hybrid_key_of(seed.map(|ByteString(seed)| seed.as_slice()), Some(cert))
}

/// As [`hybrid_key`], from the seed's bytes.
pub(crate) fn hybrid_key_of(
    seed: Option<&[u8]>,
    cert: Option<&SealingCert>,
) -> Result<Option<PrivateKey>, HybridError> {
    let public = cert.map(SealingCert::hybrid).transpose()?.flatten();
    let Some(seed) = seed else {
        return match public {
            Some(_) => Err(HybridError::SeedMissing),
            None => Ok(None),
        };
    };
    let key = Seed::from_bytes(seed).and_then(|seed| PrivateKey::from_seed(&seed));
    let key = key.map_err(HybridError::Seed)?;
    match public {
        Some(public) if public.as_bytes() != key.public().as_bytes() => Err(HybridError::SeedOfAnotherKey),
        _ => Ok(Some(key)),
    }
}

/// Puts the seed into a key Secret.
pub fn add_seed(secret: &mut Secret, seed: &Seed) {
    let data = secret.data.get_or_insert_default();
    data.insert(names::KEY_ITEM_SEED.to_owned(), ByteString(seed.expose().to_vec()));
}
