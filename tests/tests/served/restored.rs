//! etcd restored from an older snapshot, and keys that are gone after a restart.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::run;
use serde_json::json;

use crate::fixture::{Lab, SOON, condition_of};

fn copy(from: &Path, to: &Path) -> Result<()> {
    run(Command::new("cp").arg("-a").args([from, to]))?.success().map(drop)
}

#[test]
fn edits_after_a_restored_snapshot() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "edited", &json!({"a": "1"}))?;
    lab.unseal("default", "untouched", &json!({"a": "1"}))?;
    let snapshot = lab.cluster.state().join("snapshot");
    lab.cluster.with_etcd_stopped(|data| copy(data, &snapshot))?;

    let edited = lab.seal("default", "edited", &json!({"a": "2"}), "strict")?;
    lab.cluster.apply(&edited.to_string())?;
    lab.await_items("default", "edited", &json!({"a": "2"}))?;
    // So that the restored data does not catch up while this test waits.
    for _ in 0..20 {
        let many: Vec<_> = (0..50)
            .map(|number| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}"), "namespace": "default"}}).to_string())
            .collect();
        let many = many.join("\n");
        lab.cluster.apply(&many)?;
        lab.cluster
            .kubectl_input(&["delete", "--wait=false", "-f", "-"], &many)?
            .success()?;
    }

    lab.cluster.with_etcd_stopped(|data| {
        std::fs::remove_dir_all(data)?;
        copy(&snapshot, data)
    })?;
    // An edit of a generation that was seen before, and a new object.
    let edited = lab.seal("default", "edited", &json!({"a": "3"}), "strict")?;
    let added = lab.seal("default", "added", &json!({"a": "4"}), "strict")?;
    lab.cluster.apply(&edited.to_string())?;
    lab.cluster.apply(&added.to_string())?;
    lab.await_items("default", "edited", &json!({"a": "3"}))?;
    lab.await_items("default", "added", &json!({"a": "4"}))?;
    lab.await_condition("default", "edited", "Synced", "True")?;
    lab.await_items("default", "untouched", &json!({"a": "1"}))?;
    Ok(())
}

#[test]
fn keys_deleted_while_it_was_stopped() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let without_key = "sealed_secrets_controller_objects_without_key";
    lab.await_metric(without_key, 0.0)?;
    let key = lab.key_names()?.pop().context("a key")?;
    let kept = lab.cluster.get_json(&["secret", &key, "-n", NAMESPACE])?;
    ensure!(lab.controller.terminate(SOON)?.success());
    lab.key("delete", &key, &[])?;
    lab.controller = lab
        .cluster
        .start_controller(Implementation::Ours, &["--key-size=2048"])?;

    let sealed = lab.await_condition("default", "one", "Synced", "False")?;
    let message = condition_of(&sealed, "Synced")["message"].to_string();
    ensure!(
        message.contains("opened earlier with SHA256:") && message.contains("cannot be made again"),
        "{message}"
    );
    ensure!(lab.items("default", "one")? == json!({"a": "1"}), "the Secret stays");
    lab.cluster.eventually(SOON, "event", || {
        let events = lab.events("default", "one")?;
        ensure!(
            events.iter().any(|event| event.starts_with("Warning ErrUnsealFailed")),
            "{events:?}"
        );
        Ok(())
    })?;
    lab.await_metric(without_key, 1.0)?;

    // The key is restored from a backup.
    let mut restored = kept.clone();
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        restored["metadata"].as_object_mut().context("metadata")?.remove(field);
    }
    lab.cluster.apply(&restored.to_string())?;
    lab.await_condition("default", "one", "Synced", "True")?;
    lab.await_metric(without_key, 0.0)?;
    Ok(())
}
