//! Private keys, newest first, and the search for the one that opens a value.

mod item;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use thiserror::Error;

use crate::binding::Label;
use crate::cert::SealingCert;
use crate::envelope::{Envelope, EnvelopeError};
use crate::key::{Fingerprint, PrivateKey};
use crate::sealer::Format;
use crate::secret_bytes::SecretBytes;
use crate::v2::{self, KeyId};

/// A private key with its certificate.
#[derive(Debug)]
pub struct KeyPair {
    private: Arc<PrivateKey>,
    cert: Arc<SealingCert>,
}

/// The certificate belongs to another key: values sealed with it could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the certificate does not belong to the private key")]
pub struct CertificateOfAnotherKey;

impl KeyPair {
    /// Joins the two halves.
    ///
    /// # Errors
    /// [`CertificateOfAnotherKey`].
    pub fn new(private: PrivateKey, cert: SealingCert) -> Result<Self, CertificateOfAnotherKey> {
        if private.public().fingerprint() == cert.public().fingerprint() {
            Ok(Self {
                private: Arc::new(private),
                cert: Arc::new(cert),
            })
        } else {
            Err(CertificateOfAnotherKey)
        }
    }

    /// The private half.
    pub fn private(&self) -> &Arc<PrivateKey> {
        &self.private
    }

    /// The certificate.
    pub fn cert(&self) -> &Arc<SealingCert> {
        &self.cert
    }

    /// Fingerprint of the key.
    pub fn fingerprint(&self) -> &Fingerprint {
        self.cert.public().fingerprint()
    }
}

/// Why a value was not opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The bytes are not a sealed value: no key opens them.
    #[error(transparent)]
    Malformed(#[from] EnvelopeError),
    /// This version is not accepted here: see [`KeyRing::accepting`].
    #[error("sealed in format {0}, which is not accepted here: seal it anew, or reseal it with private keys")]
    NotAccepted(Format),
    /// Format v1: no key opens the session key. The value is sealed for another key, bound to another name or scope, or
    /// damaged.
    #[error("no key could decrypt secret")]
    NoKey {
        /// Held keys whose size fits the ciphertext.
        fitting: usize,
        /// Bits of the key that sealed it.
        sealed_bits: usize,
    },
    /// The [`Pace`] ended the work.
    #[error("not opened: the work was interrupted")]
    Interrupted,
    /// Format v1: a key opened the session key, but the body does not authenticate: no key opens it.
    #[error("the ciphertext is damaged")]
    Damaged {
        /// The key that opened the session key.
        key: Fingerprint,
    },
    /// Format v2: no held key has the id of a recipient.
    #[error("sealed for a key that is not here (key id {})", ids.iter().map(KeyId::to_string).collect::<Vec<_>>().join(", "))]
    NoSuchKey {
        /// The ids of the recipients.
        ids: Vec<KeyId>,
    },
    /// Format v2: a key has the id of a recipient, but does not open its content key: another binding, or damage.
    /// ML-KEM does not tell them apart.
    #[error("bound to another name, namespace, scope or item, or damaged (key id {key})")]
    NotBound {
        /// The id of the last such key.
        key: KeyId,
    },
    /// Format v2: a key opened the content key, but the rest does not match it.
    #[error("the ciphertext is damaged")]
    BodyDamaged {
        /// The id of the key that opened it.
        key: KeyId,
    },
    /// A name cannot be bound in format v2.
    #[error(transparent)]
    Name(#[from] v2::NameTooLong),
}

impl OpenError {
    /// Whether the value is broken independently of keys, names and scope: another copy of it may not be.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Malformed(EnvelopeError::NewerFormat(_) | EnvelopeError::UnknownSuite(_)) => false,
            Self::Malformed(_) | Self::Damaged { .. } | Self::BodyDamaged { .. } => true,
            Self::NotAccepted(_)
            | Self::NoKey { .. }
            | Self::Interrupted
            | Self::NoSuchKey { .. }
            | Self::NotBound { .. }
            | Self::Name(_) => false,
        }
    }

    /// Whether private-key operations may have been spent on it.
    pub(crate) fn may_have_cost_operations(&self) -> bool {
        match self {
            Self::NoKey { .. } | Self::Damaged { .. } | Self::NotBound { .. } | Self::BodyDamaged { .. } => true,
            Self::Malformed(_) | Self::NotAccepted(_) | Self::Interrupted | Self::NoSuchKey { .. } | Self::Name(_) => {
                false
            }
        }
    }
}

/// The plaintext and the key that opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The bytes in clear.
    pub plaintext: SecretBytes,
    /// The key that opened them, by the fingerprint of its RSA key, in either version.
    pub key: Fingerprint,
    /// In format v2, the hybrid key that opened them: an RSA key may have several.
    pub hybrid: Option<KeyId>,
    /// The version that they were sealed in.
    pub format: Format,
}

/// Paces private-key operations: each takes milliseconds, and the author of a ciphertext decides how many there are.
pub trait Pace: fmt::Debug + Send + Sync {
    /// Called before each operation, and may wait. `false` ends the work.
    fn before_operation(&self) -> bool;
}

/// One key of the ring: RSA, and all hybrid keys that belong or belonged to it.
#[derive(Debug, Clone)]
struct Held {
    age: Timestamp,
    key: Arc<PrivateKey>,
    hybrid: Vec<Arc<v2::PrivateKey>>,
}

/// Held private keys, newest first. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: Vec<Held>,
    operations: Arc<AtomicU64>,
    pace: Option<Arc<dyn Pace>>,
    /// The earliest version that opens.
    least: Format,
}

impl KeyRing {
    /// An empty ring that counts its private-key operations, including failed ones, in the caller's counter.
    pub fn counting(operations: Arc<AtomicU64>) -> Self {
        Self {
            operations,
            ..Self::default()
        }
    }

    /// The same keys, for one piece of work at this pace.
    pub fn at_pace(&self, pace: Arc<dyn Pace>) -> Self {
        Self {
            pace: Some(pace),
            ..self.clone()
        }
    }

    /// The same keys, which refuse versions earlier than `least`.
    pub fn accepting(&self, least: Format) -> Self {
        Self { least, ..self.clone() }
    }

    /// Adds a key. `age` orders the ring (start of the certificate's validity, or creation of the key Secret). A key
    /// that is there is replaced. Of equal ages, the first one added stays in front (reference behaviour).
    pub fn insert(&mut self, key: Arc<PrivateKey>, age: Timestamp) {
        self.insert_hybrid(key, None, age);
    }

    /// Adds a key as [`Self::insert`] does, with its hybrid keys. A key that is there keeps its former hybrid keys:
    /// another Secret with the same RSA key, or an older backup of it, must not stop values from opening.
    pub fn insert_hybrid(
        &mut self,
        key: Arc<PrivateKey>,
        hybrid: impl IntoIterator<Item = Arc<v2::PrivateKey>>,
        age: Timestamp,
    ) {
        let fingerprint = key.public().fingerprint();
        let former = self
            .keys
            .iter()
            .find(|held| held.key.public().fingerprint() == fingerprint);
        let mut all: Vec<Arc<v2::PrivateKey>> = Vec::new();
        for one in hybrid
            .into_iter()
            .chain(former.iter().flat_map(|held| held.hybrid.iter().cloned()))
        {
            if !all.iter().any(|other| other.is_same(&one)) {
                all.push(one);
            }
        }
        let hybrid = all;
        self.remove(fingerprint);
        let at = self.keys.partition_point(|held| held.age >= age);
        self.keys.insert(at, Held { age, key, hybrid });
    }

    /// Removes a key; returns whether it was there.
    pub fn remove(&mut self, key: &Fingerprint) -> bool {
        let before = self.keys.len();
        self.keys.retain(|held| held.key.public().fingerprint() != key);
        self.keys.len() != before
    }

    /// Whether the ring has no keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the ring has this key.
    pub fn holds(&self, key: &Fingerprint) -> bool {
        self.fingerprints().any(|held| held == key)
    }

    /// Fingerprints of the keys, newest first.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.keys.iter().map(|held| held.key.public().fingerprint())
    }

    fn open_v1(&self, envelope: &Envelope<'_>, label: &Label, preferred: &[Fingerprint]) -> Result<Opened, OpenError> {
        let keys = || self.keys.iter().map(|held| &held.key);
        let mut ordered: Vec<_> = keys().collect();
        ordered.sort_by_cached_key(|key| {
            let place = preferred.iter().position(|likely| likely == key.public().fingerprint());
            place.unwrap_or(preferred.len())
        });
        for key in ordered {
            // A key of another size fails by its length, without an operation.
            if key.public().modulus_length() == envelope.wrapped_key.len() && !self.before_operation() {
                return Err(OpenError::Interrupted);
            }
            if let Some(session_key) = key.open_key(envelope, label) {
                let fingerprint = key.public().fingerprint().clone();
                return match session_key.open_body(envelope) {
                    Ok(plaintext) => Ok(Opened {
                        plaintext,
                        key: fingerprint,
                        hybrid: None,
                        format: Format::V1,
                    }),
                    Err(_) => Err(OpenError::Damaged { key: fingerprint }),
                };
            }
        }
        let length = envelope.wrapped_key.len();
        let fitting = keys().filter(|key| key.public().modulus_length() == length).count();
        Err(OpenError::NoKey {
            fitting,
            sealed_bits: length * 8,
        })
    }

    /// Waits for the pace and counts one private-key operation. `false` ends the work.
    fn before_operation(&self) -> bool {
        let goes_on = self.pace.as_ref().is_none_or(|pace| pace.before_operation());
        if goes_on {
            self.operations.fetch_add(1, Ordering::Relaxed);
        }
        goes_on
    }
}
