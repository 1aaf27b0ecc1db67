//! What is not there, or goes away.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::eventually::throughout;

use crate::laboratory::{FOLLOW, Laboratory, secret};

#[test]
fn an_api_server_that_is_away_for_a_minute_is_survived() -> Result<()> {
    let lab = Laboratory::start(|_| Ok(()))?;
    let before = secret("before");
    lab.apply_sealed(&before, None)?;
    lab.await_secret(&before, FOLLOW)?;
    lab.cluster.stop_apiserver()?;
    throughout(Duration::from_secs(60), "running controller", || {
        lab.controller.check_running()
    })?;
    lab.cluster.start_apiserver()?;
    let after = secret("after");
    lab.apply_sealed(&after, None)?;
    lab.await_secret(&after, FOLLOW)?;
    // A Secret deleted now comes back: the watch of Secrets is there again too.
    lab.cluster.kubectl_ok(&["delete", "secret", "before"])?;
    lab.await_secret(&before, FOLLOW)
}

#[test]
fn a_missing_definition_at_the_start_is_waited_for() -> Result<()> {
    let mut definition = String::new();
    let lab = Laboratory::start(|cluster| {
        definition = cluster.get_json(&["crd", "sealedsecrets.bitnami.com"])?.to_string();
        cluster
            .kubectl_ok(&["delete", "crd", "sealedsecrets.bitnami.com"])
            .map(drop)
    })?;
    let readiness = lab.cluster.proxied_get("/readyz");
    ensure!(readiness.is_err(), "ready without the definition of what it serves");
    let log = lab.controller.log()?;
    ensure!(
        log.lines().any(|line| line.contains("level=WARN")),
        "nothing is said about it: {log}"
    );

    let mut definition: serde_json::Value = serde_json::from_str(&definition)?;
    let metadata = serde_json::json!({"name": "sealedsecrets.bitnami.com"});
    definition["metadata"] = metadata;
    definition["status"] = serde_json::Value::Null;
    lab.cluster.apply(&definition.to_string())?;
    lab.cluster.await_crd("sealedsecrets.bitnami.com")?;
    let served = secret("served");
    lab.apply_sealed(&served, None)?;
    lab.await_secret(&served, FOLLOW)?;
    lab.cluster
        .eventually(FOLLOW, "readiness", || lab.cluster.proxied_get("/readyz"))?;
    Ok(())
}
