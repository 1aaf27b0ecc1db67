//! The sealing keys of a cluster: what is to be said of them. Pure: Secrets, objects, certificates and the time in.

pub(crate) mod age_file;
pub(crate) mod error;
pub(crate) mod restore;
pub(crate) mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crds::{SealedSecret, names};
use jiff::{Timestamp, ToSpan as _};
use k8s_openapi::api::core::v1::Secret;
use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use sealing::key_hint::KeyHint;
use sealing::key_secret::key_pair;
use sealing::keyring::KeyPair;
use sealing::v2::{self, KeyId};

use crate::error::chain;
use crate::quoting::path_word;

pub(crate) use error::KeysError;

/// A certificate that ends within this time is pointed out.
const SOON_DAYS: i64 = 30;

/// What a key Secret is for the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It seals and opens.
    Current,
    /// It opens.
    Active,
    /// It is too short to seal: it opens what was sealed with it, and is never the current one.
    OpensOnly,
    /// Its certificate has a hybrid key, and that does not open (see [`Key::hybrid`]): it opens format v1, and the
    /// controller does not hand it out.
    OpensV1Only,
    /// Its label has another value, which is held here: the controller does not load it.
    Retired(String),
    /// It holds no usable key; why.
    Broken(String),
}

/// One key Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// Name of the Secret.
    pub(crate) name: String,
    /// What it is for the controller.
    pub(crate) state: State,
    /// What its certificate says; none when it is broken.
    pub(crate) cert: Option<KeyFacts>,
    /// The hybrid key that opens format v2, if it has one; else what is wrong with that.
    pub(crate) hybrid: Result<Option<KeyId>, String>,
    /// How many objects need it; none when they could not be asked.
    pub(crate) objects: Option<usize>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    /// The key.
    pub(crate) fingerprint: Fingerprint,
    /// The hybrid key beside it, and what pins both.
    pub(crate) hybrid: Option<(KeyId, v2::Pin)>,
    /// Bits of the ciphertexts' blocks, which tell no more of the key's length than its bytes.
    pub(crate) bits: usize,
    /// First instant of validity: the age of the key.
    pub(crate) since: Timestamp,
    /// Last instant of validity.
    pub(crate) until: Timestamp,
}

impl KeyFacts {
    /// The facts of a certificate.
    pub(crate) fn of(cert: &SealingCert) -> Self {
        Self {
            fingerprint: cert.public().fingerprint().clone(),
            hybrid: cert
                .hybrid()
                .ok()
                .flatten()
                .zip(cert.pin().ok().flatten())
                .map(|(hybrid, pin)| (hybrid.id(), pin)),
            bits: cert.public().modulus_length() * 8,
            since: cert.not_before(),
            until: cert.not_after(),
        }
    }

    /// What a project file pins: both keys, or the RSA key of a certificate that has no other.
    pub(crate) fn pin(&self) -> String {
        match &self.hybrid {
            Some((_, pin)) => pin.to_string(),
            None => self.fingerprint.to_string(),
        }
    }

    /// `None` while it is good for a while yet; else what is wrong with its time.
    pub(crate) fn ends(&self, now: Timestamp) -> Option<String> {
        let date = self.until.strftime("%Y-%m-%d");
        let soon = now.checked_add((SOON_DAYS * 24).hours()).ok()?;
        if self.until < now {
            Some(format!("has expired on {date}"))
        } else if self.until < soon {
            Some(format!("expires on {date}"))
        } else {
            None
        }
    }
}

/// A certificate that is in use for sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalCert {
    /// Where it is.
    pub(crate) name: String,
    /// Whether it is known to be meant for this cluster.
    pub(crate) for_this_cluster: bool,
    /// The flags that reach this cluster, with a space before each.
    pub(crate) flags: String,
    /// What it says.
    pub(crate) facts: KeyFacts,
}

impl LocalCert {
    /// The command that fetches this cluster's certificate into its place.
    pub(crate) fn fetch(&self) -> String {
        format!("kubeseal --fetch-cert{} -w {}", self.flags, self.word())
    }

    fn word(&self) -> String {
        path_word(Path::new(&self.name))
    }
}

/// All keys of a cluster, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// The keys.
    pub(crate) keys: Vec<Key>,
    /// Objects that say nothing of their keys; none when they could not be asked.
    pub(crate) unknown_objects: Option<usize>,
    /// Keys that objects need and no Secret holds, with the number of those objects.
    pub(crate) missing: BTreeMap<Fingerprint, usize>,
    /// What to know beside the table.
    pub(crate) remarks: Vec<String>,
}

impl Inventory {
    /// Puts together what is known. `served`: the key of the certificate that the controller serves, if it answers.
    pub(crate) fn of(
        secrets: &[&Secret],
        served: Option<&Fingerprint>,
        objects: Option<&[SealedSecret]>,
        local: &[LocalCert],
        now: Timestamp,
    ) -> Self {
        let mut inventory = Inventory {
            keys: secrets.iter().map(|secret| key(secret)).collect(),
            ..Inventory::default()
        };
        inventory
            .keys
            .sort_by_key(|key| std::cmp::Reverse(key.cert.as_ref().map(|cert| cert.since)));
        inventory.mark_current(served);
        if let Some(objects) = objects {
            inventory.count(objects);
        }
        inventory.remarks.extend(inventory.of_own_keys(now));
        for cert in local {
            inventory.remarks.extend(inventory.of_local(cert, now));
        }
        inventory
    }

    /// The current key is the one that the controller serves; without a controller, the newest active one.
    fn mark_current(&mut self, served: Option<&Fingerprint>) {
        let is_served = |key: &&mut Key| {
            let fingerprint = key.cert.as_ref().map(|cert| &cert.fingerprint);
            key.state == State::Active && served.is_none_or(|served| Some(served) == fingerprint)
        };
        let opens_v1_only = self
            .keys
            .iter()
            .any(|key| key.state == State::OpensV1Only && key.is(served));
        match self.keys.iter_mut().find(is_served) {
            Some(current) => current.state = State::Current,
            None if opens_v1_only => {}
            None if served.is_some() => self.remarks.push(
                "the controller serves the certificate of a key that no active key Secret holds: it opens until the \
                 controller's next start only"
                    .to_owned(),
            ),
            None => {}
        }
        if served.is_none() && self.current().is_some() {
            let remark = "the controller did not say which certificate it serves: the newest active key is taken for the current";
            self.remarks.push(remark.to_owned());
        }
    }

    /// The key that seals.
    pub(crate) fn current(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.state == State::Current)
    }

    fn count(&mut self, objects: &[SealedSecret]) {
        let mut needed: BTreeMap<Fingerprint, usize> = BTreeMap::new();
        let mut unknown = 0;
        for object in objects {
            match keys_of(object) {
                Some(keys) => keys.into_iter().for_each(|key| *needed.entry(key).or_default() += 1),
                None => unknown += 1,
            }
        }
        for key in &mut self.keys {
            let needed = key.cert.as_ref().and_then(|cert| needed.remove(&cert.fingerprint));
            key.objects = Some(needed.unwrap_or(0));
        }
        (self.unknown_objects, self.missing) = (Some(unknown), needed);
    }

    fn of_own_keys(&self, now: Timestamp) -> Option<String> {
        let current = self.current()?;
        let ends = current.cert.as_ref()?.ends(now)?;
        Some(format!(
            "the certificate of the current key {} {ends}: nothing can be sealed after that",
            current.name
        ))
    }

    /// What is wrong with a local certificate: it ends, or another one is served by now.
    fn of_local(&self, local: &LocalCert, now: Timestamp) -> Vec<String> {
        let fetch = local.fetch();
        let mut remarks = Vec::new();
        let holds = |key: &&Key| {
            key.cert
                .as_ref()
                .is_some_and(|cert| cert.fingerprint == local.facts.fingerprint)
        };
        if let Some(ends) = local.facts.ends(now) {
            let fetch = match local.for_this_cluster || self.keys.iter().any(|key| holds(&key)) {
                true => &fetch,
                false => &format!(
                    "kubeseal --fetch-cert --context NAME -w {}, where NAME must be kubectl's context of its cluster",
                    local.word()
                ),
            };
            remarks.push(format!("{} {ends}: {fetch}", local.name));
        }
        let hybrid_of = |key: &Key| key.cert.as_ref().and_then(|cert| cert.hybrid.clone());
        match self.keys.iter().find(holds) {
            // The keys of a certificate are made together.
            Some(key) if local.facts.hybrid.is_some() && hybrid_of(key) != local.facts.hybrid => remarks.push(format!(
                "{} has the RSA key of {} and a hybrid key that is not this cluster's: do not seal with it; what was sealed with it \
                 can be read by whoever made it, and is to be changed: {fetch}",
                local.name, key.name
            )),
            Some(key) if hybrid_of(key) != local.facts.hybrid => remarks.push(format!(
                "{} lacks the hybrid key of {}, which format v2 needs: {fetch}",
                local.name, key.name
            )),
            Some(key) if key.state == State::Current => {}
            Some(key) => remarks.push(format!(
                "{} is that of {}, which is not the current key any more: {fetch}",
                local.name, key.name
            )),
            None if local.for_this_cluster => remarks.push(format!(
                "{} belongs to no key of this cluster (another cluster's?), so what it seals does not open here: {fetch}",
                local.name
            )),
            None => {}
        }
        remarks
    }
}

impl Key {
    fn is(&self, fingerprint: Option<&Fingerprint>) -> bool {
        fingerprint.is_some() && self.cert.as_ref().map(|cert| &cert.fingerprint) == fingerprint
    }
}

/// What is wrong with the hybrid key of a key Secret that holds a usable RSA key.
pub(crate) fn hybrid_fault(secret: &Secret) -> Option<String> {
    key(secret).hybrid.err()
}

/// The keys that these Secrets hold, as they are named in public.
pub(crate) fn held<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> BTreeSet<String> {
    let of = |secret| {
        let key = key(secret);
        let hybrid = key.hybrid.ok().flatten().map(|id| id.to_string());
        key.cert
            .map(|cert| cert.fingerprint.to_string())
            .into_iter()
            .chain(hybrid)
    };
    secrets.into_iter().flat_map(of).collect()
}

/// Whether all that a key Secret holds can be read.
fn is_whole(secret: &Secret) -> bool {
    let key = key(secret);
    let has_seed = secret
        .data
        .as_ref()
        .is_some_and(|data| data.contains_key(names::KEY_ITEM_SEED));
    key.cert.is_some() && (key.hybrid.is_ok() || !has_seed)
}

fn key(secret: &Secret) -> Key {
    let name = secret.metadata.name.clone().unwrap_or_default();
    let pair = key_pair(secret);
    let hybrid = match &pair {
        Ok(pair) => v2::hybrid_key(secret, pair.cert()).map_err(|error| chain(&error)),
        Err(_) => Ok(None),
    };
    let hybrid = hybrid.map(|key| key.map(|key| key.public().id()));
    let state = match (&pair, label(secret)) {
        (Err(error), _) => State::Broken(chain(error)),
        (Ok(_), Some(value)) if value != names::SEALING_KEY_ACTIVE && name != names::DEFAULT_KEY_PREFIX => {
            State::Retired(value.to_owned())
        }
        (Ok(pair), _) if !pair.cert().public().seals() => State::OpensOnly,
        (Ok(_), _) if hybrid.is_err() => State::OpensV1Only,
        (Ok(_), _) => State::Active,
    };
    Key {
        name,
        state,
        cert: pair.ok().map(|pair: KeyPair| KeyFacts::of(pair.cert())),
        hybrid,
        objects: None,
    }
}

fn label(secret: &Secret) -> Option<&str> {
    let labels = secret.metadata.labels.as_ref()?;
    labels.get(names::LABEL_SEALING_KEY).map(String::as_str)
}

/// The keys that an object needs: those that opened it as it is now, by its status; else those of its hint.
fn keys_of(object: &SealedSecret) -> Option<BTreeSet<Fingerprint>> {
    let status = object
        .status
        .as_ref()
        .filter(|status| status.observed_generation == object.metadata.generation);
    let opened_by: BTreeSet<_> = status
        .into_iter()
        .flat_map(|status| status.opened_by.iter().filter_map(|key| key.parse().ok()))
        .collect();
    if !opened_by.is_empty() {
        return Some(opened_by);
    }
    Some(KeyHint::from_metadata(&object.metadata)?.keys().cloned().collect())
}

#[cfg(test)]
mod tests;
