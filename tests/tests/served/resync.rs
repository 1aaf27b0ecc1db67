//! The resync, and the annotation that forces it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON};

const FLAGS: [&str; 2] = ["--key-size=2048", "--resync-period=3s"];
const OPERATIONS: &str = "sealed_secrets_controller_private_key_operations_total";

fn version(lab: &Lab, kind: &str, name: &str) -> Result<Value> {
    Ok(lab.cluster.get_json(&[kind, name, "-n", "default"])?["metadata"]["resourceVersion"].clone())
}

#[test]
fn status_set_by_hand_is_put_right_and_nothing_else_is_done() -> Result<()> {
    let lab = Lab::start(&FLAGS)?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    lab.unseal("default", "quiet", &json!({"a": "1"}))?;
    let quiet = || {
        Ok::<_, anyhow::Error>((
            version(&lab, "sealedsecret", "quiet")?,
            version(&lab, "secret", "quiet")?,
        ))
    };
    let before = quiet()?;
    let operations = lab.metric(OPERATIONS)?;
    lab.throughout(Duration::from_secs(10), || {
        ensure!(lab.metric(OPERATIONS)? == operations, "a private key was used");
        ensure!(quiet()? == before, "something was written");
        Ok(())
    })?;

    let conditions = json!([{"type": "Synced", "status": "False", "message": "by hand"}]);
    let patch = json!({"status": {"conditions": conditions}}).to_string();
    let by_hand = [
        "patch",
        "sealedsecret",
        "one",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    lab.cluster.kubectl_ok(&by_hand)?;
    lab.await_condition("default", "one", "Synced", "True")?;
    lab.await_condition("default", "one", "Ready", "True")?;
    Ok(())
}

#[test]
fn force_sync_opens_once_for_each_value() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let force = |lab: &Lab, value: &str| {
        let annotation = format!("sealed-secrets-rs/force-sync={value}");
        lab.cluster
            .kubectl_ok(&["annotate", "--overwrite", "sealedsecret", "one", &annotation])
            .map(drop)
    };
    let before = lab.metric(OPERATIONS)?;
    let secret = version(&lab, "secret", "one")?;
    force(&lab, "1")?;
    lab.await_metric(OPERATIONS, before + 1.0)?;
    force(&lab, "2")?;
    lab.await_metric(OPERATIONS, before + 2.0)?;
    ensure!(version(&lab, "secret", "one")? == secret, "nothing was to be written");

    // It was done: a restart does not do it again.
    lab.restart(&["--key-size=2048"])?;
    lab.unseal("default", "after", &json!({"a": "1"}))?;
    ensure!(lab.metric(OPERATIONS)? == 1.0, "{}", lab.metric(OPERATIONS)?);
    Ok(())
}

#[test]
fn secret_that_terminates_behind_a_finalizer() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    lab.patch_secret(
        "default",
        "one",
        &json!({"metadata": {"finalizers": ["example.com/hold"]}}),
    )?;
    lab.cluster.kubectl_ok(&["delete", "secret", "one", "--wait=false"])?;
    let sealed = lab.await_condition("default", "one", "Synced", "False")?;
    ensure!(
        sealed["status"].to_string().contains("check its finalizers"),
        "{}",
        sealed["status"]
    );
    lab.patch_secret("default", "one", &json!({"metadata": {"finalizers": null}}))?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    lab.await_condition("default", "one", "Synced", "True")?;
    Ok(())
}

#[test]
fn secret_that_lost_its_owner() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    lab.patch_secret("default", "one", &json!({"metadata": {"ownerReferences": null}}))?;
    lab.cluster.eventually(SOON, "the owner again", || {
        let secret = lab.cluster.get_json(&["secret", "one"])?;
        ensure!(secret["metadata"]["ownerReferences"][0]["kind"] == "SealedSecret");
        Ok(())
    })?;
    lab.await_condition("default", "one", "Synced", "True")?;
    Ok(())
}

#[test]
fn made_anew_fifteen_times_in_a_row() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let sealed = lab.seal("default", "one", &json!({"a": "1"}), "strict")?.to_string();
    for _ in 0..15 {
        lab.cluster.apply(&sealed)?;
        lab.await_condition("default", "one", "Synced", "True")?;
        lab.cluster.kubectl_ok(&["delete", "sealedsecret", "one"])?;
    }
    lab.cluster.apply(&sealed)?;
    lab.await_condition("default", "one", "Synced", "True")?;
    let events = lab.events("default", "one")?;
    ensure!(!events.iter().any(|event| event.starts_with("Warning")), "{events:#?}");
    events.first().context("events")?;
    Ok(())
}
