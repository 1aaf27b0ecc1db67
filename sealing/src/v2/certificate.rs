//! The hybrid public key in a certificate: X.509's own extension for an alternative key. It is not critical, so that
//! software without it reads the certificate as before.

use std::fmt;
use std::str::FromStr;

use pkcs8::ObjectIdentifier;
use pkcs8::der::Decode;
use pkcs8::spki::SubjectPublicKeyInfoRef;
use thiserror::Error;

use super::key::PublicKey;
use crate::key::{Fingerprint, NotAFingerprint};

/// `subjectAltPublicKeyInfo` of X.509 (2019) §9.8.2. A private number would be under 2.25, and Go refuses certificates
/// with numbers of more than 31 bits.
pub(crate) const EXTENSION: &[u64] = &[2, 5, 29, 72];
/// X-Wing, as its draft names it.
const X_WING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.62253.25722");

/// The extension announces a hybrid key that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the certificate's hybrid key is malformed")]
pub struct HybridKeyMalformed;

/// The extension's value: a SubjectPublicKeyInfo.
#[cfg(feature = "aws-lc")]
pub(crate) fn encode(key: &PublicKey) -> Result<Vec<u8>, crate::key::KeyError> {
    use crate::key::KeyError;
    use pkcs8::der::Encode as _;
    use pkcs8::spki::AlgorithmIdentifierRef;

    let info = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: X_WING,
            parameters: None,
        },
        subject_public_key: pkcs8::der::asn1::BitStringRef::from_bytes(key.as_bytes())
            .map_err(|_| KeyError::Malformed)?,
    };
    info.to_der().map_err(|_| KeyError::Malformed)
}

/// The hybrid key of the extension's value; `None` for an alternative key of another algorithm.
pub(crate) fn decode(value: &[u8]) -> Result<Option<PublicKey>, HybridKeyMalformed> {
    let info = SubjectPublicKeyInfoRef::from_der(value).map_err(|_| HybridKeyMalformed)?;
    if info.algorithm.oid != X_WING {
        return Ok(None);
    }
    let bytes = info.subject_public_key.as_bytes().ok_or(HybridKeyMalformed)?;
    let key = PublicKey::from_bytes(bytes).map_err(|_| HybridKeyMalformed)?;
    match info.algorithm.parameters {
        None => Ok(Some(key)),
        Some(_) => Err(HybridKeyMalformed),
    }
}

/// A pin of both keys of a certificate: `v2:`, and the fingerprint of the SubjectPublicKeyInfo of RSA followed by the
/// hybrid key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pin(Fingerprint);

impl Pin {
    const PREFIX: &str = "v2:";

    pub(crate) fn of(spki: &[u8], hybrid: &PublicKey) -> Self {
        Self(Fingerprint::of_bytes(&[spki, hybrid.as_bytes()].concat()))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

impl FromStr for Pin {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        text.strip_prefix(Self::PREFIX)
            .ok_or(NotAFingerprint)?
            .parse()
            .map(Self)
    }
}
