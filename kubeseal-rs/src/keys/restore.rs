//! What restoring a backup comes to: which Secrets are made, which keys are there already, and which key seals then.
//! Pure.

use std::collections::BTreeMap;

use crds::names;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::Document;
use sealing::key_secret::key_pair;
use sealing::secret::ClearSecret;
use sealing::v2::KeyId;

use super::{Key, KeyFacts, KeysError, State, key};
use crate::cluster::OpenSecret;
use crate::error::Error;
use crate::objects::InputName;

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

/// A key Secret of the cluster that lacks the seed of its hybrid half.
pub(crate) struct MissingSeed<'a> {
    /// The same key in the backup, with the seed.
    pub(crate) saved: &'a Saved,
    /// Its name in the cluster.
    pub(crate) name: String,
    /// What it must still be when the seed comes.
    pub(crate) version: String,
}

/// What is to be done.
pub(crate) struct Plan<'a> {
    /// Secrets to make.
    pub(crate) create: Vec<&'a Saved>,
    /// Keys that are there already: their names in the backup and in the cluster.
    pub(crate) there: Vec<(&'a str, String)>,
    /// Those of them that are retired, by their names in the cluster: they open nothing.
    pub(crate) retired: Vec<String>,
    /// Keys that are there without the seed of their hybrid half, which the backup has.
    pub(crate) seeds: Vec<MissingSeed<'a>>,
    /// Keys whose hybrid half is not restored, a text for each.
    pub(crate) faults: Vec<String>,
    /// The key that seals afterwards: its name, and whether it is one of the backup.
    pub(crate) current: Option<(String, bool)>,
}

impl<'a> Plan<'a> {
    /// Decides about the hybrid half of a saved key that is there. A seed that is there stays, and none is put beside the
    /// certificate of another one.
    fn hybrid(&mut self, saved: &'a Saved, there: &Key, lacking: Option<String>) {
        let Ok(Some(id)) = &saved.hybrid else {
            return;
        };
        let certified = there.cert.as_ref().and_then(|cert| cert.hybrid.as_ref());
        let fits = certified.is_none_or(|(certified, _)| certified == id);
        match lacking.filter(|_| fits) {
            Some(version) => self.seeds.push(MissingSeed {
                saved,
                name: there.name.clone(),
                version,
            }),
            None if there.hybrid == Ok(Some(*id)) => {}
            None => self.faults.push(format!(
                "{} has another hybrid key than the backup ({id}), and stays as it is",
                there.name
            )),
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

fn saved_one(document: &Document, file: &InputName) -> Result<Saved, Error> {
    // Read strictly for its own sake: what the typed object would pass over is an error.
    let clear = file.secret(document)?;
    let (file, place) = (file.0.clone(), document.place());
    let Some(name) = clear.metadata.name.clone() else {
        return Err(KeysError::Nameless { file, place }.into());
    };
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
        annotations.retain(|name, _| !names::ANNOTATIONS_LAST_APPLIED.contains(&name.as_str()));
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
    // Where the seed is missing: what the Secret must still be when it comes.
    let lacking = |name: &str| {
        let secret = there
            .iter()
            .find(|secret| secret.metadata.name.as_deref() == Some(name))?;
        let has_seed = secret.data.as_ref()?.contains_key(names::KEY_ITEM_SEED);
        (!has_seed).then(|| secret.metadata.resource_version.clone().unwrap_or_default())
    };
    let keys: Vec<_> = there.iter().map(|secret| key(secret)).collect();
    let mut plan = Plan {
        seeds: Vec::new(),
        faults: Vec::new(),
        create: Vec::new(),
        there: Vec::new(),
        retired: Vec::new(),
        current: None,
    };
    for one in saved {
        let same_key = keys
            .iter()
            .find(|key| key.cert.as_ref().map(|cert| &cert.fingerprint) == Some(&one.facts.fingerprint));
        let same_name = keys.iter().find(|key| key.name == one.name);
        match (same_key, same_name) {
            (Some(key), _) => {
                plan.there.push((&one.name, key.name.clone()));
                if matches!(key.state, State::Retired(_)) {
                    plan.retired.push(key.name.clone());
                }
                plan.hybrid(one, key, lacking(&key.name));
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
        let is_whole = same_key.is_some_and(|key| matches!(key.hybrid, Ok(Some(_))));
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
