//! An API server that is not what it should be.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use serde_json::json;

use crate::lab::{Lab, SOON, get, launch};

#[test]
fn without_the_crd_it_waits_and_then_serves() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let crd = "sealedsecrets.bitnami.com";
    let mut saved = cluster.get_json(&["crd", crd])?;
    saved["metadata"] = json!({"name": crd});
    saved.as_object_mut().context("an object")?.remove("status");
    cluster.kubectl_ok(&["delete", "crd", crd])?;

    let controller = launch(&cluster, &["--key-size=2048"])?;
    let lab = Lab { controller, cluster };
    lab.await_log(&[
        "level=WARN",
        "SealedSecrets cannot be watched",
        "CustomResourceDefinition",
    ])?;
    lab.cluster.eventually(SOON, "key", || {
        ensure!(get(&lab.cluster, "/v1/cert.pem")?.0 == 200, "keys need no CRD");
        Ok(())
    })?;
    ensure!(get(&lab.cluster, "/healthz")?.0 == 200);
    let (code, body) = get(&lab.cluster, "/readyz")?;
    ensure!(code == 503 && body == "not ready\n", "{code} {body}");
    lab.throughout(Duration::from_secs(3), || lab.controller.check_running())?;

    lab.cluster.apply(&saved.to_string())?;
    lab.cluster.await_crd(crd)?;
    lab.cluster.eventually(SOON, "readiness", || {
        ensure!(get(&lab.cluster, "/readyz")?.0 == 200);
        Ok(())
    })?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let log = lab.controller.log()?;
    let complaints = log
        .lines()
        .filter(|line| line.contains("SealedSecrets cannot be watched"))
        .count();
    ensure!(complaints == 1, "said {complaints} times:\n{log}");
    Ok(())
}

#[test]
fn an_api_server_that_goes_away_is_survived() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let certificate = lab.certificate()?;
    let sealed = lab.seal("default", "two", &json!({"a": "2"}), "strict")?;
    lab.cluster.stop_apiserver()?;
    lab.throughout(Duration::from_secs(20), || {
        lab.controller.check_running()?;
        let (code, body) = get(&lab.cluster, "/v1/cert.pem")?;
        ensure!(
            code == 200 && body == certificate,
            "the certificate is served all the same"
        );
        Ok(())
    })?;
    ensure!(get(&lab.cluster, "/readyz")?.0 == 200, "what it has, it serves");
    lab.cluster.start_apiserver()?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "two", &json!({"a": "2"}))?;
    lab.cluster.kubectl_ok(&["delete", "secret", "one"])?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    ensure!(
        lab.certificate()? == certificate && lab.key_names()?.len() == 1,
        "no key was made"
    );
    let log = lab.controller.log()?;
    let warnings = log
        .lines()
        .filter(|line| line.contains("level=WARN") || line.contains("level=ERROR"))
        .count();
    ensure!(warnings <= 12, "{warnings} lines about one outage:\n{log}");
    lab.await_log(&["SealedSecrets are watched again"])?;
    Ok(())
}

#[test]
fn a_write_that_is_refused_is_tried_again_for_as_long_as_it_is() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048", "--max-unseal-retries=2"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "full"])?;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "full"},
        "spec": {"hard": {"count/secrets": "0"}},
    });
    lab.cluster.apply(&quota.to_string())?;
    lab.cluster.eventually(SOON, "quota in force", || {
        let probe = lab
            .cluster
            .kubectl(&["create", "secret", "generic", "probe", "-n", "full", "--dry-run=server"])?;
        ensure!(probe.stderr.contains("exceeded quota"), "{probe}");
        Ok(())
    })?;
    lab.cluster
        .apply(&lab.seal("full", "one", &json!({"a": "1"}), "strict")?.to_string())?;
    let sealed = lab.await_condition("full", "one", "Synced", "False")?;
    let status = sealed["status"].to_string();
    ensure!(
        status.contains("exceeded quota") && status.contains("UpdateFailed"),
        "{status}"
    );
    ensure!(!status.contains("Stalled"), "a timer tries again: {status}");
    lab.cluster
        .kubectl_ok(&["delete", "resourcequota", "none", "-n", "full"])?;
    lab.await_items("full", "one", &json!({"a": "1"}))?;
    lab.await_condition("full", "one", "Synced", "True")?;
    let warnings: Vec<_> = lab
        .events("full", "one")?
        .into_iter()
        .filter(|event| event.starts_with("Warning"))
        .collect();
    ensure!(warnings.len() == 1, "said once: {warnings:?}");
    Ok(())
}
