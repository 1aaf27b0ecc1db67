//! The memory of an object in sync, which is read again when it has to be reconciled.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of, get, list};
use crate::memory::memory;
use crate::relay::{self, PORT};

const FLAGS: [&str; 1] = ["--key-size=2048"];
/// Objects that are there before the measurement, so that the first ones of a process do not count.
const FIRST: usize = 500;
const MORE: usize = 2000;

/// So many copies of an object that may have any name.
fn copies(sealed: &Value, numbers: std::ops::Range<usize>) -> String {
    let items = numbers.map(|number| {
        let mut copy = sealed.clone();
        copy["metadata"]["name"] = json!(format!("object-{number:05}"));
        copy
    });
    list(items)
}

/// Waits until so many objects are in sync, as their statuses say, and nothing is queued.
fn await_synced(lab: &Lab, count: usize) -> Result<()> {
    lab.cluster
        .eventually(Duration::from_secs(300), &format!("{count} in sync"), || {
            let text = lab.http("GET", 8081, "/metrics", &json!({}), "")?.body;
            let mut objects = text
                .lines()
                .filter(|line| line.starts_with("sealed_secrets_controller_objects{"));
            let synced: usize = objects.try_fold(0, |sum, line| {
                anyhow::Ok(sum + line.rsplit(' ').next().unwrap_or_default().parse::<usize>()?)
            })?;
            ensure!(synced == count, "{synced} are");
            let waiting = lab.metric("sealed_secrets_controller_queue_length")?;
            ensure!(waiting == 0.0, "{waiting} are queued");
            Ok(())
        })?;
    // What the last passes still hold.
    std::thread::sleep(Duration::from_secs(3));
    Ok(())
}

/// Ciphertexts are three quarters of such an object, and a controller that keeps them takes 9 kB for it.
#[test]
fn objects_in_sync_are_not_held() -> Result<()> {
    /// Of one object, at rest, in bytes.
    const MOST: u64 = 2500;
    /// Of all that a restart takes beyond what it leaves, in KiB.
    const OF_A_START: u64 = 12 << 10;
    let mut lab = Lab::start(&FLAGS)?;
    let items = json!({"a": "1", "b": "2", "c": "3"});
    let sealed = lab.seal("default", "any", &items, "cluster-wide")?;
    let fill = |lab: &Lab, numbers| {
        let created = lab
            .cluster
            .kubectl_input(&["create", "-f", "-"], &copies(&sealed, numbers));
        anyhow::Ok(created?.success()?)
    };
    fill(&lab, 0..FIRST)?;
    await_synced(&lab, FIRST)?;
    let before = memory(&lab.controller, "VmRSS")?;
    fill(&lab, FIRST..FIRST + MORE)?;
    await_synced(&lab, FIRST + MORE)?;
    let after = memory(&lab.controller, "VmRSS")?;
    let highest = memory(&lab.controller, "VmHWM")?;
    lab.restart(&FLAGS)?;
    await_synced(&lab, FIRST + MORE)?;
    let (left, peak) = (memory(&lab.controller, "VmRSS")?, memory(&lab.controller, "VmHWM")?);
    let each = after.saturating_sub(before) * 1024 / MORE as u64;
    let shown = format!(
        "{FIRST} objects: {before} KiB; {MORE} more: {after}, at most {highest}; {each} bytes each; \
         after a restart {left}, at most {peak}"
    );
    println!("{shown}");
    ensure!(each <= MOST, "{shown}");
    ensure!(left < before + MOST * MORE as u64 / 1024, "{shown}");
    ensure!(peak < left + OF_A_START, "{shown}");
    lab.await_items("default", "object-01234", &items)?;
    all_are_compared_again(&mut lab, FIRST + MORE)
}

/// The message of an object that fails may have 4 KiB; it is only compared.
#[test]
fn failing_objects_hold_no_text() -> Result<()> {
    /// Of one object, at rest, in bytes.
    const MOST: u64 = 3000;
    let lab = Lab::start(&FLAGS)?;
    let templates = (0..60).map(|number| (format!("item-{number:02}"), json!("{{ if }}")));
    let failing = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"namespace": "default"},
        "spec": {"encryptedData": {}, "template": {"data": templates.collect::<serde_json::Map<_, _>>()}},
    });
    let await_failed = |lab: &Lab, count: usize| {
        let all = format!("{count} fail");
        lab.cluster.eventually(Duration::from_secs(300), &all, || {
            let listed = lab.cluster.get_json(&["sealedsecrets"])?;
            let objects = listed["items"].as_array().context("a list")?.iter();
            let said = objects
                .filter(|object| condition_of(object, "Synced")["status"] == "False")
                .count();
            ensure!(said == count, "{said} do");
            Ok(())
        })?;
        // What the last passes still hold.
        std::thread::sleep(Duration::from_secs(3));
        memory(&lab.controller, "VmRSS")
    };
    let fill = |lab: &Lab, numbers| {
        let created = lab
            .cluster
            .kubectl_input(&["create", "-f", "-"], &copies(&failing, numbers));
        anyhow::Ok(created?.success()?)
    };
    fill(&lab, 0..FIRST)?;
    let before = await_failed(&lab, FIRST)?;
    fill(&lab, FIRST..FIRST + MORE)?;
    let after = await_failed(&lab, FIRST + MORE)?;
    let each = after.saturating_sub(before) * 1024 / MORE as u64;
    let shown = format!("{FIRST} objects: {before} KiB; {MORE} more: {after}; {each} bytes each");
    println!("{shown}");
    ensure!(each <= MOST, "{shown}");
    Ok(())
}

/// After a change of a setting that refuses objects, each is opened and compared once more. All are due at once.
fn all_are_compared_again(lab: &mut Lab, count: usize) -> Result<()> {
    /// The memory of held objects and of passes, in KiB.
    const OF_PASSES: u64 = 28 << 10;
    let before = memory(&lab.controller, "VmRSS")?;
    lab.restart(&[FLAGS[0], "--deny-nondeterministic-templates"])?;
    let operations = 3 * count;
    lab.cluster
        .eventually(Duration::from_secs(300), &format!("{operations} operations"), || {
            let done = lab.metric("sealed_secrets_controller_private_key_operations_total")?;
            ensure!(done >= operations as f64, "{done} were made");
            Ok(())
        })?;
    await_synced(lab, count)?;
    let (left, peak) = (memory(&lab.controller, "VmRSS")?, memory(&lab.controller, "VmHWM")?);
    let shown = format!("before {before} KiB; {count} compared again: left {left}, at most {peak}");
    println!("{shown}");
    ensure!(peak < before + OF_PASSES, "{shown}");
    Ok(())
}

/// A Secret that was deleted is made of the object as the API server has it, which is read once.
#[test]
fn what_is_not_held_is_read_once() -> Result<()> {
    let lab = Lab::start(&FLAGS)?;
    let items = json!({"a": "1", "b": "2"});
    lab.unseal("default", "one", &items)?;
    std::thread::sleep(Duration::from_secs(2));
    let before = lab.cluster.controller_requests()?.len();
    lab.cluster.kubectl_ok(&["delete", "secret", "one"])?;
    lab.await_items("default", "one", &items)?;
    std::thread::sleep(Duration::from_secs(2));
    let requests = lab.cluster.controller_requests()?;
    let since = requests.get(before..).unwrap_or_default().iter();
    let about = since.filter(|request| request.object.starts_with("default/"));
    let mut about: Vec<_> = about
        .map(|r| format!("{} {} {}", r.verb, r.resource, r.object))
        .collect();
    about.retain(|request| !request.contains(" events "));
    let expected = [
        "list sealedsecrets default/one",
        "create secrets default/one",
        "update sealedsecrets/status default/one",
    ];
    ensure!(about == expected, "{about:#?}");
    Ok(())
}

/// Forwards everything. From SIGUSR1 to SIGUSR2 it drops what the API server sends on connections of HTTP/2, which are those of
/// the watches. The first packet of a connection offers HTTP/2 in clear.
const RELAY: &str = r#"
flows = threading.Event()
flows.set()

def hold(*_):
    flows.clear()
    print("held", flush=True)
signal.signal(signal.SIGUSR1, hold)
signal.signal(signal.SIGUSR2, lambda *_: flows.set())

def accepted(client):
    first = client.recv(1 << 16)
    api_server = socket.create_connection((host, target))
    api_server.sendall(first)
    watches = b"\x02h2" in first
    begin(pump, client, api_server)
    begin(pump, api_server, client, lambda chunk: flows.wait() if watches else True)
serve(accepted)
"#;

/// While the watches are behind, a key arrives that opens what had failed, and of two objects one has been edited and the
/// other deleted. The first is unsealed as it is now, and of the second nothing is made.
#[test]
fn an_object_that_changed_unheard_is_not_unsealed_as_it_was() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let relay = relay::start(&cluster, RELAY, &[])?;
    let program = Implementation::Ours.programs()?.controller;
    let controller = cluster.launch_as_pod("controller", program, (NAMESPACE, CONTROLLER))?;
    let controller = controller
        .env("KUBERNETES_SERVICE_PORT", PORT.to_string())
        .args(FLAGS)
        .spawn()?;
    cluster.eventually(SOON, "readiness", || {
        controller.check_running()?;
        ensure!(get(&cluster, "/readyz")?.0 == 200);
        Ok(())
    })?;
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let certificate = std::fs::read_to_string(&key.certificate)?;
    let apply = |name: &str, value: &str| {
        let sealed = Lab::seal_with(&certificate, "default", name, &json!({"a": value}), "strict")?;
        cluster.apply(&sealed.to_string())
    };
    for name in ["edited", "deleted"] {
        apply(name, "1")?;
        cluster.eventually(SOON, "failure", || {
            let sealed = cluster.get_json(&["sealedsecret", name])?;
            ensure!(condition_of(&sealed, "Stalled")["status"] == "True", "{sealed}");
            Ok(())
        })?;
    }
    relay.signal("USR1")?;
    cluster.eventually(SOON, "silence", || {
        ensure!(relay.log()?.contains("held"));
        Ok(())
    })?;
    apply("edited", "2")?;
    cluster.kubectl_ok(&["delete", "sealedsecret", "deleted"])?;
    cluster.apply(&key.secret()?.to_string())?;
    Lab::await_items_in(&cluster, "default", "edited", &json!({"a": "2"}), SOON)?;
    let version = || -> Result<Value> {
        let secret = cluster.get_json(&["secret", "edited"])?;
        Ok(secret["metadata"]["resourceVersion"].clone())
    };
    let before = version()?;
    let unchanged = |time: u64| {
        harness::eventually::throughout(Duration::from_secs(time), || {
            controller.check_running()?;
            ensure!(version()? == before, "it was written again");
            let gone = cluster.kubectl(&["get", "secret", "deleted"])?;
            ensure!(gone.stderr.contains("NotFound"), "{gone:?}");
            Ok(())
        })
    };
    unchanged(3).context("while the watches are held")?;
    relay.signal("USR2")?;
    unchanged(5).context("after the watches have told")?;
    apply("edited", "3")?;
    Lab::await_items_in(&cluster, "default", "edited", &json!({"a": "3"}), SOON)
}
