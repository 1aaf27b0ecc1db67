//! What restoring a backup comes to: which Secrets are made, which keys are there already, and which key seals then.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use crds::names;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::Document;
use sealing::key_secret::key_pair;
use sealing::secret::ClearSecret;
use sealing::v2::KeyId;

use super::{Key, KeyFacts, KeysError, State, held, key};
use crate::cluster::OpenSecret;
use crate::error::Error;
use crate::objects::InputName;

/// Types of key Secrets. Of some others, Kubernetes makes or takes credentials of the cluster itself, and whoever can write the
/// place of a backup writes it.
const TYPES: [&str; 3] = [names::KEY_SECRET_TYPE, names::SECRET_TYPE_OPAQUE, ""];

/// One key of a backup.
pub(crate) struct Saved {
    /// The Secret as it is to be made: without what only the old cluster knew.
    pub(crate) secret: OpenSecret,
    /// Its name.
    pub(crate) name: String,
    /// Its key.
    pub(crate) facts: KeyFacts,
    /// Its hybrid key, if it has one; else what is wrong with that.
    pub(crate) hybrid: Result<Option<KeyId>, String>,
}

/// A key Secret of the cluster that lacks the seed of its hybrid key, or has one that is not that of its certificate.
pub(crate) struct MissingSeed<'a> {
    /// The same key in the backup, with the seed.
    pub(crate) saved: &'a Saved,
    /// Its name in the cluster.
    pub(crate) name: String,
    /// What it must still be when the seed comes.
    pub(crate) version: String,
    /// Whether there is another one in its place, which opens nothing that is sealed with the certificate.
    pub(crate) replaces: bool,
}

/// What is to be done.
pub(crate) struct Plan<'a> {
    /// Secrets to make.
    pub(crate) create: Vec<&'a Saved>,
    /// Keys that are there already: their names in the backup and in the cluster.
    pub(crate) there: Vec<(&'a str, String)>,
    /// Those of them that open nothing by their label: their names in the cluster, and the labels.
    pub(crate) retired: Vec<(String, String)>,
    /// Those of them whose hybrid key the backup lacks, by their names in the cluster.
    pub(crate) unsaved: Vec<String>,
    /// Keys that are there without the seed of their hybrid key, which the backup has.
    pub(crate) seeds: Vec<MissingSeed<'a>>,
    /// Keys whose hybrid key is not restored, a text for each.
    pub(crate) faults: Vec<String>,
    /// The key that seals afterwards: its name, and whether it is one of the backup.
    pub(crate) current: Option<(String, bool)>,
}

impl<'a> Plan<'a> {
    /// Decides about the hybrid key of a saved key that is there, in `secret`. A seed that opens something stays, and none is put
    /// beside the certificate of another one.
    fn hybrid(&mut self, saved: &'a Saved, there: &Key, secret: &Secret, namespace: &str) {
        let Ok(Some(id)) = &saved.hybrid else {
            if matches!(there.hybrid, Ok(Some(_))) {
                self.unsaved.push(there.name.clone());
            }
            return;
        };
        let certified = there.cert.as_ref().and_then(|cert| cert.hybrid.as_ref());
        let certified = certified.map(|(certified, _)| certified);
        let data = secret.data.as_ref();
        let replaces = data.is_some_and(|data| data.contains_key(names::KEY_ITEM_SEED));
        let lacks = match &there.hybrid {
            Ok(Some(there)) if there == id => return,
            Ok(Some(_)) => false,
            Ok(None) => true,
            Err(_) => !replaces || certified == Some(id),
        };
        let name = there.name.clone();
        if !lacks || certified.is_some_and(|certified| certified != id) {
            self.faults.push(format!(
                "{name} has another hybrid key than the backup ({id}), and stays as it is"
            ));
        } else if secret.immutable == Some(true) {
            self.faults.push(format!(
                "{name} is immutable, and takes no {} of the backup: kubectl delete secret -n {namespace} {name}, then run the same \
                 command again, which makes it of the backup",
                names::KEY_ITEM_SEED
            ));
        } else {
            let version = secret.metadata.resource_version.clone().unwrap_or_default();
            self.seeds.push(MissingSeed {
                saved,
                name,
                version,
                replaces,
            });
        }
    }
}

/// The keys of a backup, which must all be whole.
///
/// # Errors
/// What makes it none.
pub(crate) fn saved(bytes: &[u8], file: &InputName) -> Result<Vec<Saved>, Error> {
    let documents = manifest::read(bytes).map_err(|error| file.fault(error))?;
    documents.iter().map(|document| saved_one(document, file)).collect()
}

/// The keys that a file in clear holds. `None`: there is something else in it, or what cannot be read, so that it may hold any.
pub(crate) fn keys_in(bytes: &[u8]) -> Option<BTreeSet<String>> {
    if bytes.trim_ascii().is_empty() {
        return Some(BTreeSet::new());
    }
    let file = InputName(String::new());
    let documents = manifest::read(bytes).ok()?;
    let secrets = documents.iter().map(|document| {
        let clear = file.secret(document).ok()?;
        Some(OpenSecret(manifest(clear, "")))
    });
    let secrets = secrets.collect::<Option<Vec<_>>>()?;
    let are_whole = secrets.iter().all(|secret| super::is_whole(&secret.0));
    are_whole.then(|| held(secrets.iter().map(|secret| &secret.0)))
}

fn saved_one(document: &Document, file: &InputName) -> Result<Saved, Error> {
    // Read strictly for its own sake: what the typed object would pass over is an error.
    let clear = file.secret(document)?;
    let (file, place) = (file.0.clone(), document.place());
    let Some(name) = clear.metadata.name.clone() else {
        return Err(KeysError::Nameless { file, place }.into());
    };
    if let Some(type_) = clear.type_.clone().filter(|type_| !TYPES.contains(&type_.as_str())) {
        return Err(KeysError::OtherType { file, place, type_ }.into());
    }
    let secret = OpenSecret(manifest(clear, &name));
    let pair = key_pair(&secret.0).map_err(|source| KeysError::NotAKey { file, place, source })?;
    let facts = KeyFacts::of(pair.cert());
    let hybrid = key(&secret.0).hybrid;
    Ok(Saved {
        secret,
        name,
        facts,
        hybrid,
    })
}

fn manifest(clear: ClearSecret, name: &str) -> Secret {
    let mut labels = clear.metadata.labels.unwrap_or_default();
    // Without its label a key is not loaded; that of version 0.8 is loaded by its name.
    if name != names::DEFAULT_KEY_PREFIX {
        labels
            .entry(names::LABEL_SEALING_KEY.to_owned())
            .or_insert_with(|| names::SEALING_KEY_ACTIVE.to_owned());
    }
    let annotations = clear.metadata.annotations.map(|mut annotations| {
        annotations.retain(|name, _| !names::is_last_applied(name));
        annotations
    });
    let data = clear.items.iter().map(|(item, value)| {
        let value = k8s_openapi::ByteString(value.expose().to_vec());
        (item.clone(), value)
    });
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels),
            annotations: annotations.filter(|annotations| !annotations.is_empty()),
            ..ObjectMeta::default()
        },
        type_: clear.type_,
        immutable: clear.immutable,
        data: Some(data.collect()),
        ..Secret::default()
    }
}

/// Decides what to do, given the key Secrets of the cluster and whatever else has one of the names.
///
/// # Errors
/// [`KeysError::OtherKey`]: nothing is ever overwritten.
pub(crate) fn plan<'a>(saved: &'a [Saved], there: &[&Secret], namespace: &str) -> Result<Plan<'a>, KeysError> {
    let keys: Vec<_> = there.iter().map(|secret| key(secret)).collect();
    let mut plan = Plan {
        seeds: Vec::new(),
        faults: Vec::new(),
        create: Vec::new(),
        there: Vec::new(),
        retired: Vec::new(),
        unsaved: Vec::new(),
        current: None,
    };
    for one in saved {
        let mut pairs = keys.iter().zip(there);
        let same_key =
            pairs.find(|(key, _)| key.cert.as_ref().map(|cert| &cert.fingerprint) == Some(&one.facts.fingerprint));
        let same_name = keys.iter().find(|key| key.name == one.name);
        match (same_key, same_name) {
            (Some((key, secret)), _) => {
                plan.there.push((&one.name, key.name.clone()));
                if let State::Retired(label) = &key.state {
                    plan.retired.push((key.name.clone(), label.clone()));
                }
                plan.hybrid(one, key, secret, namespace);
            }
            (None, Some(_)) => {
                return Err(KeysError::OtherKey {
                    namespace: namespace.to_owned(),
                    name: one.name.clone(),
                });
            }
            (None, None) => plan.create.push(one),
        }
        // A key that is whole in the cluster lacks nothing.
        let is_whole = same_key.is_some_and(|(key, _)| matches!(key.hybrid, Ok(Some(_))));
        if let Some(why) = one.hybrid.as_ref().err().filter(|_| !is_whole) {
            plan.faults.push(format!("{} in the backup: {why}", one.name));
        }
    }
    // By the order of the controller: the newest active key seals. Of equal ages, that of the cluster.
    let mut active: BTreeMap<_, (String, bool)> = BTreeMap::new();
    let created = plan.create.iter().map(|one| (key(&one.secret.0), true));
    let in_cluster = keys.into_iter().map(|key| {
        let is_saved = plan.there.iter().any(|(_, name)| *name == key.name);
        (key, is_saved)
    });
    for (key, is_saved) in created.chain(in_cluster) {
        let is_active = match key.state {
            State::Active => true,
            State::OpensV1Only => plan.seeds.iter().any(|seed| seed.name == key.name),
            _ => false,
        };
        if let Some(cert) = key.cert.as_ref().filter(|_| is_active) {
            active.insert(cert.since, (key.name, is_saved));
        }
    }
    plan.current = active.pop_last().map(|(_, current)| current);
    Ok(plan)
}
