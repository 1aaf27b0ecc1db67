//! Two replicas, and a network that holds back the packets of one of them and delivers them later.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::cluster::{Cluster, Request};
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::process::Process;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, get_at, leads};
use crate::relay::{self, PORT};

/// Passes connections on to the API server from an address of its own, by which the audit log tells who asked.
const RELAY: &str = r#"
def accepted(client):
    try:
        join(client, socket.create_connection((host, target), source_address=("127.0.0.5", 0)))
    except OSError:
        client.close()
serve(accepted)
"#;
/// The source address of the replica behind the relay.
const BEHIND: &str = "127.0.0.5";
const FLAGS: &[&str] = &["--key-size=2048", "--max-unseal-retries=2"];

struct Scene {
    replicas: [Process; 2],
    relay: Process,
    sealed: Vec<Value>,
    cluster: Cluster,
}

impl Scene {
    fn open(values: usize) -> Result<Scene> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let relay = relay::start(&cluster, RELAY, &[])?;
        let behind = cluster
            .launch_as_pod(
                "behind",
                Implementation::Ours.programs()?.controller,
                (NAMESPACE, CONTROLLER),
            )?
            .env("KUBERNETES_SERVICE_PORT", PORT.to_string())
            .env("POD_NAME", format!("{CONTROLLER}-0"))
            .env("POD_UID", "behind")
            .args(FLAGS)
            .spawn()?;
        let certificate = cluster.eventually(2 * SOON, "leader behind the relay", || {
            behind.check_running()?;
            let (code, certificate) = get_at(&cluster, 8080, "/v1/cert.pem")?;
            ensure!(code == 200 && leads(&cluster, 0)?);
            Ok(certificate)
        })?;
        let direct = cluster.spawn_replica(1, FLAGS)?;
        cluster.eventually(SOON, "readiness of the other", || {
            ensure!(get_at(&cluster, 8090, "/readyz")?.0 == 200);
            Ok(())
        })?;
        let sealed = (0..values).map(|value| {
            let items = json!({"a": value.to_string()});
            Lab::seal_with(&certificate, "default", "one", &items, "strict")
        });
        Ok(Scene {
            replicas: [behind, direct],
            relay,
            sealed: sealed.collect::<Result<_>>()?,
            cluster,
        })
    }

    fn edit(&self, value: usize) -> Result<()> {
        self.cluster.apply(&self.sealed[value].to_string()).map(drop)
    }

    fn await_value(&self, value: usize, at_most: Duration) -> Result<()> {
        let items = json!({"a": value.to_string()});
        self.cluster.eventually(at_most, "Secret", || {
            self.replicas.iter().try_for_each(Process::check_running)?;
            let found = Lab::items_in(&self.cluster, "default", "one")?;
            ensure!(found == items, "it has {found}");
            Ok(())
        })
    }

    /// Writes of the audit log that took effect, in their order: by the replica behind the relay, or by the other.
    fn writes(&self) -> Result<Vec<(bool, Request)>> {
        let requests = self.cluster.controller_requests()?;
        let took_effect = requests
            .into_iter()
            .filter(|request| request.writes() && request.code < 300);
        Ok(took_effect.map(|request| (request.source == BEHIND, request)).collect())
    }
}

#[test]
fn what_was_swallowed_and_comes_late_is_written_by_nobody() -> Result<()> {
    const VALUES: usize = 12;
    let scene = Scene::open(VALUES)?;
    for value in 0..4 {
        scene.edit(value)?;
    }
    // In the middle of its work.
    scene.relay.signal("STOP")?;
    let start = Instant::now();
    scene.edit(4)?;
    scene.await_value(4, Duration::from_secs(60))?;
    eprintln!("served by the other replica {:?} after the partition", start.elapsed());
    ensure!(leads(&scene.cluster, 1)? && !leads(&scene.cluster, 0)?, "who leads?");
    for value in 5..9 {
        scene.edit(value)?;
        scene.await_value(value, SOON)?;
        ensure!(!leads(&scene.cluster, 0)?, "both lead");
    }
    // Its delayed requests arrive now.
    scene.relay.signal("CONT")?;
    for value in 9..VALUES {
        scene.edit(value)?;
        scene.await_value(value, SOON)?;
        ensure!(!(leads(&scene.cluster, 0)? && leads(&scene.cluster, 1)?), "both lead");
    }
    harness::eventually::throughout(Duration::from_secs(10), || {
        let found = Lab::items_in(&scene.cluster, "default", "one")?;
        ensure!(found == json!({"a": (VALUES - 1).to_string()}), "it has {found}");
        Ok(())
    })?;
    let writes = scene.writes()?;
    let sources: BTreeSet<bool> = writes.iter().map(|(behind, _)| *behind).collect();
    ensure!(
        sources.len() == 2,
        "the audit log tells no replica from the other: {writes:#?}"
    );
    // From the first renewal of the other on, the former leader sends nothing. What it sent before names an old version and is
    // refused. Events have no version: a late one was true when it was sent.
    let taken = writes
        .iter()
        .position(|(behind, request)| !behind && request.resource == "leases")
        .context("the other took the Lease")?;
    let late: Vec<_> = writes[taken..]
        .iter()
        .filter(|(behind, request)| *behind && request.resource != "events")
        .collect();
    ensure!(late.is_empty(), "two writers: {late:#?}");
    ensure!(
        scene.cluster.key_secrets()?["items"].as_array().map(Vec::len) == Some(1),
        "a key was made twice"
    );
    Ok(())
}
