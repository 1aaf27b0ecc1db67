//! Causes for values of format v2 that open under no binding, by their key ids and item names.

use std::collections::BTreeSet;

use sealing::v2::KeyId;

use super::diagnoses::{Tried, again, key_gone, other_cluster, retired};
use super::probe::{Answer, Case, Trial};
use super::{Cause, Diagnosis, Evidence};
use crate::keys::{Inventory, Key, KeyFacts, LocalCert};
use crate::quoting::word;

/// An item that opens under another name: it was renamed after sealing, swapped with another one, or copied from it.
pub(super) fn renamed_item(case: &Case, file: &str, trial: &mut dyn Trial) -> Option<Diagnosis> {
    for (item, name) in case.other_names() {
        let mut opens_as = |item: &str, name: &str| {
            let renamed = case.renamed(item, name);
            renamed.is_some_and(|renamed| trial.attempt(&renamed, &case.own) == Answer::Opens)
        };
        if !opens_as(&item, &name) {
            continue;
        }
        let exchanged = opens_as(&name, &item);
        let is_there = case.items.contains(&name);
        let [item, name] = [&item, &name].map(|item| manifest::escaped(item));
        let (message, next) = if exchanged {
            (
                format!("the values of items {item} and {name} were exchanged: each opens under the other's name"),
                "exchange the two texts in spec.encryptedData again".to_owned(),
            )
        } else if is_there {
            (
                format!("item {item} holds a value that was sealed for item {name}, which is there too"),
                format!(
                    "put each text under the name that it was sealed for (git log -p {file}), or seal the value again: kubeseal set \
                     {file} {}",
                    word(&item)
                ),
            )
        } else {
            (
                format!(
                    "item {item} opens only under the name {name}: it was renamed after it was sealed, and format v2 binds the name"
                ),
                format!(
                    "give it its name back in spec.encryptedData, then kubeseal rename --recovery-private-key BACKUP {file} {} {}",
                    word(&name),
                    word(&item)
                ),
            )
        };
        return Some(Diagnosis {
            cause: Cause::Renamed,
            certain: true,
            message,
            next,
        });
    }
    None
}

/// The key ids name keys that are not held, or of which only the RSA key is held.
pub(super) fn by_key_ids(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    if !case.is_v2() {
        return None;
    }
    let ids = joined(&case.key_ids);
    if let Some(name) = grafted(case, evidence) {
        return Some(Diagnosis {
            cause: Cause::OtherCluster,
            certain: true,
            message: format!(
                "it was sealed with the RSA key of {name}, by its key hint, and a hybrid key that is not its own (key id {ids}): whoever \
                 made that certificate can read it"
            ),
            next: format!(
                "change the values, and seal the new ones with the cluster's certificate: kubeseal --fetch-cert{} -w cert.pem, then \
                 kubeseal edit --cert cert.pem {file}",
                evidence.flags
            ),
        });
    }
    match &evidence.keys {
        Some(keys) => by_keys_of_cluster(case, evidence, keys, &ids, file),
        None => by_keys_at_hand(case, evidence, &ids, file),
    }
}

/// What the key Secrets of the cluster say of the ids.
fn by_keys_of_cluster(case: &Case, evidence: &Evidence, keys: &Inventory, ids: &str, file: &str) -> Option<Diagnosis> {
    if let Some(key) = key_of(case, keys) {
        return retired(key, evidence);
    }
    let certified = keys.keys.iter().find(|key| {
        let cert = key.cert.as_ref().and_then(|cert| cert.hybrid.as_ref());
        cert.is_some_and(|(id, _)| case.key_ids.contains(id))
    });
    if let Some((key, Err(why))) = certified.map(|key| (key, &key.hybrid)) {
        return Some(key_gone(
            format!(
                "it was sealed with the hybrid key of {} (key id {ids}), whose Secret holds the RSA key alone: {why}",
                key.name
            ),
            format!(
                "kubeseal keys restore BACKUP brings {} back",
                crds::names::KEY_ITEM_SEED
            ),
        ));
    }
    let held: BTreeSet<_> = keys
        .keys
        .iter()
        .filter_map(|key| key.hybrid.clone().ok().flatten())
        .collect();
    let what = "no key Secret of the cluster holds";
    Some(not_held(case, evidence, (ids, what, &held), file))
}

/// What the keys at hand say of the ids.
fn by_keys_at_hand(case: &Case, evidence: &Evidence, ids: &str, file: &str) -> Option<Diagnosis> {
    if evidence.at_hand.is_empty() || !case.key_ids.is_disjoint(&evidence.ids_at_hand) {
        return None;
    }
    let at_hand = |cert: &&LocalCert| evidence.at_hand.contains(&cert.facts.fingerprint);
    if let Some(cert) = certificate_of(case, evidence).filter(at_hand) {
        return Some(key_gone(
            format!(
                "it was sealed with the hybrid key of {} (key id {ids}), of which the RSA key alone is at hand",
                cert.name
            ),
            format!(
                "give the key Secret with its item {}, not a PEM file: kubeseal doctor --recovery-private-key BACKUP {file}",
                crds::names::KEY_ITEM_SEED
            ),
        ));
    }
    let (what, held) = ("none of the keys at hand is", &evidence.ids_at_hand);
    Some(not_held(case, evidence, (ids, what, held), file))
}

/// The key or certificate that the key hint names alone, and whose hybrid key is none of those in the values. Both halves are made
/// together, so another party's hybrid key was put beside its RSA key.
fn grafted(case: &Case, evidence: &Evidence) -> Option<String> {
    let hinted = case.hinted();
    let is_it = |facts: &KeyFacts| {
        let own = facts.hybrid.as_ref().map(|(id, _)| id);
        hinted.len() == 1 && hinted.contains(&facts.fingerprint) && own.is_some_and(|own| !case.key_ids.contains(own))
    };
    let keys = evidence.keys.iter().flat_map(|keys| &keys.keys);
    let of_keys = keys.filter_map(|key| Some((&key.name, key.cert.as_ref()?)));
    let of_certs = evidence.local.iter().map(|cert| (&cert.name, &cert.facts));
    let mut all = of_keys.chain(of_certs);
    all.find(|(_, facts)| is_it(facts)).map(|(name, _)| name.clone())
}

/// Compares the certificates that were named with the key ids.
pub(super) fn by_certificate(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    let id = |cert: &LocalCert| cert.facts.hybrid.as_ref().map(|(id, _)| *id);
    if evidence
        .local
        .iter()
        .filter_map(id)
        .any(|id| case.key_ids.contains(&id))
    {
        return None;
    }
    let certs = evidence.local.iter().map(|cert| match id(cert) {
        Some(id) => format!("{} has key id {id}", cert.name),
        None => format!("{} has no hybrid key", cert.name),
    });
    let certs = certs.collect::<Vec<_>>().join(", ");
    let message = format!("it was sealed with key id {}, and {certs}", joined(&case.key_ids));
    Some(Diagnosis {
        certain: false,
        next: format!(
            "a key of before or after a renewal opens all the same, another cluster's does not: then seal {file} again with kubeseal \
             --cert FILE"
        ),
        ..other_cluster(message, evidence, file)
    })
}

/// It was sealed with keys that are not held.
fn not_held(
    case: &Case,
    evidence: &Evidence,
    (ids, what, held): (&str, &str, &BTreeSet<KeyId>),
    file: &str,
) -> Diagnosis {
    let foreign = certificate_of(case, evidence);
    let held = match held.is_empty() {
        true => "none that is held opens format v2; a PEM file never does".to_owned(),
        false => format!("held: {}", joined(held)),
    };
    let message = format!("{what} key id {ids}, which it was sealed with ({held})");
    match foreign {
        Some(cert) => other_cluster(format!("{message}: it is that of {}", cert.name), evidence, file),
        None => key_gone(
            message,
            format!(
                "kubeseal keys restore BACKUP, with a backup that holds it (its item {} too); if it is another cluster's: kubeseal \
                 --fetch-cert{} -w cert.pem, and seal again",
                crds::names::KEY_ITEM_SEED,
                evidence.flags
            ),
        ),
    }
}

/// The certificate that was named whose hybrid key has one of the ids.
fn certificate_of<'e>(case: &Case, evidence: &'e Evidence) -> Option<&'e LocalCert> {
    evidence.local.iter().find(|cert| {
        let id = cert.facts.hybrid.as_ref().map(|(id, _)| id);
        id.is_some_and(|id| case.key_ids.contains(id))
    })
}

/// The key of the cluster that has one of the ids, and opens format v2.
fn key_of<'k>(case: &Case, keys: &'k Inventory) -> Option<&'k Key> {
    let has = |key: &&Key| matches!(&key.hybrid, Ok(Some(id)) if case.key_ids.contains(id));
    keys.keys.iter().find(has)
}

/// A held key has the id and does not open the value, so the binding or the text is the cause.
pub(super) fn not_bound(case: &Case, evidence: &Evidence, count: Tried, file: &str) -> Option<Diagnosis> {
    let is_listed = || evidence.keys.as_ref().is_some_and(|keys| key_of(case, keys).is_some());
    let is_served = || {
        let served = evidence.served.as_ref().and_then(|served| served.hybrid.as_ref());
        served.is_some_and(|(id, _)| case.key_ids.contains(id))
    };
    let not_bound = case.not_bound || case.is_v2() && (is_listed() || is_served());
    not_bound.then(|| Diagnosis {
        cause: Cause::Unknown,
        certain: false,
        message: format!(
            "{}: a key that is held has the id in the value, and opens it under none of the names, namespaces, scopes and items that \
             were tried{}: it is bound to others, or its text is damaged",
            case.failing.join(", "),
            count.not_tried()
        ),
        next: again(file),
    })
}

fn joined(ids: &BTreeSet<KeyId>) -> String {
    ids.iter().map(KeyId::to_string).collect::<Vec<_>>().join(", ")
}
