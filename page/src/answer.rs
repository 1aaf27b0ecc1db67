//! Requests of the page, and their answers.

use jiff::Timestamp;
use manifest::{Document, DocumentError};
use sealing::SystemRandom;
use sealing::binding::{Scope, UnknownScope};
use sealing::cert::{CertError, SealingCert};
use sealing::seal::{SealError, SealParameters, seal};
use sealing::sealer::{Format, SealItemError, Sealer};
use sealing::secret::{ClearSecret, SecretError};
use sealing::size::Obstacle;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A request. Without `secret` only the certificate is checked.
#[derive(Debug, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    /// PEM.
    certificate: String,
    /// The time, in seconds since 1970.
    now: i64,
    /// Secrets in YAML or JSON.
    #[serde(default)]
    secret: Option<String>,
    /// Namespace of Secrets without one.
    #[serde(default)]
    namespace: Option<String>,
    /// As kubeseal's `--scope`. A Secret whose annotations ask for a scope wider than strict is refused, unless that
    /// scope is chosen here.
    #[serde(default)]
    scope: Option<String>,
    /// 1 or 2, as kubeseal's `--format-version`; else the latest that the certificate allows, as `kubeseal seal` does.
    #[serde(default)]
    format: Option<u8>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    /// Success.
    Done {
        certificate: Certificate,
        /// YAML. Empty where nothing was to be sealed.
        sealed: String,
        /// Warnings about sizes that a cluster would refuse.
        notes: Vec<String>,
    },
    /// The error with its place, in one sentence; never text of the input that may be secret.
    Failed { error: String },
}

/// The identity of a certificate, and its validity.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    /// As kubeseal prints it.
    fingerprint: String,
    /// The pin of both keys; `None` without a hybrid key, where format v2 cannot be sealed.
    pin: Option<String>,
    /// RFC 3339.
    not_before: String,
    /// The same.
    not_after: String,
    /// By the request's time.
    expired: bool,
}

#[derive(Debug, Error)]
enum Failure {
    // serde's message may contain text of the Secret.
    #[error("the request is not what this program reads")]
    Request,
    #[error("{0} is no time")]
    Time(i64),
    #[error("the certificate cannot be used: {0}")]
    Cert(#[from] CertError),
    #[error("the certificate's hybrid key is damaged: fetch the certificate again")]
    HybridKey,
    #[error(transparent)]
    Scope(#[from] UnknownScope),
    #[error("there is no format {0}: 1 or 2")]
    Format(u8),
    #[error(transparent)]
    Version2(#[from] SealItemError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{place}: its annotation asks for the scope {scope}: choose that, or take the annotation away")]
    Wider { place: String, scope: Scope },
    #[error("{place}: {error}")]
    Seal { place: String, error: SealError },
    #[error("the sealed object cannot be written")]
    Emit,
}

/// The answer to a request, as JSON.
pub(crate) fn answer(request: &[u8]) -> Vec<u8> {
    let answer = serde_json::from_slice(request)
        .map_err(|_| Failure::Request)
        .and_then(|request| done(&request))
        .unwrap_or_else(|failure| Answer::Failed {
            error: failure.to_string(),
        });
    // A text and a few fields can always be written.
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn done(request: &Request) -> Result<Answer, Failure> {
    let now = Timestamp::from_second(request.now).map_err(|_| Failure::Time(request.now))?;
    let cert = SealingCert::from_pem(request.certificate.as_bytes())?;
    let pin = cert.pin().map_err(|_| Failure::HybridKey)?;
    let certificate = Certificate {
        fingerprint: cert.public().fingerprint().to_string(),
        pin: pin.map(|pin| pin.to_string()),
        not_before: cert.not_before().to_string(),
        not_after: cert.not_after().to_string(),
        expired: cert.check_not_expired(now).is_err(),
    };
    let mut notes = Vec::new();
    let sealed = match &request.secret {
        None => String::new(),
        Some(secret) => {
            cert.check_not_expired(now)?;
            sealed_of(request, secret, &cert, &mut notes)?
        }
    };
    Ok(Answer::Done {
        certificate,
        sealed,
        notes,
    })
}

/// The SealedSecret of each Secret, one after the other.
fn sealed_of(request: &Request, secret: &str, cert: &SealingCert, notes: &mut Vec<String>) -> Result<String, Failure> {
    let sealer = sealer(request.format, cert)?;
    let parameters = SealParameters {
        scope: request.scope.as_deref().unwrap_or_default().parse()?,
        default_namespace: request.namespace.clone(),
        ..SealParameters::default()
    };
    let mut text = String::new();
    for document in manifest::read(secret.as_bytes())? {
        text.push_str(&seal_document(&document, &parameters, &sealer, notes)?);
    }
    Ok(text)
}

/// As `kubeseal seal`: the requested format, else the latest that the certificate allows.
fn sealer(format: Option<u8>, cert: &SealingCert) -> Result<Sealer<'_>, Failure> {
    let has_hybrid = cert.hybrid().map_err(|_| Failure::HybridKey)?.is_some();
    match format {
        Some(1) => Ok(Sealer::new(cert, Format::V1)),
        None if !has_hybrid => Ok(Sealer::new(cert, Format::V1)),
        None | Some(2) => {
            let sealer = Sealer::new(cert, Format::V2);
            sealer.check_hybrid()?;
            Ok(sealer)
        }
        Some(other) => Err(Failure::Format(other)),
    }
}

fn seal_document(
    document: &Document,
    parameters: &SealParameters,
    sealer: &Sealer<'_>,
    notes: &mut Vec<String>,
) -> Result<String, Failure> {
    let secret = ClearSecret::from_document(document)?;
    let place = || document.place().to_string();
    let asked = Scope::from_annotations(secret.metadata.annotations.as_ref());
    if parameters.scope == Scope::Strict && asked != Scope::Strict {
        let (place, scope) = (place(), asked);
        return Err(Failure::Wider { place, scope });
    }
    let mut random = SystemRandom::default();
    let object =
        seal(&secret, parameters, sealer, &mut random).map_err(|error| Failure::Seal { place: place(), error })?;
    let value = serde_json::to_value(object).map_err(|_| Failure::Emit)?;
    if let Some(obstacle) = Obstacle::of(&value) {
        notes.push(format!("{}: {obstacle}: {}", place(), obstacle.fix()));
    }
    manifest::to_yaml(&value).map_err(|_| Failure::Emit)
}

#[cfg(test)]
mod tests;
