//! What the controller does with fewer rights than it would like.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::NAMESPACE;
use harness::sealing_keys::SealingKey;
use serde_json::Value;

use crate::laboratory::{FOLLOW, Laboratory, secret};

#[test]
fn without_watching_secrets_and_posting_events_it_serves_and_says_so_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let lab = Laboratory::start(|cluster| {
        take_away(cluster, &["clusterrole", "secrets-unsealer"], "secrets", "watch")?;
        take_away(cluster, &["clusterrole", "secrets-unsealer"], "events", "create")?;
        take_away(
            cluster,
            &["role", "sealed-secrets-key-admin", "-n", NAMESPACE],
            "secrets",
            "watch",
        )
    })?;
    let served = secret("served");
    lab.apply_sealed(&served, None)?;
    lab.await_secret(&served, FOLLOW)?;
    // A key that appears is found by asking from time to time.
    lab.cluster.apply(&key.secret()?.to_string())?;
    let of_the_new_key = secret("of-the-new-key");
    lab.apply_sealed(&of_the_new_key, Some(&key))?;
    lab.await_secret(&of_the_new_key, FOLLOW)?;

    let warnings = lab.cluster.eventually(Duration::from_secs(30), "warnings", || {
        let warnings = warnings(&lab.controller.log()?);
        for what in ["key Secrets cannot be watched", "events cannot be posted"] {
            ensure!(
                warnings.keys().any(|said| said.contains(what)),
                "nobody said {what:?}: {warnings:#?}"
            );
        }
        Ok(warnings)
    })?;
    let repeated: Vec<_> = warnings.iter().filter(|(_, times)| **times > 1).collect();
    ensure!(repeated.is_empty(), "said more than once: {repeated:#?}");
    Ok(())
}

/// The warnings of a log without their times, with how often each was given.
fn warnings(log: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for (_, said) in log.lines().filter_map(|line| line.split_once("level=WARN")) {
        *times.entry(said.to_owned()).or_default() += 1;
    }
    times
}

/// Takes one verb on one resource out of a role.
fn take_away(cluster: &Cluster, role: &[&str], resource: &str, verb: &str) -> Result<()> {
    let mut found = cluster.get_json(role)?;
    let mut taken = false;
    for rule in found["rules"].as_array_mut().context("a role has rules")? {
        if rule["resources"]
            .as_array()
            .is_some_and(|resources| resources.iter().any(|one| one == resource))
        {
            let verbs = rule["verbs"].as_array_mut().context("a rule has verbs")?;
            let before = verbs.len();
            verbs.retain(|one| one != verb);
            taken |= verbs.len() < before;
        }
    }
    ensure!(taken, "{role:?} did not allow {verb} on {resource}");
    found["metadata"]
        .as_object_mut()
        .map(|metadata| metadata.remove("managedFields"));
    found["metadata"]
        .as_object_mut()
        .map(|metadata| metadata.remove("resourceVersion"));
    let replaced: Value = found;
    cluster.apply(&replaced.to_string())?;
    Ok(())
}
