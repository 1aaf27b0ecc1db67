//! What a restart costs, and what it must not lose.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::lab::{Lab, SOON};

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

#[test]
fn an_interrupt_ends_it_as_well() -> Result<()> {
    let lab = Lab::start(&[])?;
    lab.controller.signal("INT")?;
    let status = lab.controller.wait(SOON)?;
    ensure!(status.success(), "{status}");
    Ok(())
}
