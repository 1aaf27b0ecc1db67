//! What restoring a backup comes to: which Secrets are made, which keys are there already, and which key seals then.
//! Pure.

use std::collections::BTreeMap;

use crds::names;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::Document;
use sealing::key_secret::key_pair;
use sealing::secret::ClearSecret;

use super::{KeyFacts, KeysError, State, key};
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
}

/// What is to be done.
pub(crate) struct Plan<'a> {
    /// Secrets to make.
    pub(crate) create: Vec<&'a Saved>,
    /// Keys that are there already: their names in the backup and in the cluster.
    pub(crate) there: Vec<(&'a str, String)>,
    /// The key that seals afterwards: its name, and whether it is one of the backup.
    pub(crate) current: Option<(String, bool)>,
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
    Ok(Saved { secret, name, facts })
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
    let there: Vec<_> = there.iter().map(|secret| key(secret)).collect();
    let mut plan = Plan {
        create: Vec::new(),
        there: Vec::new(),
        current: None,
    };
    for one in saved {
        let same_key = there
            .iter()
            .find(|key| key.cert.as_ref().map(|cert| &cert.fingerprint) == Some(&one.facts.fingerprint));
        let same_name = there.iter().find(|key| key.name == one.name);
        match (same_key, same_name) {
            (Some(key), _) => plan.there.push((&one.name, key.name.clone())),
            (None, Some(_)) => {
                return Err(KeysError::OtherKey {
                    namespace: namespace.to_owned(),
                    name: one.name.clone(),
                });
            }
            (None, None) => plan.create.push(one),
        }
    }
    // By the order of the controller: the newest active key seals. Of equal ages, that of the cluster.
    let mut active: BTreeMap<_, (String, bool)> = BTreeMap::new();
    let created = plan.create.iter().map(|one| (key(&one.secret.0), true));
    let in_cluster = there.into_iter().map(|key| {
        let is_saved = plan.there.iter().any(|(_, name)| *name == key.name);
        (key, is_saved)
    });
    for (key, is_saved) in created.chain(in_cluster) {
        if let (State::Active, Some(cert)) = (&key.state, &key.cert) {
            active.insert(cert.since, (key.name, is_saved));
        }
    }
    plan.current = active.pop_last().map(|(_, current)| current);
    Ok(plan)
}
