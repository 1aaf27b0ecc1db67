//! Several replicas: one writes, all serve, and one that goes is replaced.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::chaos::Relay;
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::peers;
use harness::process::Process;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of, get_at, leads, metric};

/// How soon a leader that dies is replaced.
const REPLACED: Duration = Duration::from_secs(15);
const FLAGS: &[&str] = &["--key-size=2048"];

/// Replicas 0, 1, 2, …; one that was ended is `None`.
struct Replicas {
    running: Vec<Option<Process>>,
    cluster: Cluster,
}

impl Replicas {
    fn start(count: u16) -> Result<Replicas> {
        Replicas::start_with(count, FLAGS)
    }

    fn start_with(count: u16, flags: &'static [&'static str]) -> Result<Replicas> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let running = (0..count)
            .map(|number| cluster.spawn_replica(number, flags).map(Some))
            .collect::<Result<_>>()?;
        let replicas = Replicas { running, cluster };
        replicas.cluster.eventually(SOON, "replicas that are ready", || {
            for number in replicas.numbers() {
                let (code, body) = get_at(&replicas.cluster, 8080 + 10 * number, "/readyz")?;
                ensure!(code == 200, "replica {number}: {code} {body}");
            }
            replicas.leader()
        })?;
        Ok(replicas)
    }

    fn numbers(&self) -> Vec<u16> {
        let running = self.running.iter().zip(0..).filter(|(process, _)| process.is_some());
        running.map(|(_, number)| number).collect()
    }

    /// The one that leads, by its own metric and by the Lease.
    fn leader(&self) -> Result<u16> {
        let mut leaders = Vec::new();
        for number in self.numbers() {
            if leads(&self.cluster, number)? {
                leaders.push(number);
            }
        }
        let [leader] = leaders[..] else {
            anyhow::bail!("these lead: {leaders:?}")
        };
        let holder = self.lease()?["spec"]["holderIdentity"].clone();
        let named = holder.as_str().and_then(|holder| holder.split('_').next());
        ensure!(
            named == Some(&format!("{CONTROLLER}-{leader}")),
            "{holder} holds the Lease of {leader}"
        );
        Ok(leader)
    }

    fn lease(&self) -> Result<Value> {
        self.cluster.get_json(&["lease", CONTROLLER, "-n", NAMESPACE])
    }

    fn take(&mut self, number: u16) -> Result<Process> {
        self.running[usize::from(number)].take().context("it runs")
    }

    /// A SealedSecret, unsealed, whose Secret Kubernetes would not collect.
    fn unowned(&self, name: &str) -> Result<()> {
        let certificate = get_at(&self.cluster, 8080 + 10 * self.numbers()[0], "/v1/cert.pem")?.1;
        let mut sealed = Lab::seal_with(&certificate, "default", name, &json!({"a": "1"}), "strict")?;
        sealed["spec"]["template"]["metadata"]["annotations"] = json!({
            "sealedsecrets.bitnami.com/skip-set-owner-references": "true", "sealedsecrets.bitnami.com/managed": "true",
        });
        self.cluster.apply(&sealed.to_string())?;
        self.cluster.eventually(SOON, "status", || {
            let sealed = self.cluster.get_json(&["sealedsecret", name])?;
            ensure!(
                condition_of(&sealed, "Synced")["status"] == "True",
                "{}",
                sealed["status"]
            );
            Ok(())
        })
    }

    /// Changes a SealedSecret, and waits until its Secret has followed; gives how long that took from `start`.
    fn await_change(&self, value: usize, start: Instant, at_most: Duration) -> Result<Duration> {
        let items = json!({"a": value.to_string()});
        let certificate = get_at(&self.cluster, 8080 + 10 * self.numbers()[0], "/v1/cert.pem")?.1;
        let sealed = Lab::seal_with(&certificate, "default", "one", &items, "strict")?;
        self.cluster.apply(&sealed.to_string())?;
        self.cluster.eventually(at_most, "Secret of the next leader", || {
            let found = Lab::items_in(&self.cluster, "default", "one")?;
            ensure!(found == items, "it has {found}");
            Ok(())
        })?;
        Ok(start.elapsed())
    }
}

#[test]
fn one_makes_the_key_and_writes_and_all_serve() -> Result<()> {
    let replicas = Replicas::start(3)?;
    let leader = replicas.leader()?;
    let keys = replicas.cluster.key_secrets()?;
    ensure!(
        keys["items"].as_array().map(Vec::len) == Some(1),
        "one key, not one for each: {keys:#}"
    );
    replicas.await_change(1, Instant::now(), SOON)?;

    let sealed = replicas.cluster.get_json(&["sealedsecret", "one"])?.to_string();
    let certificate = get_at(&replicas.cluster, 8080, "/v1/cert.pem")?;
    for number in replicas.numbers() {
        let (web, metrics) = (8080 + 10 * number, 8081 + 10 * number);
        ensure!(
            get_at(&replicas.cluster, web, "/v1/cert.pem")? == certificate,
            "replica {number}"
        );
        let verified = replicas.cluster.http("POST", web, "/v1/verify", &json!({}), &sealed)?;
        ensure!(verified.code == 200, "replica {number}: {verified:?}");
        let shown = metric(
            &replicas.cluster,
            metrics,
            "sealed_secrets_controller_condition_info{condition=\"Synced\",name=\"one\",namespace=\"default\",ss_app_kubernetes_io_instance=\"\"}",
        )?;
        ensure!((shown == 1.0) == (number == leader), "replica {number} shows {shown}");
        let passes = metric(
            &replicas.cluster,
            metrics,
            "sealed_secrets_controller_unseal_requests_total",
        )?;
        ensure!(
            (passes > 0.0) == (number == leader),
            "replica {number} made {passes} passes"
        );
    }
    // A follower makes no key on request, and names the leader.
    let follower = replicas
        .numbers()
        .into_iter()
        .find(|number| *number != leader)
        .context("another")?;
    let process = replicas.running[usize::from(follower)].as_ref().context("it runs")?;
    process.signal("USR1")?;
    replicas.cluster.eventually(SOON, "warning", || {
        ensure!(process.log()?.contains("another replica leads: send the signal there"));
        Ok(())
    })?;
    // No request was denied, and none conflicted.
    let refused = replicas.cluster.controller_requests()?;
    let refused: Vec<_> = refused.iter().filter(|request| request.code == 403).collect();
    ensure!(refused.is_empty(), "{refused:#?}");
    Ok(())
}

#[test]
fn a_leader_that_shuts_down_hands_over_at_once_and_one_that_dies_is_replaced_in_time() -> Result<()> {
    const DELETES: &[&str] = &["--key-size=2048", "--old-gc-behavior"];
    let mut replicas = Replicas::start_with(2, DELETES)?;
    crate::flags::allow_deleting(&replicas.cluster)?;
    replicas.await_change(1, Instant::now(), SOON)?;
    let first = replicas.leader()?;
    let key = replicas.cluster.key_secrets()?["items"][0]["metadata"]["uid"].clone();

    let process = replicas.take(first)?;
    let start = Instant::now();
    process.signal("TERM")?;
    let took = replicas.await_change(2, start, REPLACED)?;
    eprintln!("handed over in {} ms", took.as_millis());
    // A look a second, and the time of a pass; far from the time of a Lease.
    ensure!(took < Duration::from_secs(4), "handed over after {took:?}");
    ensure!(process.wait(SOON)?.success(), "SIGTERM is no failure");

    replicas.running[usize::from(first)] = Some(replicas.cluster.spawn_replica(first, DELETES)?);
    replicas.cluster.eventually(SOON, "replica that is ready", || {
        ensure!(get_at(&replicas.cluster, 8080 + 10 * first, "/readyz")?.0 == 200);
        Ok(())
    })?;
    let second = replicas.leader()?;
    ensure!(second != first, "who leads stays leader");
    replicas.unowned("deleted-without-a-leader")?;
    let start = Instant::now();
    replicas.take(second)?.kill()?;
    let gone = ["delete", "sealedsecret", "deleted-without-a-leader"];
    replicas.cluster.kubectl_ok(&gone)?;
    let took = replicas.await_change(3, start, REPLACED + SOON)?;
    eprintln!("replaced in {} ms", took.as_millis());
    ensure!(took < REPLACED, "replaced after {took:?}");
    ensure!(replicas.leader()? == first);
    replicas
        .cluster
        .eventually(SOON, "end of what was deleted meanwhile", || {
            let found = replicas
                .cluster
                .kubectl(&["get", "secret", "deleted-without-a-leader"])?;
            ensure!(found.stderr.contains("NotFound"), "{found}");
            Ok(())
        })?;
    ensure!(
        replicas.lease()?["spec"]["leaseTransitions"] == 2,
        "{}",
        replicas.lease()?
    );
    let keys = replicas.cluster.key_secrets()?;
    ensure!(keys["items"].as_array().map(Vec::len) == Some(1) && keys["items"][0]["metadata"]["uid"] == key);
    Ok(())
}

#[test]
fn a_leader_that_was_stopped_and_comes_to_finds_itself_deposed() -> Result<()> {
    let mut replicas = Replicas::start(2)?;
    replicas.await_change(1, Instant::now(), SOON)?;
    let old = replicas.leader()?;
    let process = replicas.take(old)?;
    process.signal("STOP")?;
    replicas.await_change(2, Instant::now(), REPLACED + SOON)?;
    let new = replicas.leader()?;
    // Its knowledge is old, so it must write nothing.
    process.signal("CONT")?;
    replicas.cluster.eventually(SOON, "insight", || {
        ensure!(
            process.log()?.contains("this replica leads no more"),
            "it believes to lead"
        );
        Ok(())
    })?;
    replicas.running[usize::from(old)] = Some(process);
    replicas.await_change(3, Instant::now(), SOON)?;
    ensure!(replicas.leader()? == new);
    ensure!(Lab::items_in(&replicas.cluster, "default", "one")? == json!({"a": "3"}));
    Ok(())
}

#[test]
fn a_container_that_is_restarted_leads_at_once() -> Result<()> {
    let mut replicas = Replicas::start(1)?;
    replicas.await_change(1, Instant::now(), SOON)?;
    replicas.take(0)?.kill()?;
    let start = Instant::now();
    replicas.running[0] = Some(replicas.cluster.spawn_replica(0, FLAGS)?);
    replicas.cluster.eventually(SOON, "certificate", || {
        ensure!(get_at(&replicas.cluster, 8080, "/v1/cert.pem")?.0 == 200);
        Ok(())
    })?;
    let took = replicas.await_change(2, start, SOON)?;
    ensure!(
        took < Duration::from_secs(8),
        "its own Lease of 12 s held it up: {took:?}"
    );
    Ok(())
}

/// The cache of a new leader is old when the former one dies: it must not revert what that one wrote.
#[test]
fn what_a_follower_knows_is_listed_anew_before_it_writes() -> Result<()> {
    let mut replicas = Replicas::start(1)?;
    replicas.await_change(1, Instant::now(), SOON)?;
    let relay = Relay::open(&replicas.cluster, 1, 0)?;
    let follower = replicas.cluster.replica(1, FLAGS)?;
    let follower = follower
        .env("KUBERNETES_SERVICE_PORT", relay.port.to_string())
        .spawn()?;
    replicas.running.push(Some(follower));
    replicas.cluster.eventually(SOON, "follower that is ready", || {
        ensure!(get_at(&replicas.cluster, 8090, "/readyz")?.0 == 200);
        Ok(())
    })?;
    relay.order(|orders| orders["silent"] = json!("/sealedsecrets?"))?;
    replicas.await_change(2, Instant::now(), SOON)?;
    let kubectl = replicas.cluster.peer(&peers::KUBECTL)?;
    let history = replicas
        .cluster
        .launch("history", kubectl)
        .env("KUBECONFIG", replicas.cluster.admin_kubeconfig())
        .args(["get", "secret", "one", "--watch", "-o", "jsonpath={.data.a}{'\\n'}"])
        .spawn()?;
    replicas.take(0)?.kill()?;
    replicas.cluster.eventually(REPLACED + SOON, "leader", || {
        ensure!(replicas.leader()? == 1);
        Ok(())
    })?;
    // Time to do what it should not.
    std::thread::sleep(Duration::from_secs(3));
    relay.order(|orders| orders["silent"] = Value::Null)?;
    replicas.await_change(3, Instant::now(), REPLACED + SOON)?;
    replicas.cluster.eventually(SOON, "history", || {
        ensure!(history.log()?.contains(&STANDARD.encode("3")));
        Ok(())
    })?;
    let log = history.log()?;
    let values: Vec<&str> = log.lines().collect();
    ensure!(
        !values.contains(&STANDARD.encode("1").as_str()),
        "it went back: {values:?}"
    );
    Ok(())
}
