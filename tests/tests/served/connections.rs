//! Connections to the API server: few, however many namespaces are watched.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::launch::Launch;
use harness::process::Process;
use serde_json::json;

use crate::fixture::{Lab, SOON, get};
use crate::relay::{self, PORT};

/// Ends TLS, as a load balancer that speaks HTTP/1.1 alone. From SIGUSR1 on it leaves requests for SealedSecrets unanswered.
const BALANCER: &str = r#"
swallows = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: swallows.set())
front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
front.load_cert_chain(sys.argv[4], sys.argv[5])
front.set_alpn_protocols(["http/1.1"])
back = ssl._create_unverified_context()

def passes(chunk):
    if swallows.is_set() and b"/sealedsecrets" in chunk.split(b"\r\n")[0]:
        threading.Event().wait()
    return True

def accepted(client):
    try:
        client = front.wrap_socket(client, server_side=True)
        join(client, back.wrap_socket(socket.create_connection((host, target))), passes)
    except OSError:
        pass
serve(accepted)
"#;

/// The flag that names `default` and so many namespaces that are not there.
pub(crate) fn namespaces(count: usize) -> String {
    let names: String = (0..count).map(|number| format!(",n{number}")).collect();
    format!("--additional-namespaces=default{names}")
}

/// A controller with at most so many open files, as a Pod.
fn limited(cluster: &Cluster, files: usize) -> Result<Launch<'_>> {
    let launch = cluster.launch_as_pod("controller", "prlimit", (NAMESPACE, CONTROLLER))?;
    Ok(launch
        .args([&format!("--nofile={files}:{files}"), "--"])
        .arg(Implementation::Ours.programs()?.controller)
        .arg("--key-size=2048"))
}

/// Waits until it serves; gives the highest number of open files until then.
fn await_ready(cluster: &Cluster, controller: &Process) -> Result<usize> {
    let mut most = 0;
    cluster.eventually(2 * SOON, "readiness", || {
        if let Err(ended) = controller.check_running() {
            return Ok(Err(ended));
        }
        most = most.max(std::fs::read_dir(format!("/proc/{}/fd", controller.pid()?))?.count());
        ensure!(get(cluster, "/readyz")?.0 == 200);
        Ok(Ok(()))
    })??;
    Ok(most)
}

fn await_value(cluster: &Cluster) -> Result<()> {
    let certificate = get(cluster, "/v1/cert.pem")?.1;
    let items = json!({"a": "1"});
    cluster.apply(&Lab::seal_with(&certificate, "default", "one", &items, "strict")?.to_string())?;
    Lab::await_items_in(cluster, "default", "one", &items, SOON)
}

#[test]
fn watches_of_many_namespaces_share_connections() -> Result<()> {
    for count in [150, 520] {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let controller = limited(&cluster, 1024)?.arg(namespaces(count)).spawn()?;
        let files = await_ready(&cluster, &controller)?;
        eprintln!("{count} namespaces: {files} open files at most");
        ensure!(files < 100, "{files} open files for {count} namespaces");
        await_value(&cluster)?;
    }
    Ok(())
}

/// A balancer in front of the API server.
fn balancer(cluster: &Cluster) -> Result<Process> {
    let (certificate, key) = cluster.server_certificate();
    let files = [certificate, key].map(|file| file.display().to_string());
    relay::start(cluster, BALANCER, &files.each_ref().map(String::as_str))
}

/// A watch is requested for 30 s and given up after 65 s of silence, so 120 s are enough to see a fault.
#[test]
fn a_process_that_hears_nothing_of_an_api_server_that_answers_is_not_alive() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let balancer = balancer(&cluster)?;
    let controller = limited(&cluster, 1024)?
        .env("KUBERNETES_SERVICE_PORT", PORT.to_string())
        .spawn()?;
    await_ready(&cluster, &controller)?;
    balancer.signal("USR1")?;
    let start = Instant::now();
    // Beside it one of which nothing is wrong, which has made its Lease, and reads objects of any name once.
    let well = Lab::start(&["--key-size=2048", "--old-gc-behavior"])?;
    for name in ["sealedsecrets", "leases"] {
        well.unseal("default", name, &json!({"a": "1"}))?;
    }
    well.cluster.kubectl_ok(&["delete", "sealedsecret", "leases"])?;
    let began = Instant::now();
    // The question for one object, which tells whether data went back, may be the first without an answer.
    cluster.eventually(Duration::from_secs(260), "a /livez that fails", || {
        let (code, told) = get(&cluster, "/livez")?;
        ensure!(get(&cluster, "/healthz")?.0 == 200);
        ensure!(code == 503);
        let took = start.elapsed();
        if took < Duration::from_secs(150) {
            return Ok(Err(anyhow!("after {took:?}: {told}")));
        }
        ensure!(
            told.contains("sealedsecrets: no answer for") && told.contains("while others are answered"),
            "{told}"
        );
        Ok(Ok(()))
    })??;
    std::thread::sleep(Duration::from_secs(200).saturating_sub(began.elapsed()));
    let (code, told) = get(&well.cluster, "/livez")?;
    ensure!(code == 200, "{told}");
    Ok(())
}

#[test]
fn an_api_server_that_speaks_http_1_alone_is_enough() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let _balancer = balancer(&cluster)?;
    let start = |count: usize| {
        let launch = limited(&cluster, 400)?.env("KUBERNETES_SERVICE_PORT", PORT.to_string());
        launch.arg(namespaces(count)).spawn()
    };
    let controller = start(20)?;
    let files = await_ready(&cluster, &controller)?;
    eprintln!("20 namespaces over HTTP/1.1: {files} open files at most");
    await_value(&cluster)?;
    ensure!(
        controller.log()?.contains("does not speak HTTP/2"),
        "{}",
        controller.log()?
    );
    ensure!(controller.terminate(SOON)?.success());
    // Each watch needs a connection of its own, and there are not enough files for those.
    let controller = start(150)?;
    let status = controller.wait(SOON)?;
    let log = controller.log()?;
    ensure!(
        status.code().context("no signal")? == 1 && log.contains("152 namespaces take 304 connections"),
        "{log}"
    );
    Ok(())
}
