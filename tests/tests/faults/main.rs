//! Faults while objects change: every Secret ends right, and none is ever empty or half.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod chaos;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::output::run;
use harness::peers;
use harness::process::Process;
use serde_json::{Value, json};

const SPACE: &str = "work";
const FLAGS: &[&str] = &["--key-size=2048"];
/// How soon after the end of a lost leader's Lease another one leads.
const NOTICED: Duration = Duration::from_secs(3);
/// The deadline for a correct state at the end.
const SETTLED: Duration = Duration::from_secs(90);

/// A cluster with replicas, a namespace, and everything that ever happened to the Secrets in it.
struct Scene {
    replicas: Mutex<Vec<Option<Process>>>,
    history: Process,
    certificate: std::path::PathBuf,
    cluster: Cluster,
}

impl Scene {
    fn open(count: u16) -> Result<Scene> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        cluster.kubectl_ok(&["create", "namespace", SPACE])?;
        let history = watch_secrets(&cluster, "history-0")?;
        let replicas = (0..count)
            .map(|number| cluster.spawn_replica(number, FLAGS).map(Some))
            .collect::<Result<Vec<_>>>()?;
        let certificate = cluster.eventually(Duration::from_secs(60), "certificate", || {
            cluster.proxied_get("/v1/cert.pem")
        })?;
        let file = cluster.state().join("cert.pem");
        std::fs::write(&file, certificate.stdout)?;
        Ok(Scene {
            replicas: Mutex::new(replicas),
            history,
            certificate: file,
            cluster,
        })
    }

    /// SealedSecrets `s-0`, `s-1`, … whose two items both hold this value: half a Secret would be one with two values.
    fn sealed(&self, count: usize, value: usize) -> Result<String> {
        let secrets: String = (0..count)
            .map(|number| {
                let secret = json!({
                    "apiVersion": "v1", "kind": "Secret",
                    "metadata": {"name": format!("s-{number}"), "namespace": SPACE},
                    "stringData": {"a": value.to_string(), "b": value.to_string()},
                });
                format!("{secret}\n")
            })
            .collect();
        let certificate = self.certificate.display().to_string();
        let sealed = self
            .cluster
            .kubeseal(Implementation::Ours, &["--cert", &certificate], &secrets)?;
        Ok(sealed.success()?.stdout)
    }

    /// Waits until `s-0`, `s-1`, … all hold this value, and nothing else of theirs is there.
    fn await_all(&self, count: usize, value: usize) -> Result<()> {
        let what = format!("state in which all {count} Secrets hold {value}");
        self.cluster.eventually(SETTLED, &what, || {
            let list = self.cluster.get_json(&["secrets", "-n", SPACE])?;
            let found: BTreeMap<String, Value> = list["items"]
                .as_array()
                .context("a list")?
                .iter()
                .filter_map(|secret| Some((secret["metadata"]["name"].as_str()?.to_owned(), value_of(secret).ok()?)))
                .collect();
            ensure!(found.len() == count, "{} Secrets", found.len());
            let wrong: Vec<_> = found.iter().filter(|(_, found)| **found != json!(value)).collect();
            ensure!(
                wrong.is_empty(),
                "{} are wrong, such as {:?}",
                wrong.len(),
                wrong.first()
            );
            Ok(())
        })
    }

    fn replicas(&self) -> MutexGuard<'_, Vec<Option<Process>>> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, number: usize) -> Result<Process> {
        self.replicas()[number].take().context("it runs")
    }

    /// The Pod that holds the Lease.
    fn leader(&self) -> Result<usize> {
        let lease = self.cluster.get_json(&["lease", CONTROLLER, "-n", NAMESPACE])?;
        let holder = lease["spec"]["holderIdentity"].as_str().context("a holder")?;
        let pod = holder.split('_').next().and_then(|pod| pod.rsplit('-').next());
        let number: usize = pod.context("nobody leads")?.parse()?;
        ensure!(self.replicas()[number].is_some(), "a dead one still holds the Lease");
        Ok(number)
    }

    fn await_leader(&self) -> Result<usize> {
        self.cluster
            .eventually(Duration::from_secs(90), "leader", || self.leader())
    }

    /// How long the leader asks to be respected when nothing is heard of it: 12 s, and longer where the API server is so slow
    /// that a renewal would come too late.
    fn lease_lasts(&self) -> Result<Duration> {
        let lease = self.cluster.get_json(&["lease", CONTROLLER, "-n", NAMESPACE])?;
        let seconds = lease["spec"]["leaseDurationSeconds"].as_u64().context("a duration")?;
        Ok(Duration::from_secs(seconds))
    }

    /// Kills the leader, and if `restart` starts it again as the kubelet starts a container again.
    fn kill_leader(&self, restart: bool) -> Result<usize> {
        let number = self.await_leader()?;
        self.take(number)?.kill()?;
        if restart {
            self.revive(number)?;
        }
        Ok(number)
    }

    fn revive(&self, number: usize) -> Result<()> {
        let process = self.cluster.spawn_replica(u16::try_from(number)?, FLAGS)?;
        self.replicas()[number] = Some(process);
        Ok(())
    }

    /// Checks everything that was ever seen of the Secrets. Gives how many states that were.
    fn check_history(&self) -> Result<usize> {
        let log = self.history.log()?;
        let events = serde_json::Deserializer::from_str(&log).into_iter::<Value>();
        let mut states = 0;
        // The watch may have ended in the middle of an event.
        for event in events.map_while(Result::ok) {
            if event["type"] != "DELETED" {
                value_of(&event["object"]).with_context(|| format!("{event:#}"))?;
                states += 1;
            }
        }
        Ok(states)
    }
}

/// Everything that happens to the Secrets, as JSON, one after the other, in the process's log.
fn watch_secrets(cluster: &Cluster, name: &str) -> Result<Process> {
    cluster
        .launch(name, cluster.peer(&peers::KUBECTL)?)
        .env("KUBECONFIG", cluster.admin_kubeconfig())
        .args([
            "get",
            "secrets",
            "-n",
            SPACE,
            "--watch",
            "--output-watch-events",
            "-o",
            "json",
        ])
        .spawn()
}

/// The value that both items of a Secret hold.
fn value_of(secret: &Value) -> Result<Value> {
    let data = secret["data"].as_object().context("an empty Secret")?;
    let item = |name: &str| {
        let text = data
            .get(name)
            .and_then(Value::as_str)
            .with_context(|| format!("no item {name}"))?;
        Ok::<_, anyhow::Error>(String::from_utf8(STANDARD.decode(text)?)?)
    };
    let (a, b) = (item("a")?, item("b")?);
    ensure!(
        a == b && data.len() == 2,
        "half a Secret: {a} and {b}, {} items",
        data.len()
    );
    Ok(json!(a.parse::<usize>()?))
}

#[test]
fn the_leader_is_killed_twenty_times_while_500_objects_change() -> Result<()> {
    const OBJECTS: usize = 500;
    let scene = Scene::open(3)?;
    let generations: Vec<String> = (0..4)
        .map(|value| scene.sealed(OBJECTS, value))
        .collect::<Result<_>>()?;
    let stop = AtomicBool::new(false);
    let changed = std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let mut changed = 0;
            while !stop.load(Ordering::Relaxed) {
                scene.cluster.apply(&generations[changed % generations.len()])?;
                changed += 1;
            }
            Ok::<_, anyhow::Error>(changed)
        });
        let killed = kill_twenty(&scene);
        stop.store(true, Ordering::Relaxed);
        let changed = changing.join().map_err(|_| anyhow::anyhow!("the writer died"))?;
        killed.and(changed)
    })?;
    let last = scene.sealed(OBJECTS, 99)?;
    scene.cluster.apply(&last)?;
    scene.await_all(OBJECTS, 99)?;
    scene.history.check_running()?;
    let states = scene.check_history()?;
    eprintln!("{changed} times all objects were changed, {states} states of Secrets were seen");
    ensure!(states > 2 * OBJECTS, "{states} states were seen");
    let keys = scene.cluster.key_secrets()?;
    ensure!(
        keys["items"].as_array().map(Vec::len) == Some(1),
        "one key for all: {keys:#}"
    );
    Ok(())
}

/// Eighteen times a container dies and is started again; twice a whole replica is lost for as long as the others take to
/// notice.
fn kill_twenty(scene: &Scene) -> Result<()> {
    for round in 0..20 {
        let lost = round % 10 == 9;
        let number = scene.kill_leader(!lost)?;
        let start = Instant::now();
        let lasts = scene.lease_lasts()?;
        let next = scene.await_leader()?;
        if lost {
            eprintln!(
                "round {round}: {number} is lost, {next} leads after {} ms of a Lease of {lasts:?}",
                start.elapsed().as_millis()
            );
            ensure!(start.elapsed() < lasts + NOTICED, "{:?}", start.elapsed());
            scene.revive(number)?;
        }
        // A moment in which it gets to work.
        std::thread::sleep(Duration::from_millis(700));
    }
    Ok(())
}

#[test]
fn the_api_server_is_killed_history_is_compacted_and_nothing_is_missed() -> Result<()> {
    const OBJECTS: usize = 60;
    let mut scene = Scene::open(1)?;
    scene.cluster.apply(&scene.sealed(OBJECTS, 1)?)?;
    scene.await_all(OBJECTS, 1)?;
    // Killed in the middle of the work.
    scene.cluster.apply(&scene.sealed(OBJECTS, 2)?)?;
    scene.cluster.stop_apiserver()?;
    scene.check_history()?;
    scene.cluster.start_apiserver()?;
    scene.history = watch_secrets(&scene.cluster, "history-1")?;
    scene.await_all(OBJECTS, 2)?;

    // While the controller is not there, one object goes, one comes, one changes, and what it knows is compacted away.
    let controller = scene.take(0)?;
    controller.signal("STOP")?;
    let (next, one_more) = (scene.sealed(OBJECTS, 3)?, scene.sealed(OBJECTS + 1, 3)?);
    scene.cluster.apply(&next)?;
    scene.cluster.apply(&one_more)?;
    scene
        .cluster
        .kubectl_ok(&["delete", "sealedsecret", "s-0", "-n", SPACE])?;
    scene.cluster.stop_apiserver()?;
    compact(&scene.cluster)?;
    scene.cluster.start_apiserver()?;
    let before = scene.cluster.controller_requests()?.len();
    controller.signal("CONT")?;
    scene.cluster.eventually(SETTLED, "state after the compaction", || {
        ensure!(
            scene
                .cluster
                .kubectl(&["get", "secret", "s-0", "-n", SPACE])?
                .stderr
                .contains("NotFound")
        );
        let secret = scene
            .cluster
            .get_json(&["secret", &format!("s-{OBJECTS}"), "-n", SPACE])?;
        ensure!(value_of(&secret)? == json!(3), "{secret}");
        Ok(())
    })?;
    let requests = scene.cluster.controller_requests()?;
    let since = requests.get(before..).unwrap_or_default();
    let listed = since
        .iter()
        .any(|request| request.verb == "list" && request.resource == "sealedsecrets");
    ensure!(
        listed,
        "it went on from where it was, so nothing was compacted away: {since:#?}"
    );
    scene.cluster.apply(&scene.sealed(OBJECTS + 1, 4)?)?;
    scene.await_all(OBJECTS + 1, 4)?;
    controller.check_running()?;
    scene.check_history().map(drop)
}

/// Has etcd forget all but the last revision.
fn compact(cluster: &Cluster) -> Result<()> {
    const COMPACT: &str = r#"
import json, urllib.request
def post(path, body):
    request = urllib.request.Request("http://127.0.0.1:2379" + path, json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request))
revision = post("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
post("/v3/kv/compaction", {"revision": revision, "physical": True})
"#;
    run(cluster.command("python3").args(["-c", COMPACT]))?
        .success()
        .map(drop)
}

#[test]
fn others_write_the_same_objects_all_the_time() -> Result<()> {
    const OBJECTS: usize = 5;
    const ROUNDS: usize = 15;
    let scene = Scene::open(2)?;
    scene.cluster.apply(&scene.sealed(OBJECTS, 0)?)?;
    scene.await_all(OBJECTS, 0)?;
    // Each write of theirs makes what the controller has just read old.
    let kubectl = scene.cluster.peer(&peers::KUBECTL)?.display().to_string();
    let storm = |kind: &str| {
        let annotate = format!("'{kubectl}' annotate {kind} -n {SPACE} --all --overwrite storm=$i");
        scene
            .cluster
            .launch(&format!("storm-{kind}"), "sh")
            .env("KUBECONFIG", scene.cluster.admin_kubeconfig())
            .args(["-c", &format!("i=0; while :; do i=$((i+1)); {annotate}; done")])
            .spawn()
    };
    let storms = [storm("secret")?, storm("sealedsecret")?];
    for value in 1..=ROUNDS {
        scene.cluster.apply(&scene.sealed(OBJECTS, value)?)?;
    }
    scene.await_all(OBJECTS, ROUNDS)?;
    for storm in &storms {
        storm.check_running()?;
        ensure!(
            storm.log()?.matches("annotated").count() > 5 * OBJECTS,
            "no storm: {}",
            storm.log()?
        );
    }
    drop(storms);
    scene.check_history()?;
    // Metadata of other clients stay.
    let secret = scene.cluster.get_json(&["secret", "s-0", "-n", SPACE])?;
    ensure!(secret["metadata"]["annotations"]["storm"].is_string(), "{secret}");
    Ok(())
}
