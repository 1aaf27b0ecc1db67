//! The cost of a restart, and the changes that it must not miss.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, fingerprint};

#[test]
fn a_restart_writes_nothing_and_catches_up_with_what_it_missed() -> Result<()> {
    let mut lab = Lab::start(&[])?;
    for name in ["kept", "edited", "deleted", "drifted"] {
        lab.unseal("default", name, &json!({"a": "1"}))?;
    }
    let mut broken = lab.seal("default", "other", &json!({"a": "1"}), "strict")?;
    broken["metadata"]["name"] = json!("broken");
    lab.cluster.apply(&broken.to_string())?;
    lab.await_condition("default", "broken", "Stalled", "True")?;
    let edited = lab.seal("default", "edited", &json!({"a": "2"}), "strict")?;
    let added = lab.seal("default", "added", &json!({"a": "1"}), "strict")?;
    let keys = lab.key_names()?;

    let status = lab.controller.terminate(SOON)?;
    ensure!(status.success(), "SIGTERM ended it with {status}");
    let state = |lab: &Lab| -> Result<Value> {
        let of = |name: &str| -> Result<Value> {
            let sealed = lab.sealed("default", name)?;
            Ok(json!([
                sealed["metadata"]["resourceVersion"],
                lab.events("default", name)?
            ]))
        };
        let secret = lab.cluster.get_json(&["secret", "kept"])?;
        Ok(json!([
            of("kept")?,
            of("broken")?,
            secret["metadata"]["resourceVersion"]
        ]))
    };
    let before = state(&lab)?;
    lab.cluster.apply(&edited.to_string())?;
    lab.cluster.apply(&added.to_string())?;
    lab.cluster.kubectl_ok(&["delete", "secret", "deleted"])?;
    let drift = json!({"stringData": {"a": "wrong"}}).to_string();
    lab.cluster
        .kubectl_ok(&["patch", "secret", "drifted", "--type=merge", "-p", &drift])?;

    lab.controller = lab
        .cluster
        .start_controller(harness::implementation::Implementation::Ours, &[])?;
    lab.await_items("default", "edited", &json!({"a": "2"}))?;
    for name in ["added", "deleted", "drifted"] {
        lab.await_items("default", name, &json!({"a": "1"}))?;
    }
    ensure!(lab.key_names()? == keys, "no key was made");
    let after = state(&lab)?;
    ensure!(after == before, "before {before}, after {after}");
    Ok(())
}

/// Private-key operations of the process that runs now.
const KEY_OPERATIONS: &str = "sealed_secrets_controller_private_key_operations_total";

/// The cost of a restart with these flags: private-key operations, and the requests about these objects.
fn cost_of_a_restart(lab: &mut Lab, marker: &str) -> Result<(f64, Vec<String>)> {
    let before = lab.cluster.controller_requests()?.len();
    lab.restart(&["--key-size=2048"])?;
    // When this one is there, with one item and one key, all that was found at the start has been worked through.
    lab.unseal("default", marker, &json!({"a": "1"}))?;
    let operations = lab.metric(KEY_OPERATIONS)? - 1.0;
    let requests = lab.cluster.controller_requests()?;
    let about = requests.get(before..).unwrap_or_default().iter().filter(|request| {
        let marked = request.object.contains(marker);
        request.object.starts_with("default/") && !marked
    });
    Ok((
        operations,
        about
            .map(|r| format!("{} {} {}", r.verb, r.resource, r.object))
            .collect(),
    ))
}

#[test]
fn what_is_in_sync_needs_neither_key_nor_request_after_a_restart() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    for number in 0..20 {
        lab.unseal("default", &format!("served-{number}"), &json!({"a": "1", "b": "2"}))?;
    }
    let status = lab.sealed("default", "served-0")?["status"].clone();
    let key = fingerprint(&lab.certificate()?)?;
    ensure!(status["openedBy"] == json!([key]), "{status}");
    let (operations, requests) = cost_of_a_restart(&mut lab, "first")?;
    ensure!(
        operations == 0.0 && requests.is_empty(),
        "{operations} operations, {requests:#?}"
    );

    // A change by another client while the controller was down, or a stop between its two writes: the Secret is compared, found
    // equal and remembered. Nothing else is read, opened or written.
    let ended = lab.controller.terminate(SOON)?;
    ensure!(ended.success(), "{ended}");
    lab.cluster.kubectl_ok(&["label", "secret", "served-7", "by=others"])?;
    lab.controller = lab
        .cluster
        .start_controller(harness::implementation::Implementation::Ours, &["--key-size=2048"])?;
    let changed = &lab.cluster.get_json(&["secret", "served-7"])?["metadata"]["resourceVersion"];
    lab.cluster.eventually(SOON, "the new version is remembered", || {
        let status = lab.sealed("default", "served-7")?["status"].clone();
        ensure!(status["written"]["resourceVersion"] == *changed, "{status}");
        Ok(())
    })?;
    let (operations, requests) = cost_of_a_restart(&mut lab, "second")?;
    ensure!(
        operations == 0.0 && requests.is_empty(),
        "{operations} operations, {requests:#?}"
    );
    ensure!(lab.cluster.get_json(&["secret", "served-7"])?["metadata"]["labels"]["by"] == "others");
    Ok(())
}

#[test]
fn without_the_memory_equal_secrets_are_opened_and_not_written() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    // The reference's definition prunes what it does not know.
    lab.cluster
        .install(harness::implementation::Implementation::Reference)?;
    for number in 0..5 {
        lab.unseal("default", &format!("served-{number}"), &json!({"a": "1"}))?;
    }
    let status = lab.sealed("default", "served-0")?["status"].clone();
    ensure!(status["written"].is_null() && status["openedBy"].is_null(), "{status}");
    let versions = |lab: &Lab| -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for number in 0..5 {
            let name = format!("served-{number}");
            let sealed = lab.sealed("default", &name)?["metadata"]["resourceVersion"].clone();
            let secret = lab.cluster.get_json(&["secret", &name])?["metadata"]["resourceVersion"].clone();
            all.push(json!([sealed, secret]));
        }
        Ok(all)
    };
    let before = versions(&lab)?;
    let (operations, requests) = cost_of_a_restart(&mut lab, "first")?;
    ensure!(operations == 5.0, "{operations}");
    let asked = requests
        .iter()
        .filter(|request| !request.starts_with("get secrets "))
        .count();
    ensure!(
        asked <= 1,
        "one status at most, to see whether it is kept: {requests:#?}"
    );
    ensure!(versions(&lab)? == before, "and nothing has changed by it");
    let log = lab.controller.log()?;
    let said = log.matches("does not keep what the status remembers").count();
    ensure!(said == 2, "once by each process, but {said} times");
    Ok(())
}

#[test]
fn an_interrupt_ends_it_as_well() -> Result<()> {
    let lab = Lab::start(&[])?;
    lab.controller.signal("INT")?;
    let status = lab.controller.wait(SOON)?;
    ensure!(status.success(), "{status}");
    Ok(())
}

#[test]
fn templates_over_a_limit_are_not_tried_again_after_a_restart() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    // The reference's definition prunes what ours remembers.
    lab.cluster
        .install(harness::implementation::Implementation::Reference)?;
    let mut endless = lab.seal("default", "endless", &json!({"a": "1"}), "strict")?;
    endless["spec"]["template"]["data"] = json!({"c": "{{ range 1000000 }}{{ end }}"});
    lab.cluster.apply(&endless.to_string())?;
    let reason = |lab: &Lab| -> Result<Value> {
        let sealed = lab.sealed("default", "endless")?;
        Ok(crate::fixture::condition_of(&sealed, "Synced")["reason"].clone())
    };
    lab.await_condition("default", "endless", "Synced", "False")?;
    ensure!(reason(&lab)? == "TemplateOverLimit", "{}", reason(&lab)?);
    let (operations, requests) = cost_of_a_restart(&mut lab, "first")?;
    ensure!(
        operations == 0.0 && requests.is_empty(),
        "{operations} operations, {requests:#?}"
    );
    // After a change it is tried again.
    endless["spec"]["template"]["data"] = json!({"c": "{{ .a }}"});
    lab.cluster.apply(&endless.to_string())?;
    lab.await_items("default", "endless", &json!({"a": "1", "c": "1"}))
}
