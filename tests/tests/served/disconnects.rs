//! Requests in flight when the connection is cut or the process is killed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::process::Process;

use crate::fixture::{SOON, get};
use crate::relay::{self, PORT};

/// Passes connections on to the API server. Of the first one on which a key Secret is sent, it lets the request through, and
/// when the answer begins to come, it cuts both sides: the other requests of a start are shorter than such a Secret.
const CUTTER: &str = r#"
SHORTER_THAN_A_KEY = 3500
cut = threading.Event()

def accepted(client):
    api_server, marked = socket.create_connection((host, target)), threading.Event()
    def up(chunk):
        if len(chunk) > SHORTER_THAN_A_KEY and not cut.is_set():
            cut.set()
            marked.set()
        return True
    def down(chunk):
        if marked.is_set():
            print("cut off", flush=True)
            raise ConnectionAbortedError
        return True
    begin(pump, client, api_server, up)
    begin(pump, api_server, client, down)
serve(accepted)
"#;

fn start(cluster: &Cluster, port: u16, flags: &[&str]) -> Result<Process> {
    let program = Implementation::Ours.programs()?.controller;
    cluster
        .launch_as_pod("controller", program, (NAMESPACE, CONTROLLER))?
        .env("KUBERNETES_SERVICE_PORT", port.to_string())
        .args(flags)
        .spawn()
}

fn await_log(cluster: &Cluster, process: &Process, words: &str) -> Result<()> {
    cluster.eventually(SOON, &format!("{words:?} in a log"), || {
        process.check_running()?;
        ensure!(process.log()?.contains(words));
        Ok(())
    })
}

fn keys(cluster: &Cluster) -> Result<usize> {
    Ok(cluster.key_secrets()?["items"].as_array().map_or(0, Vec::len))
}

#[test]
fn a_key_whose_creation_was_not_answered_is_not_made_a_second_time() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let cutter = relay::start(&cluster, CUTTER, &[])?;
    let controller = start(&cluster, PORT, &["--key-size=2048"])?;
    await_log(&cluster, &cutter, "cut off")?;
    cluster.eventually(SOON, "certificate", || {
        controller.check_running()?;
        ensure!(get(&cluster, "/v1/cert.pem")?.0 == 200);
        Ok(())
    })?;
    // It tries again after 2 s where it does not find the one that it made.
    harness::eventually::throughout(Duration::from_secs(4), || {
        ensure!(keys(&cluster)? == 1, "{} keys:\n{}", keys(&cluster)?, controller.log()?);
        Ok(())
    })?;
    let log = controller.log()?;
    ensure!(log.contains("Failed to generate new key"), "it was answered:\n{log}");
    Ok(())
}

#[test]
fn a_key_that_takes_long_to_make_does_not_hold_up_the_end() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let (_, port) = cluster.api_server_address();
    let controller = start(&cluster, port, &["--key-size=8192", "--log-level=DEBUG"])?;
    await_log(&cluster, &controller, "making a key")?;
    let asked = Instant::now();
    let status = controller.terminate(SOON)?;
    let took = asked.elapsed();
    ensure!(
        status.success(),
        "SIGTERM ended it with {status}:\n{}",
        controller.log()?
    );
    ensure!(took < Duration::from_secs(6), "it took {took:?} to end");
    let said = controller.log()?.contains("the new key was not stored");
    ensure!(said && keys(&cluster)? == 0, "{}", controller.log()?);
    Ok(())
}
