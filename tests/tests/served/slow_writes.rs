//! An API server that takes seconds for each write: the work goes on, and one replica at a time does it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::process::Process;
use serde_json::json;

use crate::admission::Webhook;
use crate::fixture::{Lab, SOON, get_at, leads};

const WRITES: &[&str] = &[
    "coordination.k8s.io/leases",
    "/secrets",
    "/configmaps",
    "bitnami.com/sealedsecrets/status",
];

fn certificate(cluster: &Cluster, at_most: Duration) -> Result<String> {
    cluster.eventually(at_most, "certificate", || {
        let (code, certificate) = get_at(cluster, 8080, "/v1/cert.pem")?;
        ensure!(code == 200, "{code}");
        Ok(certificate)
    })
}

/// Applies a SealedSecret and waits for its Secret; gives how long that took.
fn await_value(cluster: &Cluster, certificate: &str, value: usize, at_most: Duration) -> Result<Duration> {
    let items = json!({"a": value.to_string()});
    cluster.apply(&Lab::seal_with(certificate, "default", "one", &items, "strict")?.to_string())?;
    let start = Instant::now();
    Lab::await_items_in(cluster, "default", "one", &items, at_most)?;
    Ok(start.elapsed())
}

#[test]
fn a_single_replica_goes_on() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let webhook = Webhook::start(&cluster, WRITES)?;
    webhook.order(&json!({"seconds": 4}))?;
    let _replica = cluster.spawn_replica(0, &["--key-size=2048"])?;
    // The Lease, the key and the Secret, 4 s each, and one failed attempt at the Lease.
    let certificate = certificate(&cluster, Duration::from_secs(40))?;
    for value in 1..=3usize {
        let took = await_value(&cluster, &certificate, value, Duration::from_secs(20))?;
        eprintln!("served after {took:?}");
        ensure!(took < Duration::from_secs(12), "it took {took:?}");
        // An edit before that would make the status a conflict, at twice the time.
        cluster.eventually(SOON, "status", || {
            let status = cluster.get_json(&["sealedsecret", "one"])?["status"].clone();
            ensure!(status["observedGeneration"] == value, "{status}");
            Ok(())
        })?;
    }
    ensure!(leads(&cluster, 0)?, "it does not lead");
    let lease = cluster.get_json(&["lease", CONTROLLER, "-n", NAMESPACE])?;
    ensure!(lease["spec"]["leaseTransitions"] == 0, "{lease}");
    Ok(())
}

#[test]
fn two_replicas_never_lead_together_and_one_always_does_in_the_end() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let webhook = Webhook::start(&cluster, WRITES)?;
    let _first = cluster.spawn_replica(0, &["--key-size=2048"])?;
    let _second = cluster.spawn_replica(1, &["--key-size=2048"])?;
    let certificate = certificate(&cluster, SOON)?;
    for (value, seconds) in [4, 0, 9, 1].into_iter().enumerate() {
        webhook.order(&json!({"seconds": seconds}))?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            // Both are asked for the leader at nearly the same moment.
            ensure!(
                !(leads(&cluster, 0)? && leads(&cluster, 1)?),
                "both lead at {seconds} s a write"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        let took = await_value(&cluster, &certificate, value + 1, Duration::from_secs(60))?;
        eprintln!("at {seconds} s a write it was served after {took:?}");
    }
    Ok(())
}

/// Two live processes under one Pod's name, and with no more than that to tell who they are.
#[test]
fn two_replicas_of_one_pod_name_do_not_both_lead() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let start = |number: u16, uid: Option<&str>| -> Result<Process> {
        let program = Implementation::Ours.programs()?.controller;
        let launch = cluster
            .launch_as_pod(&format!("twin-{number}"), program, (NAMESPACE, CONTROLLER))?
            .env("POD_NAME", CONTROLLER)
            .env("POD_UID", uid.unwrap_or_default())
            .arg("--key-size=2048")
            .arg(format!("--listen-addr=:{}", 8080 + 10 * number))
            .arg(format!("--listen-metrics-addr=:{}", 8081 + 10 * number));
        launch.spawn()
    };
    for uids in [[None, None], [Some("u1"), Some("u2")]] {
        let twins = [start(0, uids[0])?, start(1, uids[1])?];
        cluster.eventually(SOON, "one that leads", || {
            ensure!(leads(&cluster, 0)? != leads(&cluster, 1)?, "none or both");
            Ok(())
        })?;
        let lease = || cluster.get_json(&["lease", CONTROLLER, "-n", NAMESPACE]);
        let holder = lease()?["spec"]["holderIdentity"].clone();
        harness::eventually::throughout(Duration::from_secs(8), || {
            ensure!(!(leads(&cluster, 0)? && leads(&cluster, 1)?), "both lead");
            ensure!(
                lease()?["spec"]["holderIdentity"] == holder,
                "it went from one to the other"
            );
            Ok(())
        })?;
        for twin in twins {
            twin.terminate(SOON)?;
        }
    }
    Ok(())
}
