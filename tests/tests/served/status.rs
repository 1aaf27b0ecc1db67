//! Conditions, events and metrics of a SealedSecret: correct, and not repeated.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::namespace::TempNamespace;
use serde_json::{Value, json};

use crate::fixture::{Lab, condition_of};

fn types(sealed: &Value) -> Vec<String> {
    let conditions = sealed["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions
        .iter()
        .filter_map(|condition| Some(condition["type"].as_str()?.to_owned()))
        .collect()
}

/// Waits until these are all events about the SealedSecret `one`.
fn await_events(lab: &Lab, namespace: &str, expected: &[&str]) -> Result<()> {
    lab.cluster.eventually(Duration::from_secs(10), "event", || {
        let events = lab.events(namespace, "one")?;
        ensure!(events == expected, "{events:?}");
        Ok(())
    })
}

#[test]
fn from_failure_to_success_each_thing_is_said_once() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let mut wrong = lab.seal(space.name(), "other", &json!({"a": "1"}), "strict")?;
    wrong["metadata"]["name"] = json!("one");
    wrong["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "shop"});
    lab.cluster.apply(&wrong.to_string())?;
    let sealed = lab.await_condition(space.name(), "one", "Stalled", "True")?;
    ensure!(types(&sealed) == ["Synced", "Ready", "Stalled"], "{}", sealed["status"]);
    let synced = condition_of(&sealed, "Synced");
    let tried = format!("tried for name \"one\" in namespace \"{}\" (strict)", space.name());
    let said = format!("no key could decrypt secret (a); {tried}");
    ensure!(
        synced["message"] == said && synced["reason"] == "UnsealFailed",
        "{synced}"
    );
    ensure!(synced["lastTransitionTime"] == synced["lastUpdateTime"], "{synced}");
    let failed = format!("Warning ErrUnsealFailed: Failed to unseal: {said} x1");
    await_events(lab, space.name(), &[&failed])?;
    let series = |condition: &str| {
        let labels = format!("condition=\"{condition}\",name=\"one\",namespace=\"{}\"", space.name());
        format!("sealed_secrets_controller_condition_info{{{labels},ss_app_kubernetes_io_instance=\"shop\"}}")
    };
    lab.await_metric(&series("Synced"), -1.0)?;
    lab.await_metric(&series("Stalled"), 1.0)?;
    let errors = format!(
        "sealed_secrets_controller_unseal_errors_total{{namespace=\"{}\",reason=\"unseal\"}}",
        space.name()
    );
    lab.await_metric(&errors, 1.0)?;

    let mut right = lab.seal(space.name(), "one", &json!({"a": "1"}), "strict")?;
    right["metadata"]["labels"] = wrong["metadata"]["labels"].clone();
    lab.cluster.apply(&right.to_string())?;
    let sealed = lab.await_condition(space.name(), "one", "Synced", "True")?;
    ensure!(types(&sealed) == ["Synced", "Ready"], "{}", sealed["status"]);
    ensure!(
        condition_of(&sealed, "Synced")["message"].is_null(),
        "{}",
        sealed["status"]
    );
    lab.cluster.kubectl_ok(&[
        "wait",
        "--for=condition=Ready",
        "--timeout=10s",
        "sealedsecret/one",
        "-n",
        space.name(),
    ])?;
    let unsealed = "Normal Unsealed: SealedSecret unsealed successfully x1";
    await_events(lab, space.name(), &[&failed, unsealed])?;
    lab.await_metric(&series("Synced"), 1.0)?;
    lab.await_metric(&series("Stalled"), 0.0)
}

#[test]
fn an_event_that_repeats_is_counted_up() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    for round in ["1", "2", "3"] {
        lab.unseal(space.name(), "one", &json!({"a": round}))?;
    }
    lab.cluster.eventually(Duration::from_secs(10), "count", || {
        let events = lab.events(space.name(), "one")?;
        ensure!(
            events == ["Normal Unsealed: SealedSecret unsealed successfully x3"],
            "{events:?}"
        );
        Ok(())
    })
}

#[test]
fn nothing_is_written_when_nothing_changed() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    lab.unseal(space.name(), "one", &json!({"a": "1"}))?;
    let passes = "sealed_secrets_controller_unseal_requests_total";
    let state = || -> Result<Value> {
        let secret = lab.cluster.get_json(&["secret", "one", "-n", space.name()])?;
        Ok(json!([
            secret["metadata"]["resourceVersion"],
            lab.sealed(space.name(), "one")?["status"],
            lab.events(space.name(), "one")?
        ]))
    };
    lab.cluster.eventually(Duration::from_secs(10), "event", || {
        ensure!(lab.events(space.name(), "one")?.len() == 1);
        Ok(())
    })?;
    let before = state()?;
    // A label is of no concern; nor is an annotation.
    lab.cluster
        .kubectl_ok(&["label", "sealedsecret", "one", "-n", space.name(), "some=label"])?;
    lab.cluster
        .kubectl_ok(&["annotate", "sealedsecret", "one", "-n", space.name(), "some=annotation"])?;
    lab.throughout(Duration::from_secs(3), || {
        let now = state()?;
        ensure!(now == before, "before {before}, now {now}");
        Ok(())
    })?;
    ensure!(lab.metric(passes)? > 0.0, "passes are counted");
    Ok(())
}

#[test]
fn without_statuses_secrets_are_made_all_the_same() -> Result<()> {
    let mut lab = Lab::start(&["--update-status=false"])?;
    let items = json!({"a": "1"});
    lab.cluster
        .apply(&lab.seal("default", "one", &items, "strict")?.to_string())?;
    lab.await_items("default", "one", &items)?;
    let said = ["Normal Unsealed: SealedSecret unsealed successfully x1"];
    lab.cluster.eventually(Duration::from_secs(10), "event", || {
        let events = lab.events("default", "one")?;
        ensure!(events == said, "{events:?}");
        Ok(())
    })?;
    let version = lab.cluster.get_json(&["secret", "one"])?["metadata"]["resourceVersion"].clone();
    lab.restart(&["--update-status=false"])?;
    lab.unseal_marker("two")?;
    ensure!(lab.events("default", "one")? == said, "a restart is no news");
    ensure!(lab.cluster.get_json(&["secret", "one"])?["metadata"]["resourceVersion"] == version);
    ensure!(lab.sealed("default", "one")?["status"].is_null());
    Ok(())
}

/// The status and the event name the newer version, and the Secret that is there stays.
#[test]
fn newer_format_is_named() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let items = json!({"a": "1"});
    let mut sealed = lab.seal(space.name(), "one", &items, "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items(space.name(), "one", &items)?;
    let old = sealed["spec"]["encryptedData"]["a"].as_str().unwrap_or_default();
    // 00 00 03: version 3.
    sealed["spec"]["encryptedData"]["a"] = json!(format!("AAAD{}", &old[4..]));
    lab.cluster.apply(&sealed.to_string())?;
    let said = "sealed in a newer format (version 3): update kubeseal and the controller (a)";
    let stalled = lab.await_condition(space.name(), "one", "Stalled", "True")?;
    ensure!(
        condition_of(&stalled, "Synced")["message"] == said,
        "{}",
        stalled["status"]
    );
    let event = format!("Warning ErrUnsealFailed: Failed to unseal: {said} x1");
    lab.cluster.eventually(Duration::from_secs(10), "event", || {
        let events = lab.events(space.name(), "one")?;
        ensure!(events.contains(&event), "{events:?}");
        Ok(())
    })?;
    lab.await_items(space.name(), "one", &items)
}

impl Lab {
    /// Recreates a Secret: when it is there, the controller has worked through what it found at its start.
    fn unseal_marker(&self, name: &str) -> Result<()> {
        let items = json!({"marker": name});
        self.cluster
            .apply(&self.seal("default", name, &items, "strict")?.to_string())?;
        self.await_items("default", name, &items)
    }
}
