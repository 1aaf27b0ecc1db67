//! Half-open connections: the network drops them, and neither side gets a packet that closes them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::output::run;
use harness::peers;
use harness::process::Process;
use serde_json::json;

use crate::fixture::{Lab, SOON, get};
use crate::relay::{self, PORT};

/// Passes connections on to the API server. From SIGUSR1 on it takes what comes on those that there are, and passes nothing
/// on: the kernel goes on to acknowledge.
pub(crate) const RELAY: &str = r#"
age = 0

def older(*_):
    global age
    age += 1
    print("silent", flush=True)
signal.signal(signal.SIGUSR1, older)

def accepted(client):
    born = age
    def ended():
        while born != age:
            threading.Event().wait(3600)
    join(client, socket.create_connection((host, target)), lambda chunk: born == age, ended)
serve(accepted)
"#;
/// Has the network drop every packet of the connections to that port that there are. New ones get through.
const FORGET: &str = r#"
import subprocess, sys
port = int(sys.argv[1])
def rule(*words):
    subprocess.run(["ip", "rule", *words], check=True)
# Local addresses are looked up before everything else: that has to wait its turn.
rule("add", "pref", "10", "lookup", "local")
rule("del", "pref", "0")
forgotten = 0
for line in list(open("/proc/self/net/tcp"))[1:]:
    local, remote, state = line.split()[1:4]
    if state == "01" and int(remote.split(":")[1], 16) == port:
        own = str(int(local.split(":")[1], 16))
        rule("add", "pref", "1", "ipproto", "tcp", "sport", own, "dport", str(port), "blackhole")
        rule("add", "pref", "1", "ipproto", "tcp", "sport", str(port), "dport", own, "blackhole")
        forgotten += 1
print(forgotten)
"#;
/// The reference takes 41 s, by the pings of HTTP/2.
const SERVED: Duration = Duration::from_secs(45);

struct Scene {
    controller: Process,
    relay: Process,
    certificate: String,
    cluster: Cluster,
}

impl Scene {
    fn open(flags: &[&str]) -> Result<Scene> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let relay = relay::start(&cluster, RELAY, &[])?;
        let controller = cluster
            .launch_as_pod(
                "controller",
                Implementation::Ours.programs()?.controller,
                (NAMESPACE, CONTROLLER),
            )?
            .env("KUBERNETES_SERVICE_PORT", PORT.to_string())
            .args(["--key-size=2048"])
            .args(flags)
            .spawn()?;
        let certificate = cluster.eventually(SOON, "certificate", || {
            controller.check_running()?;
            let (code, certificate) = get(&cluster, "/v1/cert.pem")?;
            ensure!(code == 200);
            Ok(certificate)
        })?;
        let scene = Scene {
            controller,
            relay,
            certificate,
            cluster,
        };
        scene.await_value(1, SOON)?;
        Ok(scene)
    }

    /// Applies a SealedSecret and waits for its Secret; gives how long that took.
    fn await_value(&self, value: usize, at_most: Duration) -> Result<Duration> {
        let items = json!({"a": value.to_string()});
        let sealed = Lab::seal_with(&self.certificate, "default", "one", &items, "strict")?;
        self.cluster.apply(&sealed.to_string())?;
        let start = Instant::now();
        self.cluster.eventually(at_most, "Secret as it was edited", || {
            self.controller.check_running()?;
            let found = Lab::items_in(&self.cluster, "default", "one")?;
            ensure!(found == items, "it has {found}");
            Ok(())
        })?;
        Ok(start.elapsed())
    }
}

#[test]
fn a_peer_that_acknowledges_and_says_nothing_is_given_up() -> Result<()> {
    fall_silent(&Scene::open(&[])?)
}

/// Each of so many watches is requested for 290 s, so a silence of one means nothing before that.
#[test]
fn a_silent_peer_of_many_watches_is_given_up() -> Result<()> {
    fall_silent(&Scene::open(&[&crate::connections::namespaces(150)])?)
}

fn fall_silent(scene: &Scene) -> Result<()> {
    scene.relay.signal("USR1")?;
    scene.cluster.eventually(SOON, "silence", || {
        ensure!(scene.relay.log()?.contains("silent"));
        Ok(())
    })?;
    let took = scene.await_value(2, SERVED)?;
    eprintln!("served {took:?} after the connections fell silent");
    Ok(())
}

#[test]
fn a_connection_that_the_network_has_forgotten_is_given_up() -> Result<()> {
    let scene = Scene::open(&[])?;
    let forgotten = forget(&scene.cluster)?;
    ensure!(
        forgotten >= 2,
        "{forgotten} connections: its watches share one, and there are others"
    );
    let took = scene.await_value(2, SERVED)?;
    eprintln!("served {took:?} after {forgotten} connections were forgotten");
    Ok(())
}

/// Has the network forget the connections to the relay; gives how many there were.
pub(crate) fn forget(cluster: &Cluster) -> Result<usize> {
    let mut forget = cluster.command(peers::python()?);
    forget.args(["-c", FORGET, &PORT.to_string()]);
    run(&mut forget)?.success()?.stdout.trim().parse().context("a number")
}
