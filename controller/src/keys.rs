//! The sealing keys: which are held, which one is current, when the next one is made.

pub(crate) mod generate;
pub(crate) mod registry;
pub(crate) mod rotation;
pub(crate) mod schedule;
pub(crate) mod store;
pub(crate) mod watcher;

use std::sync::Arc;

use jiff::Timestamp;
use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use sealing::keyring::KeyRing;
use tokio::sync::watch;

/// A consistent picture of the keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// Grows with every change; tells whether a failed opening saw the keys as they are now.
    pub version: u64,
    /// Keys that open.
    pub ring: KeyRing,
    /// The key that seals; `None` while there is no active one.
    pub current: Option<Current>,
}

/// The key that seals.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    /// Name of its Secret.
    pub secret: String,
    /// Its certificate.
    pub cert: Arc<SealingCert>,
    /// What orders it among the keys.
    pub age: Timestamp,
}

impl Current {
    /// Fingerprint of the key.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        self.cert.public().fingerprint()
    }
}

impl PartialEq for Current {
    fn eq(&self, other: &Self) -> bool {
        (&self.secret, self.cert.pem(), self.age) == (&other.secret, other.cert.pem(), other.age)
    }
}

/// Where the picture of the keys is read; `changed` tells of a new one.
pub(crate) type KeysReader = watch::Receiver<Arc<Keys>>;
