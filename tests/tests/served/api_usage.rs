//! The controller's requests, by the API server's audit log, and its log lines.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Request;
use harness::samples;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, list};

#[test]
fn each_request_is_needed_and_none_is_refused() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    for number in 0..10 {
        lab.unseal("default", &format!("served-{number}"), &json!({"a": "1"}))?;
    }
    lab.restart(&["--key-size=2048"])?;
    let before = lab.cluster.controller_requests()?.len();
    // Once this one is there, the controller has worked through what it found at its start.
    lab.unseal("default", "last", &json!({"a": "1"}))?;
    let requests = lab.cluster.eventually(SOON, "event", || {
        let requests = lab.cluster.controller_requests()?;
        let since = requests.get(before..).unwrap_or_default();
        ensure!(since.iter().any(|request| request.resource == "events"), "none yet");
        Ok(requests)
    })?;
    let refused: Vec<&Request> = requests.iter().filter(|request| request.code == 403).collect();
    ensure!(refused.is_empty(), "refused: {refused:#?}");
    let since = requests.get(before..).unwrap_or_default();
    let writes: Vec<&str> = since
        .iter()
        // The Lease is renewed all the time.
        .filter(|request| request.writes() && request.resource != "leases")
        .map(|request| request.resource.as_str())
        .collect();
    // One Secret, one status, one event: all of the new object.
    let mut sorted = writes.clone();
    sorted.sort_unstable();
    ensure!(
        sorted == ["events", "sealedsecrets/status", "secrets"],
        "written: {since:#?}"
    );
    Ok(())
}

#[test]
fn no_value_key_or_ciphertext_is_in_a_log_an_event_a_status_or_a_metric() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let foreign = SealingKey::generate(folder.path(), 2048)?;
    let foreign = std::fs::read_to_string(&foreign.certificate)?;
    let lab = Lab::start(&["--key-size=2048"])?;
    let values: Value = samples::items()
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Value::from(String::from_utf8(value).ok()?))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    lab.unseal("default", "good", &values)?;
    let mut damaged = lab.seal_for(&foreign, "default", "damaged", &values, "strict")?;
    damaged["spec"]["encryptedData"]["keyfile"] = json!("AgBnot base64");
    lab.cluster.apply(&damaged.to_string())?;
    lab.await_condition("default", "damaged", "Synced", "False")?;
    lab.cluster.eventually(SOON, "event", || {
        ensure!(!lab.events("default", "damaged")?.is_empty(), "none yet");
        Ok(())
    })?;

    let statuses = lab.cluster.get_json(&["sealedsecrets", "-A"])?;
    let statuses: Vec<&Value> = all(&statuses)?.iter().map(|sealed| &sealed["status"]).collect();
    let key = &lab.cluster.key_secrets()?["items"][0]["data"]["tls.key"];
    let key = key.as_str().context("the private key")?;
    let said = [
        ("log", "damaged", lab.controller.log()?),
        (
            "events",
            "damaged",
            lab.cluster.get_json(&["events", "-A"])?.to_string(),
        ),
        ("statuses", "keyfile", json!(statuses).to_string()),
        (
            "metrics",
            "damaged",
            lab.http("GET", 8081, "/metrics", &json!({}), "")?.body,
        ),
    ];
    for (place, word, text) in &said {
        ensure!(
            text.contains(word),
            "{word} is not in the {place}, so nothing is shown: {text}"
        );
        for (item, value) in values.as_object().context("items")? {
            let value = value.as_str().context("text")?;
            // A shorter one appears in any text by chance.
            let shown = value.len() >= 8 && (text.contains(value) || text.contains(&STANDARD.encode(value)));
            ensure!(!shown, "the value of {item} is in the {place}");
        }
        ensure!(
            !text.contains("PRIVATE KEY") && !text.contains(key),
            "a private key is in the {place}"
        );
        for ciphertext in damaged["spec"]["encryptedData"].as_object().context("items")?.values() {
            let ciphertext = ciphertext.as_str().context("a ciphertext")?;
            ensure!(!text.contains(ciphertext), "a ciphertext is in the {place}");
        }
    }
    Ok(())
}

fn all(list: &Value) -> Result<&Vec<Value>> {
    list["items"].as_array().context("a list has items")
}

/// Each object has lines and an event of its own, and is made and deleted as fast as the API server takes it.
#[test]
fn who_makes_and_deletes_objects_writes_a_bounded_log() -> Result<()> {
    const OBJECTS: usize = 1_400;
    /// At once, and then one a second.
    const LINES: usize = 2_000;
    const EVENTS: usize = 1_000;
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "crowd"])?;
    let object = |number: usize| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": format!("broken-{number}"), "namespace": "crowd"},
            "spec": {"encryptedData": {"a": "AAAA"}},
        })
    };
    let all = list((0..OBJECTS).map(object));
    let start = Instant::now();
    lab.cluster.kubectl_input(&["create", "-f", "-"], &all)?.success()?;
    lab.cluster
        .kubectl_ok(&["delete", "sealedsecrets", "--all", "-n", "crowd", "--wait=false"])?;
    lab.unseal("default", "another", &json!({"a": "1"}))?;
    let log = lab.cluster.eventually(4 * SOON, "what was left out", || {
        // The number of dropped lines is logged at most once a minute, with the next line of any namespace.
        lab.cluster.apply(&object(OBJECTS).to_string())?;
        lab.cluster
            .kubectl_ok(&["delete", "sealedsecrets", "--all", "-n", "crowd"])?;
        let log = lab.controller.log()?;
        let told = log
            .lines()
            .any(|line| line.contains("left_out=") && line.ends_with("namespaces=crowd"));
        ensure!(told, "nothing is told");
        Ok(log)
    })?;
    let lasted = usize::try_from(start.elapsed().as_secs())? + 1;
    let lines = log.lines().filter(|line| line.contains("=crowd/")).count();
    ensure!(
        (EVENTS..=LINES + lasted).contains(&lines),
        "{lines} lines in {lasted} s"
    );
    let events = lab.cluster.get_json(&["events", "-n", "crowd"])?;
    let events = events["items"].as_array().context("a list")?.len();
    ensure!(events <= EVENTS + lasted, "{events} events in {lasted} s");
    ensure!(log.contains("object=default/another"), "the other tenant's is there");
    Ok(())
}
