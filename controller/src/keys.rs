//! The sealing keys: which are held, which one is current, when the next one is made.

pub(crate) mod generate;
pub(crate) mod registry;
pub(crate) mod rotation;
pub(crate) mod schedule;
pub(crate) mod source;

use std::sync::Arc;

use jiff::Timestamp;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Current {
    /// Name of its Secret.
    pub secret: String,
    /// Its certificate as PEM.
    pub pem: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// What orders it among the keys.
    pub age: Timestamp,
    /// Begin and end of its certificate, as Unix time.
    pub validity: (i64, i64),
}

/// Where the picture of the keys is read; `changed` tells of a new one.
pub(crate) type KeysReader = watch::Receiver<Arc<Keys>>;
