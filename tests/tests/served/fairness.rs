//! No tenant's objects starve those of another, whether they are broken, large or slow.

mod large;
mod many_values;
mod templates;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use harness::implementation::Implementation;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::admission::silent_in;
use crate::fixture::{Lab, SOON, condition_of, list};

/// Broken objects, more than passes at a time, and items in each: every one costs a try with every key.
const BROKEN: usize = 40;
const ITEMS: usize = 300;
/// Passes over the crowd that may come before the other tenant's one: those that had a core already, and some slack.
const BEFORE: usize = 8;

#[test]
fn many_broken_objects_of_one_namespace_hold_up_another_by_a_few_passes() -> Result<()> {
    const FLAGS: &[&str] = &["--key-size=2048"];
    let mut lab = Lab::start(FLAGS)?;
    // The objects are listed, and so queued, in the order of these names.
    for name in ["crowd", "other"] {
        lab.cluster.kubectl_ok(&["create", "namespace", name])?;
    }
    let items = json!({"a": "1"});
    let good = lab.seal("other", "one", &items, "strict")?;
    let folder = tempfile::tempdir()?;
    let foreign = SealingKey::generate(folder.path(), 2048)?;
    let foreign = std::fs::read_to_string(&foreign.certificate)?;
    let one = lab.seal_for(&foreign, "crowd", "broken", &items, "strict")?;
    let text = &one["spec"]["encryptedData"]["a"];
    let broken = |number: usize| {
        let items: serde_json::Map<_, _> = (0..ITEMS).map(|item| (format!("i{item}"), text.clone())).collect();
        let mut sealed = one.clone();
        sealed["metadata"]["name"] = json!(format!("broken-{number}"));
        sealed["spec"]["encryptedData"] = items.into();
        sealed
    };
    let crowd = list((0..BROKEN).map(broken));

    ensure!(lab.controller.terminate(SOON)?.success());
    lab.cluster.apply(&crowd)?;
    lab.cluster.apply(&good.to_string())?;
    lab.controller = lab.cluster.start_controller(Implementation::Ours, FLAGS)?;
    lab.await_items("other", "one", &items)?;
    let judged = lab.cluster.eventually(SOON, "status of each", || {
        let all = lab.cluster.get_json(&["sealedsecrets", "-n", "crowd"])?;
        let all = all["items"].as_array().context("a list")?.clone();
        let without = all.iter().filter(|one| condition_of(one, "Synced").is_null()).count();
        ensure!(without == 0, "{without} have none");
        Ok(all)
    })?;

    // Resource versions of this API server are growing numbers, and only statuses were written since.
    let version = |object: &Value| -> Result<u64> {
        let text = object["metadata"]["resourceVersion"].as_str().context("a version")?;
        Ok(text.parse()?)
    };
    let made = version(&lab.cluster.get_json(&["secret", "one", "-n", "other"])?)?;
    let versions = judged.iter().map(version).collect::<Result<Vec<_>>>()?;
    let before = versions.iter().filter(|version| **version < made).count();
    ensure!(
        before <= BEFORE,
        "{before} of {BROKEN} broken objects came before the other namespace's one"
    );
    Ok(())
}

impl Lab {
    /// The median of [`Lab::waits`].
    fn median_wait(&self, namespace: &str, one: &Value, round: &str) -> Result<Duration> {
        self.waits(namespace, one, round)?.get(3).copied().context("seven")
    }

    /// The times from applying a small SealedSecret of this namespace to its Secret, the shortest first.
    fn waits(&self, namespace: &str, one: &Value, round: &str) -> Result<Vec<Duration>> {
        let mut waits = Vec::new();
        for number in 0..7 {
            let mut sealed = one.clone();
            let name = format!("{round}-{number}");
            sealed["metadata"]["name"] = json!(name);
            let start = Instant::now();
            self.cluster.apply(&sealed.to_string())?;
            self.cluster
                .eventually(4 * SOON, &name, || self.items(namespace, &name))?;
            waits.push(start.elapsed());
        }
        waits.sort();
        Ok(waits)
    }

    /// The median time from an edit of a SealedSecret that is there to that of its Secret.
    fn median_edit(&self, edits: &[(Value, Value)]) -> Result<Duration> {
        let mut waits = Vec::new();
        for (sealed, items) in edits {
            let start = Instant::now();
            // A client-side `apply` would keep a copy of it in an annotation.
            self.cluster
                .kubectl_input(
                    &["apply", "--server-side", "--force-conflicts", "-f", "-"],
                    &sealed.to_string(),
                )?
                .success()?;
            Lab::await_items_in(&self.cluster, "other", "edited", items, Duration::from_secs(180))?;
            waits.push(start.elapsed());
        }
        waits.sort();
        waits.get(edits.len() / 2).copied().context("some")
    }

    /// How long another tenant waits while `hold_up` lasts, compared with a quiet time.
    fn compare_waits(&self, hold_up: impl FnOnce(&Lab) -> Result<()>) -> Result<()> {
        self.cluster.kubectl_ok(&["create", "namespace", "other"])?;
        let one = self.seal("other", "one", &json!({"a": "1"}), "namespace-wide")?;
        let quiet = self.median_wait("other", &one, "quiet")?;
        hold_up(self)?;
        let busy = self.median_wait("other", &one, "busy")?;
        println!("quiet {quiet:?}, busy {busy:?}");
        // One operation, and what a busy machine takes to start kubectl.
        ensure!(
            busy <= 2 * quiet + Duration::from_secs(1),
            "quiet {quiet:?}, busy {busy:?}"
        );
        Ok(())
    }
}

impl Lab {
    /// Restarts the controller on many namespaces, each with objects of this template.
    fn restart_on_a_crowd(
        &mut self,
        flags: &[&str],
        (namespaces, objects): (usize, usize),
        template: &str,
    ) -> Result<()> {
        let object = |namespace: usize, number: usize| {
            json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {"name": format!("long-{number}"), "namespace": format!("crowd-{namespace}")},
                "spec": {"encryptedData": {}, "template": {"data": {"long": template}}},
            })
        };
        let of_a_namespace = |namespace: usize| {
            let made =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("crowd-{namespace}")}});
            std::iter::once(made).chain((0..objects).map(move |number| object(namespace, number)))
        };
        let create = |part: &[usize]| -> Result<()> {
            let items = list(part.iter().copied().flat_map(of_a_namespace));
            self.cluster.kubectl_input(&["create", "-f", "-"], &items)?.success()?;
            Ok(())
        };
        ensure!(self.controller.terminate(SOON)?.success());
        let all: Vec<usize> = (0..namespaces).collect();
        std::thread::scope(|scope| {
            let parts = all.chunks(namespaces.div_ceil(6));
            let parts: Vec<_> = parts.map(|part| scope.spawn(move || create(part))).collect();
            parts
                .into_iter()
                .try_for_each(|part| part.join().map_err(|_| anyhow!("a panic"))?)
        })?;
        self.controller = self.cluster.start_controller(Implementation::Ours, flags)?;
        Ok(())
    }

    /// SealedSecrets that have no status yet.
    fn unjudged(&self) -> Result<usize> {
        let all = self.cluster.get_json(&["sealedsecrets", "-A"])?;
        let all = all["items"].as_array().context("a list")?;
        Ok(all.iter().filter(|one| condition_of(one, "Synced").is_null()).count())
    }
}

/// Small objects in many namespaces, whose Secrets are all to be written at once: then the API server is slower than the cores,
/// and more passes wait than are served at a time.
#[test]
fn small_objects_of_many_namespaces_are_all_done() -> Result<()> {
    const FLAGS: &[&str] = &["--key-size=2048"];
    let mut lab = Lab::start(FLAGS)?;
    lab.restart_on_a_crowd(FLAGS, (64, 16), "x")?;
    lab.cluster
        .eventually(Duration::from_secs(180), "all of the crowd", || {
            let left = lab.unjudged()?;
            ensure!(left == 0, "{left} are left");
            Ok(())
        })
}

#[test]
fn slow_webhook_of_a_namespace_holds_up_no_other() -> Result<()> {
    slow_webhook(1, 60)
}

/// Passes that a webhook holds up have places among the others.
#[test]
fn slow_webhook_of_many_namespaces_holds_up_no_other() -> Result<()> {
    slow_webhook(20, 16)
}

fn slow_webhook(namespaces: usize, objects: usize) -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let namespaces: Vec<_> = (0..namespaces).map(|number| format!("slow-{number}")).collect();
    for namespace in &namespaces {
        lab.cluster.kubectl_ok(&["create", "namespace", namespace])?;
    }
    let _silent = silent_in(&lab.cluster, &namespaces)?;
    let one = lab.seal("slow-0", "one", &json!({"a": "1"}), "cluster-wide")?;
    let held_up = |(namespace, number): (&String, usize)| {
        let mut sealed = one.clone();
        sealed["metadata"]["namespace"] = json!(namespace);
        sealed["metadata"]["name"] = json!(format!("held-up-{number}"));
        sealed
    };
    let names = namespaces
        .iter()
        .flat_map(|namespace| (0..objects).map(move |number| (namespace, number)));
    let held_up = list(names.map(held_up));
    lab.compare_waits(|lab| {
        lab.cluster.kubectl_input(&["create", "-f", "-"], &held_up)?.success()?;
        Ok(())
    })?;
    ensure!(lab.is_absent("slow-0", "held-up-0")?, "the webhook answers");
    Ok(())
}

#[test]
fn valid_work_of_strangers_holds_up_no_namespace() -> Result<()> {
    // As many items as a body takes, and all open: seconds of a core for each request.
    const STRANGERS: &str = r#"
import http.client, threading
body = open(__import__("sys").argv[1], "rb").read()
def ask(number):
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=300)
        connection.request("POST", "/v1/verify", body, {"X-Forwarded-For": f"10.0.0.{number}"})
        print(connection.getresponse().status, flush=True)
for number in range(6):
    threading.Thread(target=ask, args=(number,)).start()
"#;
    let lab = Lab::start(&["--key-size=4096"])?;
    let mut large = lab.seal("any", "large", &json!({"a": "1"}), "namespace-wide")?;
    let text = large["spec"]["encryptedData"]["a"].clone();
    let items: serde_json::Map<_, _> = (0..2800).map(|item| (format!("i{item}"), text.clone())).collect();
    large["spec"]["encryptedData"] = items.into();
    let folder = tempfile::tempdir()?;
    let body = folder.path().join("body.json");
    std::fs::write(&body, large.to_string())?;
    let strangers = std::cell::RefCell::new(None);
    lab.compare_waits(|lab| {
        let launched = lab.cluster.launch("strangers", "python3");
        let launched = launched.args(["-c", STRANGERS]).arg(&body).spawn()?;
        lab.cluster.eventually(4 * SOON, "an answer to a stranger", || {
            let said = launched.log()?;
            ensure!(said.contains("200"), "{said}");
            Ok(())
        })?;
        strangers.replace(Some(launched));
        Ok(())
    })
}
