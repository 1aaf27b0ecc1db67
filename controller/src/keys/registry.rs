//! The key Secrets that were seen, and the keys that follow. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crds::names;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealing::key::Fingerprint;
use sealing::key_secret::{self, KeySecretError};
use sealing::keyring::{KeyPair, KeyRing};
use sealing::v2::{self, HybridError};
use thiserror::Error;

use super::{Current, Keys, schedule};
use crate::settings::KeyOrder;

/// A Secret that may hold a key, parsed.
#[derive(Debug)]
pub(crate) struct KeySecret {
    /// Its name.
    pub name: String,
    /// Its uid and resourceVersion: the same pair has the same content.
    pub version: (String, String),
    /// When it was created.
    pub created: Timestamp,
    /// Its key; `None` if it is not to be loaded.
    pub pair: Option<Result<LoadedKey, KeySecretError>>,
}

/// The key of a Secret.
#[derive(Debug, Clone)]
pub(crate) struct LoadedKey {
    /// RSA, and the certificate.
    pub pair: Arc<KeyPair>,
    /// The hybrid key, if there is one.
    pub hybrid: Result<Option<Arc<v2::PrivateKey>>, HybridError>,
    /// Whether the certificate carries a hybrid key: what is sealed with the certificate may need it then.
    pub publishes: bool,
}

impl LoadedKey {
    fn read(secret: &Secret) -> Result<Self, KeySecretError> {
        let pair = key_secret::key_pair(secret)?;
        Ok(Self {
            hybrid: v2::hybrid_key(secret, pair.cert()).map(|key| key.map(Arc::new)),
            publishes: !matches!(pair.cert().hybrid(), Ok(None)),
            pair: Arc::new(pair),
        })
    }
}

/// What is wrong with the hybrid key of a key Secret whose RSA key is held.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum HybridFault {
    /// It cannot be read.
    #[error("{0}: the key opens format v1 alone, and is not handed out: put the Secret back from a backup that has the item {item}", item = names::KEY_ITEM_SEED)]
    Broken(#[source] HybridError),
    /// The Secret held one, and no longer does.
    #[error("a hybrid key is not in it any more: it is kept for opening until the next start, and then is lost for good: put the Secret back from a backup that has it (the item {item})", item = names::KEY_ITEM_SEED)]
    Gone,
}

/// How many keys there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyCounts {
    /// Secrets that should hold a key and do not.
    pub malformed: usize,
    /// Keys that open format v2.
    pub hybrid: usize,
    /// Keys whose hybrid key cannot be read.
    pub hybrid_faults: usize,
    /// Keys that are too short to seal with.
    pub short: usize,
}

impl KeySecret {
    /// Parses a Secret. It is to be loaded if it has the active label, or the name `legacy` (the only key Secret of version 0.8,
    /// which had no label). Takes about a millisecond of CPU.
    pub(crate) fn read(secret: &Secret, legacy: &str) -> Self {
        let metadata = &secret.metadata;
        let name = metadata.name.clone().unwrap_or_default();
        let label = metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(names::LABEL_SEALING_KEY));
        let active = label.is_some_and(|value| value == names::SEALING_KEY_ACTIVE) || name == legacy;
        Self {
            version: (
                metadata.uid.clone().unwrap_or_default(),
                metadata.resource_version.clone().unwrap_or_default(),
            ),
            created: metadata
                .creation_timestamp
                .as_ref()
                .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
            pair: active.then(|| LoadedKey::read(secret)),
            name,
        }
    }

    /// Bits of its key, if that is too short to seal with.
    pub(crate) fn short_key(&self) -> Option<usize> {
        let public = self.pair.as_ref()?.as_ref().ok()?.pair.cert().public();
        (!public.seals()).then(|| public.bits())
    }
}

/// What changed with a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A key was loaded.
    Loaded,
    /// The same, in a Secret that held another key until now; that one still opens until the next start.
    Replaced,
    /// A Secret that should hold a key does not.
    Malformed(KeySecretError),
    /// A key was unloaded, because its Secret lost the active label.
    Unloaded,
}

struct Held {
    version: (String, String),
    created: Timestamp,
    pair: Arc<KeyPair>,
    /// The hybrid key in the Secret, if there is one, and former ones.
    hybrid: Vec<Arc<v2::PrivateKey>>,
    hybrid_fault: Option<HybridFault>,
    publishes: bool,
    /// Whether values that are sealed with its certificate can still be opened after the next start.
    is_whole: bool,
    /// Whether its Secret exists and holds it. A key without a Secret opens, but does not seal: the next start would lose it.
    has_secret: bool,
}

/// The key Secrets that were seen.
pub(crate) struct KeyRegistry {
    order: KeyOrder,
    /// By the Secret's name and the key: a Secret may come to hold another key.
    held: BTreeMap<(String, Fingerprint), Held>,
    malformed: BTreeMap<String, (String, String)>,
    version: u64,
    operations: Arc<AtomicU64>,
}

impl KeyRegistry {
    /// An empty registry. Its keys count their operations in `operations`.
    pub(crate) fn new(order: KeyOrder, operations: Arc<AtomicU64>) -> Self {
        Self {
            order,
            operations,
            held: BTreeMap::new(),
            malformed: BTreeMap::new(),
            version: 0,
        }
    }

    /// Takes note of the current content of a Secret. `None`: nothing new.
    pub(crate) fn seen(&mut self, secret: KeySecret) -> Option<Change> {
        let KeySecret {
            name,
            version,
            created,
            pair,
        } = secret;
        let known = self.of(&name).any(|held| held.has_secret && held.version == version)
            || self.malformed.get(&name) == Some(&version);
        let change = match pair {
            _ if known => return None,
            Some(Ok(key)) => self.hold(name, version, created, key),
            Some(Err(error)) => {
                self.leave(&name);
                self.malformed.insert(name, version);
                Change::Malformed(error)
            }
            None => {
                self.malformed.remove(&name);
                let before = self.held.len();
                self.held.retain(|(other, _), _| *other != name);
                if self.held.len() == before {
                    return None;
                }
                Change::Unloaded
            }
        };
        self.version += 1;
        Some(change)
    }

    /// Holds a key that is in a Secret.
    fn hold(&mut self, name: String, version: (String, String), created: Timestamp, key: LoadedKey) -> Change {
        let LoadedKey {
            pair,
            hybrid,
            publishes,
        } = key;
        self.malformed.remove(&name);
        let fingerprint = pair.fingerprint().clone();
        let is_other = |(other, key): &(String, Fingerprint)| *other == name && *key != fingerprint;
        let replaced = self.held.iter().any(|(place, held)| is_other(place) && held.has_secret);
        self.leave(&name);
        let place = (name, fingerprint);
        let is_whole = !publishes || matches!(hybrid, Ok(Some(_)));
        // Former hybrid keys still open.
        let mut former = self.held.remove(&place).map_or(Vec::new(), |held| held.hybrid);
        if let Ok(Some(own)) = &hybrid {
            former.retain(|one| !one.is_same(own));
        }
        let (own, broken) = match hybrid {
            Ok(own) => (own, None),
            Err(error) => (None, Some(HybridFault::Broken(error))),
        };
        let hybrid_fault = match former.is_empty() {
            true => broken,
            false => Some(HybridFault::Gone),
        };
        let held = Held {
            version,
            created,
            pair,
            hybrid: own.into_iter().chain(former).collect(),
            hybrid_fault,
            publishes,
            is_whole,
            has_secret: true,
        };
        self.held.insert(place, held);
        if replaced { Change::Replaced } else { Change::Loaded }
    }

    /// Takes note that a Secret was deleted: its key still opens until the next start. Returns the Secret's uid; `None`: it held
    /// no key.
    pub(crate) fn gone(&mut self, name: &str) -> Option<String> {
        self.malformed.remove(name);
        let uid = self.of(name).find(|held| held.has_secret)?.version.0.clone();
        self.leave(name);
        self.version += 1;
        Some(uid)
    }

    /// The keys that this Secret holds or held.
    fn of(&self, name: &str) -> impl Iterator<Item = &Held> {
        let named = self.held.iter().filter(move |((other, _), _)| other == name);
        named.map(|(_, held)| held)
    }

    /// Takes note that this Secret holds no key any more.
    fn leave(&mut self, name: &str) {
        for (_, held) in self.held.iter_mut().filter(|((other, _), _)| other == name) {
            held.has_secret = false;
        }
    }

    /// Names of the known Secrets that are not among these.
    pub(crate) fn names_besides(&self, listed: &[Secret]) -> Vec<String> {
        let held = self
            .held
            .iter()
            .filter(|(_, held)| held.has_secret)
            .map(|((name, _), _)| name);
        let is_listed = |name: &&String| {
            let mut names = listed.iter().filter_map(|secret| secret.metadata.name.as_ref());
            names.any(|listed| listed == *name)
        };
        let all = held.chain(self.malformed.keys());
        all.filter(|name| !is_listed(name)).cloned().collect()
    }

    /// How many keys there are.
    pub(crate) fn counts(&self) -> KeyCounts {
        let count = |is: fn(&Held) -> bool| self.held.values().filter(|held| is(held)).count();
        KeyCounts {
            malformed: self.malformed.len(),
            hybrid: count(|held| !held.hybrid.is_empty()),
            hybrid_faults: count(|held| held.hybrid_fault.is_some()),
            short: count(|held| !held.pair.cert().public().seals()),
        }
    }

    /// What is wrong with the hybrid key that is in this Secret.
    pub(crate) fn hybrid_fault(&self, name: &str) -> Option<&HybridFault> {
        let held = self.of(name).find(|held| held.has_secret)?;
        held.hybrid_fault.as_ref()
    }

    /// Whether no certificate with a hybrid key is as new as the current one, or has a Secret that was created later. Keys that
    /// cannot be handed out count: otherwise a fault that breaks every new key would cause one after the other.
    pub(crate) fn lacks_hybrid(&self, current: &Current) -> bool {
        let made = |held: &&Held| held.has_secret && held.pair.fingerprint() == current.fingerprint();
        let created = self.held.values().filter(made).map(|held| held.created).max();
        let is_new = |held: &Held| self.age(held) >= current.age || Some(held.created) > created;
        let is_one = |held: &Held| held.has_secret && held.publishes && is_new(held);
        !self.held.values().any(is_one)
    }

    /// What orders a key among the others.
    fn age(&self, held: &Held) -> Timestamp {
        match self.order {
            KeyOrder::CertNotBefore => held.pair.cert().not_before(),
            KeyOrder::SecretCreationTimestamp => held.created,
        }
    }

    /// The Secrets whose certificates begin long after `now`, with that time: a clock was wrong when they were made, or is now.
    pub(crate) fn ahead(&self, now: Timestamp) -> Vec<(&str, Timestamp)> {
        let with_time = self
            .held
            .iter()
            .map(|((name, _), held)| (name.as_str(), held.pair.cert().not_before()));
        with_time.filter(|(_, begin)| schedule::is_ahead(*begin, now)).collect()
    }

    /// The keys. As in the reference, keys are taken in the order of their Secrets' creation, and a later one becomes current
    /// only if it is strictly newer. A key from the future becomes current only if there is no other, and a key that is too short
    /// to seal with never does.
    pub(crate) fn keys(&self, now: Timestamp) -> Keys {
        let mut in_order: Vec<_> = self.held.iter().collect();
        in_order.sort_by_key(|(place, held)| (held.created, (*place).clone()));
        let mut ring = KeyRing::counting(self.operations.clone());
        let mut current: Option<(bool, Current)> = None;
        for ((name, _), held) in in_order {
            let age = self.age(held);
            ring.insert_hybrid(held.pair.private().clone(), held.hybrid.clone(), age);
            let is_timely = !schedule::is_ahead(held.pair.cert().not_before(), now);
            let is_newer = |(timely, current): &(bool, Current)| (*timely, current.age) < (is_timely, age);
            let seals = held.has_secret && held.is_whole && held.pair.cert().public().seals();
            if seals && current.as_ref().is_none_or(is_newer) {
                let newer = Current {
                    secret: name.clone(),
                    cert: held.pair.cert().clone(),
                    age,
                };
                current = Some((is_timely, newer));
            }
        }
        Keys {
            version: self.version,
            ring,
            current: current.map(|(_, current)| current),
        }
    }
}

#[cfg(test)]
mod tests;
