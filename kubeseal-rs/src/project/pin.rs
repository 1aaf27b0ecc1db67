//! The key that a project file pins.

use std::fmt;
use std::str::FromStr;

use sealing::cert::SealingCert;
use sealing::key::{Fingerprint, NotAFingerprint};
use sealing::v2;

/// The key that a certificate must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pin {
    /// This RSA key alone. A hybrid key beside it is not pinned, and an attacker may have added it.
    Rsa(Fingerprint),
    /// This RSA key with this hybrid key.
    Both(v2::Pin),
}

impl Pin {
    /// Whether the certificate has the pinned key, or both.
    pub(crate) fn fits(&self, cert: &SealingCert) -> bool {
        match self {
            Pin::Rsa(pinned) => cert.public().fingerprint() == pinned,
            Pin::Both(pinned) => cert.pin().is_ok_and(|pin| pin.as_ref() == Some(pinned)),
        }
    }

    /// The key of a certificate that does not fit, as it is compared.
    pub(crate) fn found(&self, cert: &SealingCert) -> String {
        let rsa = cert.public().fingerprint();
        match (self, cert.pin()) {
            (Pin::Rsa(_), _) => rsa.to_string(),
            (Pin::Both(_), Ok(Some(pin))) => pin.to_string(),
            (Pin::Both(_), Ok(None)) => format!("{rsa} without a hybrid key"),
            (Pin::Both(_), Err(_)) => format!("{rsa} with a malformed hybrid key"),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pin::Rsa(pinned) => pinned.fmt(f),
            Pin::Both(pinned) => pinned.fmt(f),
        }
    }
}

impl FromStr for Pin {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        match text.parse() {
            Ok(pinned) => Ok(Pin::Both(pinned)),
            Err(NotAFingerprint) => text.parse().map(Pin::Rsa),
        }
    }
}
