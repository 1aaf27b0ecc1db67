//! The private keys that are held, newest first, and the search for the one that opens.

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
use crate::secret_bytes::SecretBytes;
use crate::v2;

pub use item::OpenItemError;

/// A private key with its certificate.
#[derive(Debug)]
pub struct KeyPair {
    private: Arc<PrivateKey>,
    cert: Arc<SealingCert>,
}

/// The certificate is that of another key: what it seals could never be opened.
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

/// Why no plaintext came out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The bytes are no envelope: broken, whatever the keys.
    #[error(transparent)]
    Malformed(#[from] EnvelopeError),
    /// No held key opens the session key: sealed for another key, bound to another name or scope, or damaged there.
    #[error("no key could decrypt secret")]
    NoKey {
        /// Held keys whose size fits the ciphertext.
        fitting: usize,
        /// Bits of the key that sealed it.
        sealed_bits: usize,
    },
    /// The work was ended before: see [`Pace`].
    #[error("not opened: the work was interrupted")]
    Interrupted,
    /// A held key opened the session key, yet the body does not authenticate: broken, whatever the keys.
    #[error("the ciphertext is damaged")]
    Damaged {
        /// The key that opened the session key.
        key: Fingerprint,
    },
}

/// The plaintext and the key that opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The bytes in clear.
    pub plaintext: SecretBytes,
    /// The key that opened them.
    pub key: Fingerprint,
}

/// When private-key operations run: each takes milliseconds, and whoever wrote a ciphertext decides how many there are.
pub trait Pace: fmt::Debug + Send + Sync {
    /// Called before each operation, and may wait. `false` ends the work.
    fn before_operation(&self) -> bool;
}

/// One held key: RSA, and the hybrid half where its key Secret has one.
#[derive(Debug, Clone)]
struct Held {
    age: Timestamp,
    key: Arc<PrivateKey>,
    hybrid: Option<Arc<v2::PrivateKey>>,
}

/// Held private keys, newest first. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: Vec<Held>,
    operations: Arc<AtomicU64>,
    pace: Option<Arc<dyn Pace>>,
}

impl KeyRing {
    /// An empty ring that counts its private-key operations, failed ones included, where the caller can read them.
    pub fn counting(operations: Arc<AtomicU64>) -> Self {
        Self {
            keys: Vec::new(),
            operations,
            pace: None,
        }
    }

    /// The same keys, for one piece of work at this pace.
    pub fn at_pace(&self, pace: Arc<dyn Pace>) -> Self {
        Self {
            pace: Some(pace),
            ..self.clone()
        }
    }

    /// Holds a key; `age` orders the ring (the certificate's begin or the key Secret's creation). A key that is held
    /// already is replaced. Of equal ages, the one held first stays in front (reference behaviour).
    pub fn insert(&mut self, key: Arc<PrivateKey>, age: Timestamp) {
        self.insert_hybrid(key, None, age);
    }

    /// Holds a key as [`Self::insert`] does, with its hybrid half. A key that is held already keeps the hybrid half that it has
    /// where the new one has none: an older backup of its Secret must not end what opens.
    pub fn insert_hybrid(&mut self, key: Arc<PrivateKey>, hybrid: Option<Arc<v2::PrivateKey>>, age: Timestamp) {
        let fingerprint = key.public().fingerprint();
        let former = self
            .keys
            .iter()
            .find(|held| held.key.public().fingerprint() == fingerprint);
        let hybrid = hybrid.or_else(|| former?.hybrid.clone());
        self.remove(fingerprint);
        let at = self.keys.partition_point(|held| held.age >= age);
        self.keys.insert(at, Held { age, key, hybrid });
    }

    /// Stops holding a key; says whether it was held.
    pub fn remove(&mut self, key: &Fingerprint) -> bool {
        let before = self.keys.len();
        self.keys.retain(|held| held.key.public().fingerprint() != key);
        self.keys.len() != before
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether this key is held.
    pub fn holds(&self, key: &Fingerprint) -> bool {
        self.fingerprints().any(|held| held == key)
    }

    /// Fingerprints of the held keys, newest first.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.keys.iter().map(|held| held.key.public().fingerprint())
    }

    /// Opens an envelope's bytes: first with the `preferred` keys in their order, then with the others, newest first. A
    /// wrong key costs a whole private-key operation, so a caller that knows the likely ones should say so; a wrong
    /// preference costs time, never correctness.
    ///
    /// # Errors
    /// [`OpenError`], which tells a broken ciphertext from one that no held key opens as far as the format allows.
    pub fn open(&self, bytes: &[u8], label: &Label, preferred: &[Fingerprint]) -> Result<Opened, OpenError> {
        let envelope = Envelope::parse(bytes)?;
        let keys = || self.keys.iter().map(|held| &held.key);
        let mut ordered: Vec<_> = keys().collect();
        ordered.sort_by_cached_key(|key| {
            let place = preferred.iter().position(|likely| likely == key.public().fingerprint());
            place.unwrap_or(preferred.len())
        });
        for key in ordered {
            // One of another size is refused by its length alone.
            if key.public().modulus_length() == envelope.wrapped_key.len() && !self.before_operation() {
                return Err(OpenError::Interrupted);
            }
            if let Some(session_key) = key.open_key(&envelope, label) {
                let fingerprint = key.public().fingerprint().clone();
                return match session_key.open_body(&envelope) {
                    Ok(plaintext) => Ok(Opened {
                        plaintext,
                        key: fingerprint,
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
