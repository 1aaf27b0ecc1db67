//! A new key: generated, with its certificate and the Secret that will hold it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealing::SystemRandom;
use sealing::cert::{CertError, CertParameters, SealingCert};
use sealing::key::{KeyError, PrivateKey};
use sealing::key_secret;
use sealing::keyring::{CertificateOfAnotherKey, KeyPair};
use sealing::random::RandomUnavailable;
use sealing::v2;
use thiserror::Error;

use crate::error::ApiFailure;
use crate::settings::{HybridKeys, KeySettings};

/// Why no key was made.
#[derive(Debug, Error)]
pub(crate) enum MakeKeyError {
    /// The key.
    #[error("no key could be generated")]
    Key(#[from] KeyError),
    /// The hybrid key.
    #[error("no seed could be drawn")]
    Seed(#[from] RandomUnavailable),
    /// The certificate.
    #[error("no certificate could be made")]
    Cert(#[from] CertError),
    /// Cannot happen: the two are made together.
    #[error(transparent)]
    Pair(#[from] CertificateOfAnotherKey),
    /// The Secret could not be created.
    #[error("the key Secret could not be created")]
    Api(#[from] ApiFailure),
    /// Without a look at what is there, a key could be made twice.
    #[error("the key Secrets could not be listed")]
    Look(#[source] ApiFailure),
    /// The thread died.
    #[error("generating a key failed")]
    Thread,
    /// The process is about to end, or another replica leads by now: the key is thrown away.
    #[error("this replica makes no keys any more")]
    Over,
}

/// A new key and its Secret. Takes about a second of CPU.
///
/// # Errors
/// [`MakeKeyError`].
pub(crate) fn generate(settings: &KeySettings, now: Timestamp) -> Result<(Secret, KeyPair), MakeKeyError> {
    let key = PrivateKey::generate(settings.bits)?;
    let parameters = CertParameters {
        common_name: settings.common_name.clone(),
        not_before: now,
        not_after: now.checked_add(settings.ttl).map_err(|_| CertError::NotMade)?,
    };
    let random = &mut SystemRandom::default();
    let seed = match settings.hybrid {
        HybridKeys::Off => None,
        HybridKeys::Prepare | HybridKeys::Publish => Some(v2::Seed::generate(random)?),
    };
    let cert = match &seed {
        Some(seed) if settings.hybrid == HybridKeys::Publish => {
            let hybrid = v2::PrivateKey::from_seed(seed)?;
            SealingCert::self_signed_hybrid(&key, hybrid.public(), &parameters, random)?
        }
        _ => SealingCert::self_signed(&key, &parameters, random)?,
    };
    let pair = KeyPair::new(key, cert)?;
    let mut manifest = key_secret::manifest(
        &pair,
        &settings.prefix,
        settings.labels.clone(),
        settings.annotations.clone(),
    )?;
    if let Some(seed) = &seed {
        v2::add_seed(&mut manifest, seed);
    }
    Ok((manifest, pair))
}
