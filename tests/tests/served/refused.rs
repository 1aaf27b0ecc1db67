//! Requests that the API server refuses, and the retries.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::admission::Webhook;
use crate::fixture::{Lab, SOON, condition_of};

#[test]
fn an_item_name_that_the_api_server_refuses_is_stalled_with_the_rule() -> Result<()> {
    let lab = Lab::shared()?;
    let namespace = harness::namespace::TempNamespace::create(&lab.cluster)?;
    let mut sealed = lab.seal(namespace.name(), "one", &json!({"a": "hunter2"}), "strict")?;
    let value = sealed["spec"]["encryptedData"]["a"].clone();
    sealed["spec"]["encryptedData"] = json!({"not a name": value});
    lab.cluster.apply(&sealed.to_string())?;
    let sealed = lab.await_condition(namespace.name(), "one", "Stalled", "True")?;
    let synced = condition_of(&sealed, "Synced");
    let message = synced["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains("data[not a name]") && message.contains("must consist of alphanumeric characters"),
        "{synced}"
    );
    ensure!(
        synced["reason"] == "SecretInvalid" && !message.contains("hunter2"),
        "{synced}"
    );
    Ok(())
}

#[test]
fn a_stale_end_of_a_namespace_costs_seconds_and_is_said_in_the_end() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let webhook = Webhook::start(&lab.cluster, &["/secrets"])?;
    let ends = json!({"status": {
        "status": "Failure", "code": 403, "reason": "Forbidden", "message": "namespace default is being terminated",
        "details": {"causes": [{"reason": "NamespaceTerminating", "message": "it ends", "field": "metadata.namespace"}]},
    }});
    webhook.order(&ends)?;
    let sealed = lab.seal("default", "one", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.cluster.eventually(SOON, "first try", || {
        ensure!(webhook.asked()? > 0);
        Ok(())
    })?;
    webhook.order(&json!({}))?;
    let start = Instant::now();
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    eprintln!("served after {:?}", start.elapsed());
    let events = lab.events("default", "one")?;
    ensure!(!events.iter().any(|event| event.starts_with("Warning")), "{events:?}");
    // A lasting failure is reported.
    webhook.order(&ends)?;
    let sealed = lab.seal("default", "two", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    let sealed = lab.await_condition("default", "two", "Synced", "False")?;
    let reason = condition_of(&sealed, "Synced")["reason"].clone();
    ensure!(reason == "NamespaceTerminating", "{reason}");
    Ok(())
}

#[test]
fn retry_after_is_honoured() -> Result<()> {
    const SECONDS: u64 = 6;
    let lab = Lab::start(&["--key-size=2048"])?;
    let webhook = Webhook::start(&lab.cluster, &["/secrets"])?;
    webhook.order(&json!({"status": {
        "status": "Failure", "code": 429, "reason": "TooManyRequests", "message": "not now",
        "details": {"retryAfterSeconds": SECONDS},
    }}))?;
    lab.cluster
        .apply(&lab.seal("default", "one", &json!({"a": "1"}), "strict")?.to_string())?;
    lab.cluster.eventually(SOON, "first try", || {
        ensure!(webhook.asked()? == 1, "asked {} times", webhook.asked()?);
        Ok(())
    })?;
    lab.throughout(Duration::from_secs(SECONDS - 2), || {
        ensure!(webhook.asked()? == 1, "asked {} times", webhook.asked()?);
        Ok(())
    })?;
    webhook.order(&json!({}))?;
    lab.await_items("default", "one", &json!({"a": "1"}))
}

#[test]
fn a_status_that_a_policy_refuses_is_logged_with_the_reason() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let webhook = Webhook::start(&lab.cluster, &["bitnami.com/sealedsecrets/status"])?;
    webhook.order(&json!({"status": {
        "status": "Failure", "code": 403, "reason": "Forbidden", "message": "no status here, says the policy",
    }}))?;
    lab.cluster
        .apply(&lab.seal("default", "one", &json!({"a": "1"}), "strict")?.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    lab.await_log(&[
        "level=WARN",
        "the status cannot be written",
        "default/one",
        "no status here, says the policy",
    ])?;
    webhook.order(&json!({}))?;
    lab.await_condition("default", "one", "Synced", "True")?;
    let log = lab.controller.log()?;
    let said = log.matches("the status cannot be written").count();
    ensure!(said == 1, "said {said} times");
    Ok(())
}
