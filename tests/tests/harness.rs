//! The harness itself: what all the other tests rely on.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::eventually::eventually;
use harness::namespace::TempNamespace;
use harness::output::run;
use harness::peers::{self, PeerSet};
use serde_json::json;

#[test]
fn two_control_planes_at_once_do_not_meet() -> Result<()> {
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(Cluster::start);
        let other = scope.spawn(Cluster::start);
        (one.join().expect("no panic"), other.join().expect("no panic"))
    });
    let (one, other) = (one?, other?);
    one.kubectl_ok(&["create", "configmap", "only-here"])?;
    one.get_json(&["configmap", "only-here"])?;
    let absent = other.kubectl(&["get", "configmap", "only-here"])?;
    ensure!(absent.stderr.contains("NotFound"), "{absent}");
    Ok(())
}

#[test]
fn rights_are_checked() -> Result<()> {
    let cluster = Cluster::shared()?;
    let namespace = TempNamespace::create(cluster)?;
    cluster.kubectl_ok(&["create", "serviceaccount", "nobody", "-n", namespace.name()])?;
    let kubeconfig = cluster.service_account_kubeconfig(namespace.name(), "nobody")?;
    let refused = run(cluster
        .command(cluster.peer(&peers::KUBECTL)?)
        .env("KUBECONFIG", kubeconfig)
        .args(["get", "secrets", "-n", namespace.name()]))?;
    ensure!(refused.code() == 1 && refused.stderr.contains("Forbidden"), "{refused}");
    Ok(())
}

#[test]
fn an_object_goes_with_its_owner() -> Result<()> {
    let cluster = Cluster::shared()?;
    let namespace = TempNamespace::create(cluster)?;
    let space = namespace.name();
    cluster.kubectl_ok(&["create", "configmap", "owner", "-n", space])?;
    let owner = cluster.get_json(&["configmap", "owner", "-n", space])?;
    let owned = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "owned", "namespace": space,
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
            }],
        },
    });
    cluster.apply(&owned.to_string())?;
    cluster.kubectl_ok(&["delete", "configmap", "owner", "-n", space])?;
    cluster.eventually(Duration::from_secs(30), "garbage collection", || {
        let left = cluster.kubectl(&["get", "secret", "owned", "-n", space])?;
        ensure!(left.stderr.contains("NotFound"), "still there: {left}");
        Ok(())
    })
}

#[test]
fn the_service_proxy_reaches_a_program_in_the_namespace() -> Result<()> {
    let cluster = Cluster::shared()?;
    let namespace = TempNamespace::create(cluster)?;
    let space = namespace.name();
    let python = peers::python()?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("hello"), "from inside")?;
    let server = cluster
        .launch("http", python)
        .args([
            "-m",
            "http.server",
            "8123",
            "--bind",
            &cluster.address().to_string(),
            "--directory",
        ])
        .arg(folder.path())
        .spawn()?;
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "hello", "namespace": space},
        "spec": {"ports": [{"name": "web", "port": 80, "targetPort": 8123}]},
    });
    cluster.apply(&service.to_string())?;
    cluster.publish_service(space, "hello", 8123)?;
    let path = format!("/api/v1/namespaces/{space}/services/http:hello:web/proxy/hello");
    let said = cluster.eventually(Duration::from_secs(20), "answer through the proxy", || {
        server.check_running()?;
        cluster.kubectl_ok(&["get", "--raw", &path])
    })?;
    ensure!(said.stdout == "from inside", "{said}");
    Ok(())
}

#[test]
fn an_api_server_that_was_away_has_its_objects_again() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.kubectl_ok(&["create", "configmap", "kept"])?;
    cluster.stop_apiserver()?;
    let away = cluster.kubectl(&["get", "configmap", "kept"])?;
    ensure!(!away.status.success(), "{away}");
    cluster.start_apiserver()?;
    cluster.get_json(&["configmap", "kept"])?;
    Ok(())
}

#[test]
fn the_relay_leads_from_the_users_loopback_to_the_api_server() -> Result<()> {
    let cluster = Cluster::shared()?;
    let relay = cluster.relay(&[env!("CARGO_BIN_EXE_inside")])?;
    // Without `cluster.command`: as the user's own programs would run.
    let seen = run(Command::new(cluster.peer(&peers::KUBECTL)?)
        .env("KUBECONFIG", relay.kubeconfig())
        .env("KUBECACHEDIR", cluster.state().join("relay-cache"))
        .args(["get", "namespace", "kube-system", "-o", "name"]))?
    .success()?;
    ensure!(seen.stdout.trim() == "namespace/kube-system", "{seen}");
    Ok(())
}

#[test]
fn a_program_started_as_a_pod_has_the_pods_files() -> Result<()> {
    let cluster = Cluster::shared()?;
    let namespace = TempNamespace::create(cluster)?;
    cluster.kubectl_ok(&["create", "serviceaccount", "someone", "-n", namespace.name()])?;
    let show = "cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; ls /var/run/secrets/kubernetes.io/serviceaccount";
    // The tests may themselves run in a Pod.
    let outside = || std::fs::read("/var/run/secrets/kubernetes.io/serviceaccount/token").ok();
    let before = outside();
    let pod = cluster
        .launch_as_pod("as-pod", "sh", (namespace.name(), "someone"))?
        .args(["-c", show])
        .spawn()?;
    let status = pod.wait(Duration::from_secs(20))?;
    ensure!(status.success(), "{}", pod.log()?);
    ensure!(
        pod.log()? == format!("{}\nca.crt\nnamespace\ntoken\n", namespace.name()),
        "{}",
        pod.log()?
    );
    ensure!(outside() == before, "seen outside as well");
    Ok(())
}

#[test]
fn nothing_is_left_when_the_holder_is_killed() -> Result<()> {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_hold"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(holder.stdout.take().context("a pipe")?).read_line(&mut line)?;
    let state = line.trim();
    ensure!(
        processes_naming(state)?.len() >= 3,
        "the control plane's programs are not to be seen"
    );
    // SIGKILL: no destructor runs.
    holder.kill()?;
    holder.wait()?;
    eventually(Duration::from_secs(20), "end of everything", || {
        let left = processes_naming(state)?;
        ensure!(left.is_empty(), "still running: {left:?}");
        ensure!(!Path::new(state).exists(), "{state} is still there");
        Ok(())
    })
}

#[test]
fn a_control_plane_on_the_loopback_leaves_nothing_either() -> Result<()> {
    let cluster = Cluster::start_without_namespaces(PeerSet::installed(&peers::CONTROL_PLANE)?)?;
    cluster.get_json(&["namespace", "default"])?;
    let state = cluster.state().display().to_string();
    ensure!(
        processes_naming(&state)?.len() >= 3,
        "the control plane's programs are not to be seen"
    );
    drop(cluster);
    eventually(Duration::from_secs(20), "end of everything", || {
        let left = processes_naming(&state)?;
        ensure!(left.is_empty(), "still running: {left:?}");
        ensure!(!Path::new(&state).exists(), "{state} is still there");
        Ok(())
    })
}

/// The command lines of all processes on this machine that name the given path.
fn processes_naming(path: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        // Not a process, or one that has ended since.
        let Ok(words) = std::fs::read(entry?.path().join("cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&words).replace('\0', " ");
        if line.contains(path) {
            found.push(line);
        }
    }
    Ok(found)
}
