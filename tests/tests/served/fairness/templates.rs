//! Templates that fail, or that take much time, beside other work.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::fixture::{Lab, SOON, condition_of, list};

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
