//! Incidents of the API server and of the network.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::process::Process;
use serde_json::{Value, json};

use super::{End, GOAL, Row, Stage, copy};
use crate::admission::{Webhook, silent_in};
use crate::fixture::{Lab, SOON};
use crate::half_open::{RELAY, forget};
use crate::relay::{self, PORT};

pub(super) const ROWS: &[Row] = &[
    ("connections that a NAT forgot: an edit", forgotten),
    ("connections whose peer acknowledges and is silent: an edit", silent),
    ("API writes of 4 s, one replica: a Secret", slow_writes),
    ("etcd restored: an edit with a generation seen before", restored_edit),
    (
        "etcd restored: a new object, while the watch resumes in the future",
        restored_new,
    ),
    ("one stale end of a namespace", stale_end),
    ("429 with Retry-After of 6 s", retry_after),
    ("a status that a policy refuses", refused_status),
    ("a slow webhook in one namespace: a Secret of another", slow_webhook),
    ("the API server killed for 20 s: an edit meanwhile", killed),
];

/// The controller behind a relay.
fn behind_relay(stage: &Stage) -> Result<(Process, Process)> {
    let relay = relay::start(&stage.cluster, RELAY, &[])?;
    let launch = stage.launch()?.env("KUBERNETES_SERVICE_PORT", PORT.to_string());
    let controller = launch.spawn()?;
    stage.certificate()?;
    stage.begin()?;
    Ok((relay, controller))
}

fn forgotten(stage: &Stage) -> Result<End> {
    let _running = behind_relay(stage)?;
    forget(&stage.cluster)?;
    stage.apply("default", "2")?;
    Ok(stage.served("default", "2"))
}

fn silent(stage: &Stage) -> Result<End> {
    let (relay, _controller) = behind_relay(stage)?;
    relay.signal("USR1")?;
    stage.cluster.eventually(SOON, "silence", || {
        ensure!(relay.log()?.contains("silent"));
        Ok(())
    })?;
    stage.apply("default", "2")?;
    Ok(stage.served("default", "2"))
}

fn slow_writes(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    let writes = [
        "coordination.k8s.io/leases",
        "/secrets",
        "/configmaps",
        "bitnami.com/sealedsecrets/status",
    ];
    let webhook = Webhook::start(&stage.cluster, &writes)?;
    webhook.order(&json!({"seconds": 4}))?;
    // The election gets to know it first, where there is one.
    std::thread::sleep(Duration::from_secs(20));
    stage.apply("default", "1")?;
    Ok(stage.served("default", "1"))
}

/// Goes on after etcd was restored from a snapshot that is older than an edit that was served.
fn restore(stage: &Stage) -> Result<Process> {
    let controller = stage.start(&[])?;
    stage.begin()?;
    let certificate = stage.certificate()?;
    let snapshot = stage.cluster.state().join("snapshot");
    stage.cluster.with_etcd_stopped(|data| copy(data, &snapshot))?;
    let sealed = |value: &str| Lab::seal_with(&certificate, "default", "one", &json!({"a": value}), "strict");
    stage
        .cluster
        .eventually(GOAL, "edit", || stage.cluster.apply(&sealed("2")?.to_string()))?;
    stage
        .cluster
        .eventually(GOAL, "edited Secret", || stage.has("default", "2"))?;
    // So that the restored data does not catch up while this waits.
    for _ in 0..10 {
        let many: Vec<String> = (0..100)
            .map(|number| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}"), "namespace": "default"}}).to_string())
            .collect();
        let many = many.join("\n");
        stage.cluster.apply(&many)?;
        let delete = ["delete", "--wait=false", "-f", "-"];
        stage.cluster.kubectl_input(&delete, &many)?.success()?;
    }
    stage.cluster.with_etcd_stopped(|data| {
        std::fs::remove_dir_all(data)?;
        copy(&snapshot, data)
    })?;
    Ok(controller)
}

fn restored_edit(stage: &Stage) -> Result<End> {
    let _controller = restore(stage)?;
    stage.apply("default", "3")?;
    Ok(stage.served("default", "3"))
}

fn restored_new(stage: &Stage) -> Result<End> {
    let _controller = restore(stage)?;
    stage.cluster.kubectl_ok(&["create", "namespace", "new"])?;
    stage.apply("new", "4")?;
    Ok(stage.served("new", "4"))
}

/// Refuses the writes of Secrets until the controller has tried once.
fn refuse_once(stage: &Stage, refusal: &Value) -> Result<Webhook> {
    let webhook = Webhook::start(&stage.cluster, &["/secrets"])?;
    webhook.order(&json!({"status": refusal}))?;
    stage.apply("default", "1")?;
    stage.cluster.eventually(SOON, "first try", || {
        ensure!(webhook.asked()? > 0);
        Ok(())
    })?;
    Ok(webhook)
}

fn stale_end(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    let refusal = json!({
        "status": "Failure", "code": 403, "reason": "Forbidden", "message": "namespace default is being terminated",
        "details": {"causes": [{"reason": "NamespaceTerminating", "message": "it ends", "field": "metadata.namespace"}]},
    });
    let webhook = refuse_once(stage, &refusal)?;
    webhook.order(&json!({}))?;
    Ok(stage.served("default", "1"))
}

fn retry_after(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    let refusal = json!({
        "status": "Failure", "code": 429, "reason": "TooManyRequests", "message": "not now",
        "details": {"retryAfterSeconds": 6},
    });
    let webhook = refuse_once(stage, &refusal)?;
    let start = Instant::now();
    std::thread::sleep(Duration::from_secs(5));
    let asked = webhook.asked()?;
    webhook.order(&json!({}))?;
    let end = stage.served("default", "1");
    let said = format!("asked {asked} times within 5 s, {}", end.says);
    Ok(match end.good {
        Some(_) => End {
            good: Some(start.elapsed()),
            says: said,
        },
        None => End::bad(&said),
    })
}

fn refused_status(stage: &Stage) -> Result<End> {
    let controller = stage.start(&[])?;
    let webhook = Webhook::start(&stage.cluster, &["bitnami.com/sealedsecrets/status"])?;
    let message = "no status here, says the policy";
    webhook.order(&json!({"status": {"status": "Failure", "code": 403, "reason": "Forbidden", "message": message}}))?;
    stage.begin()?;
    Ok(End::of("logged with the reason", || {
        ensure!(controller.log()?.contains(message));
        Ok(())
    }))
}

fn slow_webhook(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    stage.cluster.kubectl_ok(&["create", "namespace", "slow"])?;
    let _silent = silent_in(&stage.cluster, &["slow".to_owned()])?;
    std::thread::sleep(Duration::from_secs(2));
    let one = Lab::seal_with(
        &stage.certificate()?,
        "slow",
        "one",
        &json!({"a": "1"}),
        "namespace-wide",
    )?;
    let held_up = |number: usize| {
        let mut sealed = one.clone();
        sealed["metadata"]["name"] = json!(format!("held-up-{number}"));
        sealed
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": (0..20).map(held_up).collect::<Vec<_>>()});
    stage.cluster.apply(&list.to_string())?;
    stage.apply("default", "1")?;
    Ok(stage.served("default", "1"))
}

fn killed(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    stage.begin()?;
    let sealed = stage.seal("default", "2")?.to_string();
    stage.cluster.stop_apiserver()?;
    std::thread::sleep(Duration::from_secs(20));
    stage.cluster.start_apiserver()?;
    stage.cluster.apply(&sealed)?;
    Ok(stage.served("default", "2"))
}
