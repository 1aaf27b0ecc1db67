//! One tenant's objects, be they broken, large or held up, starve nobody.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use harness::implementation::Implementation;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::admission::silent_in;
use crate::lab::{Lab, SOON, condition_of, list};

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

    // Of this API server versions are numbers that grow, and nothing but their statuses was written since.
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

#[test]
fn large_objects_hold_up_another_namespace_by_an_operation() -> Result<()> {
    const LARGE: usize = 40;
    const ITEMS: usize = 1900;
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "crowd"])?;
    let one = lab.seal("crowd", "one", &json!({"a": "1"}), "namespace-wide")?;
    let text = &one["spec"]["encryptedData"]["a"];
    let items: serde_json::Map<_, _> = (0..ITEMS).map(|item| (format!("i{item}"), text.clone())).collect();
    let large = |number: usize| {
        let mut sealed = one.clone();
        sealed["metadata"]["name"] = json!(format!("large-{number}"));
        sealed["spec"]["encryptedData"] = items.clone().into();
        sealed
    };
    // By one kubectl: forty of them would take as long as the crowd.
    let crowd = list((0..LARGE).map(large));
    lab.compare_waits(|lab| {
        lab.cluster.kubectl_input(&["create", "-f", "-"], &crowd)?.success()?;
        Ok(())
    })?;
    let synced = || {
        let all = lab.cluster.get_json(&["sealedsecrets", "-n", "crowd"])?;
        let all = all["items"].as_array().context("a list")?;
        Ok::<_, anyhow::Error>(
            all.iter()
                .filter(|one| condition_of(one, "Synced")["status"] == "True")
                .count(),
        )
    };
    ensure!(synced()? < LARGE, "the crowd was done before the other tenant asked");
    lab.cluster.eventually(10 * SOON, "all of the crowd", || {
        let synced = synced()?;
        ensure!(synced == LARGE, "{synced}");
        Ok(())
    })
}

/// Each template fails with a message of its own; as many as one object may have.
#[test]
fn failing_templates_hold_up_no_namespace() -> Result<()> {
    const OBJECTS: usize = 4;
    const TEMPLATES: usize = 4_900;
    const LONGEST_LINE: usize = 8 * 1024;
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "crowd"])?;
    let templates: serde_json::Map<_, _> = (0..TEMPLATES).map(|n| (format!("{n:04x}"), json!("{{"))).collect();
    lab.compare_waits(|lab| {
        for number in 0..OBJECTS {
            let object = json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {"name": format!("failing-{number}"), "namespace": "crowd"},
                "spec": {"encryptedData": {}, "template": {"data": templates}},
            });
            lab.cluster
                .kubectl_input(&["create", "-f", "-"], &object.to_string())?
                .success()?;
        }
        Ok(())
    })?;
    let said = lab.await_condition("crowd", "failing-0", "Synced", "False")?;
    let message = condition_of(&said, "Synced")["message"].to_string();
    ensure!(message.len() < 20_000, "{} bytes", message.len());
    let log = lab.controller.log()?;
    let longest = log.lines().map(str::len).max().unwrap_or_default();
    ensure!(longest < LONGEST_LINE, "a line of {longest} bytes");
    Ok(())
}

/// Values of two bytes each take 50 times as much memory.
#[test]
fn object_of_many_values_is_refused_alone() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "many", "namespace": "default"},
        "spec": {"encryptedData": {}, "template": {"metadata": {"annotations": {}, "finalizers": vec![""; 400_000]}}},
    });
    lab.cluster
        .kubectl_input(&["create", "-f", "-"], &object.to_string())?
        .success()?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    lab.cluster.eventually(SOON, "event of the large one", || {
        let events = lab.events("default", "many")?;
        let said = "the object holds more than 5000 values";
        ensure!(events.iter().any(|event| event.contains(said)), "{events:?}");
        Ok(())
    })?;
    lab.await_condition("default", "many", "Synced", "False")?;
    // One that was in sync.
    let others = json!([{"op": "add", "path": "/status/conditions/-", "value": {"type": "Theirs", "status": "True"}}]);
    lab.cluster.kubectl_ok(&[
        "patch",
        "sealedsecret",
        "one",
        "--subresource=status",
        "--type=json",
        "-p",
        &others.to_string(),
    ])?;
    let many: serde_json::Map<_, _> = (0..6000).map(|n| (format!("k{n}"), json!("x"))).collect();
    let grown = json!({"spec": {"template": {"data": many}}});
    let patch = |patch: &Value| {
        lab.cluster
            .kubectl_input(
                &[
                    "patch",
                    "sealedsecret",
                    "one",
                    "--type=merge",
                    "--patch-file=/dev/stdin",
                ],
                &patch.to_string(),
            )?
            .success()
    };
    patch(&grown)?;
    let said = lab.await_condition("default", "one", "Synced", "False")?;
    ensure!(
        condition_of(&said, "Ready")["status"] == "False" && condition_of(&said, "Stalled")["reason"] == "Unreadable",
        "{said}"
    );
    ensure!(condition_of(&said, "Theirs")["status"] == "True", "{said}");
    ensure!(
        said["spec"]["template"]["data"]
            .as_object()
            .is_some_and(|data| data.len() == 6000)
    );
    ensure!(said["spec"]["encryptedData"]["a"].is_string(), "the spec is the user's");
    patch(&json!({"spec": {"template": {"data": null}}}))?;
    let said = lab.await_condition("default", "one", "Synced", "True")?;
    ensure!(
        condition_of(&said, "Stalled").is_null() && condition_of(&said, "Theirs")["status"] == "True",
        "{said}"
    );
    Ok(())
}

/// Templates that make keys keep a core for seconds, which no other work does. Also with more of them, in many namespaces,
/// than there are passes at a time.
#[test]
fn costly_templates_hold_up_no_namespace() -> Result<()> {
    const OBJECTS: usize = 16;
    const NAMESPACES: usize = 20;
    let lab = Lab::start(&["--key-size=2048"])?;
    let keys = "{{ range until 2 }}{{ genPrivateKey \"rsa\" | len }}{{ end }}";
    let object = |number: usize| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": format!("costly-{number}"), "namespace": format!("crowd-{}", number / OBJECTS)},
            "spec": {"encryptedData": {}, "template": {"data": {"keys": keys}}},
        })
    };
    let namespace = |number: usize| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("crowd-{number}")}});
    lab.cluster.apply(&list((0..NAMESPACES).map(namespace)))?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    let one = lab.seal("other", "one", &json!({"a": "1"}), "namespace-wide")?;
    let quiet = lab.waits("other", &one, "quiet")?;
    // The longest: a core is kept for seconds, now and then.
    let quiet = quiet[quiet.len() - 1];
    for (round, objects) in [("few", 0..6), ("many", 6..NAMESPACES * OBJECTS)] {
        lab.cluster
            .kubectl_input(&["create", "-f", "-"], &list(objects.map(object)))?
            .success()?;
        let busy = lab.waits("other", &one, round)?;
        println!("quiet {quiet:?}, {round} {busy:?}");
        ensure!(
            busy[busy.len() - 1] <= 2 * quiet + Duration::from_secs(1),
            "quiet {quiet:?}, {round} {busy:?}"
        );
    }
    // A template that only names such a function is as any other.
    let mut named = one.clone();
    named["spec"]["template"]["data"] = json!({"conf": "# passwords are hashed by bcrypt, see htpasswd"});
    let busy = lab.waits("other", &named, "named")?;
    println!("quiet {quiet:?}, named {busy:?}");
    ensure!(
        busy[busy.len() - 1] <= 2 * quiet + Duration::from_secs(1),
        "quiet {quiet:?}, named {busy:?}"
    );
    // One that hashes a password waits for a key that is being made, and not for all of the crowd.
    let mut hashed = one.clone();
    hashed["metadata"]["name"] = json!("hashed");
    hashed["spec"]["template"]["data"] = json!({"auth": "{{ htpasswd \"u\" \"p\" }}"});
    let start = Instant::now();
    lab.cluster.apply(&hashed.to_string())?;
    lab.cluster
        .eventually(4 * SOON, "hashed", || lab.items("other", "hashed"))?;
    println!("quiet {quiet:?}, hashed {:?}", start.elapsed());
    let waits = lab.cluster.get_json(&["secrets", "-A"])?["items"]
        .as_array()
        .context("a list")?
        .len();
    ensure!(waits < 256, "{waits} Secrets: the crowd was done before");
    Ok(())
}

impl Lab {
    /// Starts the controller anew on many namespaces of one person, each with objects of this template.
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

/// Objects whose templates take what the limits allow.
#[test]
fn many_namespaces_of_much_work_hold_up_no_other() -> Result<()> {
    const FLAGS: &[&str] = &["--key-size=2048"];
    let mut lab = Lab::start(FLAGS)?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    let one = lab.seal("other", "one", &json!({"a": "1"}), "namespace-wide")?;
    let quiet = lab.median_wait("other", &one, "quiet")?;
    let long = "{{ range until 9000 }}{{ $x := divf 1 2 }}{{ end }}";
    lab.restart_on_a_crowd(FLAGS, (240, 5), long)?;
    let busy = lab.median_wait("other", &one, "busy")?;
    let left = lab.unjudged()?;
    println!("quiet {quiet:?}, busy {busy:?}, {left} not done at the end");
    ensure!(left > 0, "the crowd was done before");
    ensure!(
        busy <= 2 * quiet + Duration::from_millis(500),
        "quiet {quiet:?}, busy {busy:?}"
    );
    Ok(())
}

/// Objects whose templates make Secrets of almost a megabyte, and another tenant's that are large, too. What is opened is also
/// written: work that is thrown away for want of room would go on for minutes.
#[test]
fn many_large_objects_are_done_soon_and_let_a_large_edit_pass() -> Result<()> {
    const FLAGS: &[&str] = &["--key-size=2048"];
    let mut lab = Lab::start(FLAGS)?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    let edits = (0..6).map(|edit| {
        let items = json!({"a": edit.to_string().repeat(100_000)});
        Ok((lab.seal("other", "edited", &items, "strict")?, items))
    });
    let edits = edits.collect::<Result<Vec<_>>>()?;
    let quiet = lab.median_edit(&edits[..3])?;
    let large = "{{ range until 9000 }}{{ $x := divf 1 2 }}{{ end }}{{ repeat 900000 \"x\" }}";
    lab.restart_on_a_crowd(FLAGS, (60, 5), large)?;
    let start = Instant::now();
    let busy = lab.median_edit(&edits[3..])?;
    let left = lab.unjudged()?;
    println!("quiet {quiet:?}, busy {busy:?}, {left} not done at the end");
    ensure!(left > 0, "the crowd was done before");
    lab.cluster
        .eventually(Duration::from_secs(600), "all of the crowd", || {
            let left = lab.unjudged()?;
            ensure!(left == 0, "{left} are left");
            Ok(())
        })?;
    // What it shares with the others is the API server, which takes some twenty such Secrets in a second, and fewer where it is slow.
    let all = start.elapsed();
    ensure!(
        busy <= 2 * quiet + all / 4,
        "quiet {quiet:?}, busy {busy:?}, all {all:?}"
    );
    println!("all done after {all:?}");
    Ok(())
}

/// What they make is large, too, or may be; for an edit, the Secret that is there is read.
#[test]
fn large_and_costly_objects_hold_up_no_edit() -> Result<()> {
    const NAMESPACES: usize = 20;
    const OBJECTS: usize = 2;
    let lab = Lab::start(&["--key-size=2048"])?;
    let keys = "{{ range until 2 }}{{ $x := genPrivateKey \"rsa\" }}{{ end }}ok";
    let object = |number: usize| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {
                "name": format!("large-{number}"), "namespace": format!("crowd-{}", number / OBJECTS),
                "annotations": {"large": "y".repeat(33_000)},
            },
            "spec": {"encryptedData": {}, "template": {"data": {"keys": keys}}},
        })
    };
    let namespace = |number: usize| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("crowd-{number}")}});
    lab.cluster.apply(&list((0..NAMESPACES).map(namespace)))?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    let edits = (0..10).map(|edit| {
        let items = json!({"a": edit.to_string()});
        Ok((lab.seal("other", "edited", &items, "strict")?, items))
    });
    let edits = edits.collect::<Result<Vec<_>>>()?;
    let quiet = lab.median_edit(&edits[..5])?;
    let crowd = list((0..NAMESPACES * OBJECTS).map(object));
    lab.cluster.kubectl_input(&["create", "-f", "-"], &crowd)?.success()?;
    let busy = lab.median_edit(&edits[5..])?;
    println!("quiet {quiet:?}, busy {busy:?}");
    ensure!(lab.is_absent("crowd-19", "large-39")?, "the crowd was done before");
    ensure!(
        busy <= 2 * quiet + Duration::from_secs(1),
        "quiet {quiet:?}, busy {busy:?}"
    );
    Ok(())
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
    // As many items as a body takes, of which each opens: seconds of a core, again and again.
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
