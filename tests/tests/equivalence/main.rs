//! The same objects, first under the reference controller, then under ours, in the same cluster: the Secrets are
//! equal, and statuses and events differ only where `docs/parity.md` gives the reason.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::differences::{self, Difference};
use harness::implementation::{Implementation, UNLIMITED};
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

/// The result of one controller for one object: `Secret`, `Synced status`, `events`, … with its text.
type Seen = BTreeMap<String, String>;

#[test]
fn secrets_are_equal_and_every_other_difference_is_documented() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    cluster.apply(&key.secret()?.to_string())?;
    let corpus = corpus::seal(&key)?;
    let reference = serve(&cluster, Implementation::Reference, &corpus)?;
    let ours = serve(&cluster, subject(), &corpus)?;

    let mut found = BTreeSet::new();
    for (object, theirs) in &reference {
        let mine = ours.get(object).context("an object is missing")?;
        for what in theirs.keys().chain(mine.keys()).collect::<BTreeSet<_>>() {
            let text = |seen: &Seen| seen.get(what).cloned().unwrap_or_else(|| "—".to_owned());
            let (reference, ours) = (text(theirs), text(mine));
            if reference != ours {
                ensure!(
                    what != "Secret",
                    "{object}: the reference made\n{reference}\nand ours\n{ours}"
                );
                found.insert(Difference {
                    object: object.clone(),
                    what: what.clone(),
                    reference,
                    ours,
                });
            }
        }
    }
    let documented = differences::documented("tests/tests/equivalence")?;
    let new = differences::rows(found.difference(&documented));
    let stale = differences::rows(documented.difference(&found));
    ensure!(
        new.is_empty() && stale.is_empty(),
        "docs/parity.md does not list:\n{new}\nand lists what is not so:\n{stale}"
    );
    Ok(())
}

/// `EQUIVALENCE_SUBJECT=reference` compares the reference with itself, to judge this test.
fn subject() -> Implementation {
    match std::env::var("EQUIVALENCE_SUBJECT").as_deref() {
        Ok("reference") => Implementation::Reference,
        _ => Implementation::Ours,
    }
}

/// Lets a controller serve the corpus, tells what it made of each object, and takes everything away again.
fn serve(cluster: &Cluster, implementation: Implementation, corpus: &[Value]) -> Result<BTreeMap<String, Seen>> {
    let controller = cluster.start_controller(implementation, UNLIMITED)?;
    cluster.apply(&list(&corpus::existing_secrets()))?;
    cluster.apply(&list(corpus))?;
    let sealed = cluster.eventually(Duration::from_secs(60), "status of each object", || {
        controller.check_running()?;
        let sealed = cluster.get_json(&["sealedsecrets"])?;
        let silent = all(&sealed)?
            .iter()
            .find(|one| !one["status"]["conditions"][0]["status"].is_string());
        ensure!(silent.is_none(), "none of {silent:?}");
        Ok(sealed)
    })?;
    // The events are written beside the status, and maybe after it.
    let events = cluster.eventually(Duration::from_secs(30), "event for each object", || {
        let events = cluster.get_json(&["events"])?;
        let about: BTreeSet<_> = all(&events)?
            .iter()
            .filter_map(|event| event["involvedObject"]["name"].as_str())
            .collect();
        let silent = corpus
            .iter()
            .find(|sealed| !about.iter().any(|name| sealed["metadata"]["name"] == **name));
        ensure!(silent.is_none(), "nothing is said about {silent:?}");
        Ok(events)
    })?;
    let secrets = cluster.get_json(&["secrets"])?;
    let mut seen = BTreeMap::new();
    for one in all(&sealed)? {
        let name = one["metadata"]["name"].as_str().context("a name")?;
        let secret = all(&secrets)?.iter().find(|secret| secret["metadata"]["name"] == name);
        seen.insert(name.to_owned(), look(name, &one["status"], secret, all(&events)?)?);
    }
    ensure!(seen.len() == corpus.len(), "{} objects of {}", seen.len(), corpus.len());
    controller.terminate(Duration::from_secs(30))?;
    for kind in ["sealedsecrets", "secrets", "events"] {
        cluster.kubectl_ok(&["delete", kind, "--all", "-n", "default"])?;
    }
    Ok(seen)
}

/// Several objects as one manifest.
fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

fn look(name: &str, status: &Value, secret: Option<&Value>, events: &[Value]) -> Result<Seen> {
    let mut seen = Seen::new();
    let secret = secret.map_or(Ok("none".to_owned()), |secret| comparable(secret.clone()))?;
    seen.insert("Secret".to_owned(), secret);
    seen.insert(
        "observedGeneration".to_owned(),
        status["observedGeneration"].to_string(),
    );
    for condition in status["conditions"].as_array().into_iter().flatten() {
        let kind = condition["type"].as_str().context("a condition has a type")?;
        for (field, value) in condition.as_object().context("a condition is an object")? {
            if field != "type" && !field.starts_with("last") {
                let text = said_alike(value.as_str().unwrap_or_default(), name);
                seen.insert(format!("{kind} {field}"), text);
            }
        }
    }
    let said: BTreeSet<String> = events
        .iter()
        .filter(|event| event["involvedObject"]["kind"] == "SealedSecret" && event["involvedObject"]["name"] == name)
        .map(|event| {
            let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {}: {}",
                text("type"),
                text("reason"),
                said_alike(&text("message"), name)
            )
        })
        .collect();
    seen.insert("events".to_owned(), said.into_iter().collect::<Vec<_>>().join(" · "));
    Ok(seen)
}

/// A message as it is for every object: its name taken out, and lists of items sorted (the reference tells them in the
/// random order of a Go map).
fn said_alike(message: &str, name: &str) -> String {
    let message = message.replace(&format!("{name:?}"), "\"NAME\"").replace('\n', " ⏎ ");
    let sorted = |part: &str| match part.split_once(')') {
        Some((list, rest)) => {
            let mut items: Vec<_> = list.split(", ").collect();
            items.sort_unstable();
            format!("{}){rest}", items.join(", "))
        }
        None => part.to_owned(),
    };
    let mut parts = message.split('(');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}({}", sorted(part)))
}

/// A Secret without what differs from one creation to the next.
fn comparable(mut secret: Value) -> Result<String> {
    let metadata = secret["metadata"].as_object_mut().context("metadata")?;
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        metadata.remove(field);
    }
    for owner in metadata
        .get_mut("ownerReferences")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        owner["uid"] = json!("");
    }
    Ok(format!("{secret:#}"))
}

fn all(list: &Value) -> Result<&Vec<Value>> {
    list["items"].as_array().context("a list has items")
}
