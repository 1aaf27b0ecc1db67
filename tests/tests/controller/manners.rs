//! What the controller asks for, and what it says.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Request;
use harness::samples;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::laboratory::{FOLLOW, Laboratory, sealed_with, secret};

#[test]
fn a_restart_changes_nothing_and_no_request_is_refused() -> Result<()> {
    let lab = Laboratory::start(|_| Ok(()))?;
    for number in 0..10 {
        let mut one = secret(&format!("served-{number}"));
        if number % 2 == 0 {
            // What the API server adds by itself must not look like a difference.
            one.as_object_mut().map(|fields| fields.remove("type"));
        }
        lab.apply_sealed(&one, None)?;
        lab.await_secret(&one, FOLLOW)?;
        lab.cluster.kubectl_ok(&[
            "wait",
            "--for=condition=Synced",
            "--timeout=30s",
            "sealedsecret",
            &name_of(&one)?,
        ])?;
    }
    let lab = lab.restart()?;
    let before = lab.cluster.controller_requests()?.len();
    // Once this one is there, the controller has worked through what it found at its start.
    let last = secret("last");
    lab.apply_sealed(&last, None)?;
    lab.await_secret(&last, FOLLOW)?;
    lab.cluster.kubectl_ok(&[
        "wait",
        "--for=condition=Synced",
        "--timeout=30s",
        "sealedsecret",
        "last",
    ])?;

    let requests = lab.cluster.controller_requests()?;
    let refused: Vec<&Request> = requests.iter().filter(|request| request.code == 403).collect();
    ensure!(refused.is_empty(), "refused: {refused:#?}");
    let since = requests.get(before..).unwrap_or_default();
    let needless: Vec<&Request> = since
        .iter()
        .filter(|request| request.writes() && request.resource != "events" && !request.object.ends_with("/last"))
        // The creation of an object does not name it in the URL.
        .filter(|request| !(request.verb == "create" && request.object == "default"))
        .collect();
    ensure!(needless.is_empty(), "written without need: {needless:#?}");
    let created = since
        .iter()
        .filter(|request| request.verb == "create" && request.resource == "secrets")
        .count();
    ensure!(
        created == 1,
        "{created} Secrets were created for one SealedSecret: {since:#?}"
    );
    Ok(())
}

#[test]
fn no_value_is_in_a_log_an_event_or_a_status() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let foreign = SealingKey::generate(folder.path(), 2048)?;
    let lab = Laboratory::start(|_| Ok(()))?;
    let good = samples::secret("default", "good");
    lab.apply_sealed(&good, None)?;
    lab.await_secret(&good, FOLLOW)?;
    lab.apply_sealed(&samples::secret("default", "of-another-key"), Some(&foreign))?;
    lab.await_failure("of-another-key")?;
    let mut damaged = sealed_with(&foreign, &samples::secret("default", "damaged"))?;
    damaged["spec"]["encryptedData"]["keyfile"] = json!("AgBnot base64");
    lab.cluster.apply(&damaged.to_string())?;
    lab.await_failure("damaged")?;

    let mut said = vec![("log", lab.controller.log()?)];
    said.push((
        "events",
        lab.cluster.eventually(Duration::from_secs(30), "events", || {
            let events = lab.cluster.get_json(&["events"])?;
            let count = events["items"].as_array().map_or(0, Vec::len);
            ensure!(count >= 3, "{count} events");
            Ok(events.to_string())
        })?,
    ));
    let statuses = lab.cluster.get_json(&["sealedsecrets"])?;
    let statuses: Vec<&Value> = statuses["items"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|one| &one["status"])
        .collect();
    said.push(("statuses", json!(statuses).to_string()));
    said.push(("metrics", metrics(&lab)?));
    for (place, text) in &said {
        ensure!(text.len() > 100, "the {place} are too short to mean anything: {text}");
        for (key, value) in samples::items() {
            // Shorter ones appear in any text by chance.
            let clear = String::from_utf8_lossy(&value);
            let shown = value.len() >= 8 && (text.contains(&*clear) || text.contains(&STANDARD.encode(&value)));
            ensure!(!shown, "the value of {key} is in the {place}");
        }
        ensure!(!text.contains("PRIVATE KEY"), "a private key is in the {place}");
        let ciphertext = damaged["spec"]["encryptedData"]["non_ascii"]
            .as_str()
            .context("a ciphertext")?;
        ensure!(!text.contains(ciphertext), "a ciphertext is in the {place}");
    }
    Ok(())
}

/// The metrics, which are on a port that no Service of the proxy's leads to.
fn metrics(lab: &Laboratory) -> Result<String> {
    use harness::implementation::NAMESPACE;
    lab.cluster
        .publish_service(NAMESPACE, "sealed-secrets-controller-metrics", 8081)?;
    let service = lab
        .cluster
        .get_json(&["service", "sealed-secrets-controller-metrics", "-n", NAMESPACE])?;
    let port = service
        .pointer("/spec/ports/0/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path =
        format!("/api/v1/namespaces/{NAMESPACE}/services/http:sealed-secrets-controller-metrics:{port}/proxy/metrics");
    Ok(lab.cluster.kubectl_ok(&["get", "--raw", &path])?.stdout)
}

fn name_of(object: &Value) -> Result<String> {
    Ok(object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .context("a name")?
        .to_owned())
}
