//! Large objects beside other work.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of, list};

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
    Ok(())
}

/// Its spec and foreign conditions stay, and it is served again after it has shrunk.
#[test]
fn object_that_grows_to_many_values_keeps_its_spec() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
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
    // The edit shares the API server with the others, which takes some twenty such Secrets a second, or fewer on a slow machine.
    let all = start.elapsed();
    ensure!(
        busy <= 2 * quiet + all / 4,
        "quiet {quiet:?}, busy {busy:?}, all {all:?}"
    );
    println!("all done after {all:?}");
    Ok(())
}

/// Their Secrets may be large, too. An edit reads the existing Secret.
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
