//! Fields that other clients set on our Secrets stay.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::admission::Webhook;
use crate::fixture::{Lab, condition_of};

#[test]
fn a_second_owner_and_a_finalizer_stay() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    lab.cluster.kubectl_ok(&["create", "configmap", "operators"])?;
    let other = lab.cluster.get_json(&["configmap", "operators"])?;
    let secret = lab.cluster.get_json(&["secret", "one"])?;
    let mut owners = secret["metadata"]["ownerReferences"]
        .as_array()
        .context("owners")?
        .clone();
    // In front of ours: a list is compared in its order.
    owners.insert(
        0,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "operators", "uid": other["metadata"]["uid"]}),
    );
    let metadata = json!({
        "ownerReferences": owners, "finalizers": ["example.com/kept"],
        "labels": {"example.com/added": "1"}, "annotations": {"example.com/added": "1"},
    });
    lab.patch_secret("default", "one", &json!({"metadata": metadata}))?;
    let found =
        |field: &str| -> Result<Value> { Ok(lab.cluster.get_json(&["secret", "one"])?["metadata"][field].clone()) };
    lab.throughout(Duration::from_secs(5), || {
        for field in ["ownerReferences", "finalizers", "labels", "annotations"] {
            ensure!(found(field)? == metadata[field], "{field}: {}", found(field)?);
        }
        Ok(())
    })?;
    // A change of ours takes what is ours along, and nothing else.
    lab.patch_secret("default", "one", &json!({"stringData": {"a": "wrong"}}))?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    ensure!(found("labels")? == metadata["labels"], "{}", found("labels")?);
    // The API server still knows who manages what.
    let secret = lab.cluster.get_json(&["secret", "one", "--show-managed-fields"])?;
    let managers = secret["metadata"]["managedFields"].to_string();
    ensure!(
        managers.contains("kubectl-patch") && managers.contains("f:example.com/added"),
        "{managers}"
    );
    lab.cluster
        .apply(&lab.seal("default", "one", &json!({"a": "2"}), "strict")?.to_string())?;
    lab.await_items("default", "one", &json!({"a": "2"}))?;
    for field in ["ownerReferences", "finalizers"] {
        ensure!(found(field)? == metadata[field], "{field}: {}", found(field)?);
    }
    let sealed = lab.await_condition("default", "one", "Synced", "True")?;
    ensure!(!sealed["status"].to_string().contains("Contested"), "{sealed}");
    lab.patch_secret("default", "one", &json!({"metadata": {"finalizers": null}}))
}

#[test]
fn a_policy_that_overrides_a_label_is_nobodys_fault() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let webhook = Webhook::start(&lab.cluster, &["/secrets"])?;
    webhook.order(&json!({"patch": [{"op": "add", "path": "/metadata/labels/team", "value": "by-policy"}]}))?;
    let mut sealed = lab.seal("default", "one", &json!({"a": "1"}), "strict")?;
    sealed["spec"]["template"]["metadata"]["labels"] = json!({"team": "ours"});
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    lab.await_condition("default", "one", "Synced", "True")?;
    // Another client writes another field, which does not matter.
    for round in 0..12 {
        let note = json!({"metadata": {"annotations": {"example.com/round": round.to_string()}}});
        lab.patch_secret("default", "one", &note)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let sealed = lab.sealed("default", "one")?;
    ensure!(
        condition_of(&sealed, "Synced")["status"] == "True",
        "{}",
        sealed["status"]
    );
    let events = lab.events("default", "one")?;
    ensure!(!events.iter().any(|event| event.starts_with("Warning")), "{events:?}");
    let secret = lab.cluster.get_json(&["secret", "one"])?;
    ensure!(secret["metadata"]["labels"]["team"] == "by-policy", "{secret}");
    let line = lab.await_log(&["admission keeps other values than were asked for", "label team"])?;
    ensure!(!line.contains("by-policy"), "{line}");
    // Our own fields are restored.
    lab.patch_secret("default", "one", &json!({"stringData": {"a": "wrong"}}))?;
    lab.await_items("default", "one", &json!({"a": "1"}))
}
