//! Incidents caused by other clients, and by flags.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::implementation::Implementation;
use serde_json::{Value, json};

use super::{End, GOAL, Row, Stage};
use crate::connections::namespaces;
use crate::fixture::{SOON, get};

pub(super) const ROWS: &[Row] = &[
    ("a second owner on the Secret", second_owner),
    ("a Secret stripped of its owner: an edit", stripped),
    ("a Secret that terminates behind a finalizer", terminating),
    ("an item name that the API server refuses", item_name),
    ("made anew 15 times in a row", made_anew),
    ("a take-over under OpenShift's owner-reference admission", take_over),
    ("150 additional namespaces", many_namespaces),
    ("one bad name in that list", bad_name),
    (
        "metrics of namespaces that have gone (ours: a resync every 20 s)",
        series,
    ),
];

fn second_owner(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    stage.begin()?;
    stage.cluster.kubectl_ok(&["create", "configmap", "operators"])?;
    let other = stage.cluster.get_json(&["configmap", "operators"])?;
    let secret = stage.cluster.get_json(&["secret", "one"])?;
    let mut owners = secret["metadata"]["ownerReferences"]
        .as_array()
        .context("owners")?
        .clone();
    owners.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "operators", "uid": other["metadata"]["uid"]}));
    stage.patch(&json!({"metadata": {"ownerReferences": owners}}))?;
    let is_there = || -> Result<bool> {
        let owners = &stage.cluster.get_json(&["secret", "one"])?["metadata"]["ownerReferences"];
        Ok(owners.to_string().contains("operators"))
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if !is_there()? {
            return Ok(End::bad(&format!(
                "thrown out after {:.1} s",
                start.elapsed().as_secs_f64()
            )));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    // An edit is written over the Secret.
    stage.apply("default", "2")?;
    stage.cluster.eventually(GOAL, "edit", || stage.has("default", "2"))?;
    Ok(if is_there()? {
        End {
            good: Some(Duration::ZERO),
            says: "stays".to_owned(),
        }
    } else {
        End::bad("thrown out by the next edit")
    })
}

fn stripped(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    stage.begin()?;
    stage.patch(&json!({"metadata": {"ownerReferences": null}}))?;
    std::thread::sleep(Duration::from_secs(2));
    stage.apply("default", "2")?;
    Ok(stage.served("default", "2"))
}

fn synced(stage: &Stage) -> Result<Value> {
    let sealed = stage.cluster.get_json(&["sealedsecret", "one"])?;
    let conditions = sealed["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let synced = conditions.into_iter().find(|condition| condition["type"] == "Synced");
    Ok(synced.context("no condition")?["status"].clone())
}

fn terminating(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    stage.begin()?;
    stage.patch(&json!({"metadata": {"finalizers": ["example.com/hold"]}}))?;
    stage.cluster.kubectl_ok(&["delete", "secret", "one", "--wait=false"])?;
    let end = End::of("`Synced=False`", || {
        ensure!(synced(stage)? == "False");
        Ok(())
    });
    stage.patch(&json!({"metadata": {"finalizers": null}}))?;
    Ok(end)
}

fn item_name(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    let mut sealed = stage.seal("default", "1")?;
    let value = sealed["spec"]["encryptedData"]["a"].clone();
    sealed["spec"]["encryptedData"] = json!({"not a name": value});
    stage.cluster.apply(&sealed.to_string())?;
    Ok(stage.named(&["must consist of alphanumeric characters"]))
}

fn made_anew(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    let sealed = stage.seal("default", "1")?.to_string();
    let start = Instant::now();
    for _ in 0..15 {
        stage.cluster.apply(&sealed)?;
        stage.cluster.eventually(GOAL, "Secret", || stage.has("default", "1"))?;
        stage.cluster.kubectl_ok(&["delete", "sealedsecret", "one"])?;
    }
    stage.cluster.apply(&sealed)?;
    stage.cluster.eventually(GOAL, "Secret in the end", || {
        ensure!(synced(stage)? == "True");
        stage.has("default", "1")
    })?;
    let events = stage.cluster.get_json(&["events"])?;
    let warnings = events["items"].as_array().context("events")?;
    let warnings = warnings.iter().filter(|event| event["type"] == "Warning").count();
    let says = format!("{warnings} false warnings");
    Ok(match warnings {
        0 => End {
            good: Some(start.elapsed()),
            says,
        },
        _ => End::bad(&says),
    })
}

fn take_over(stage: &Stage) -> Result<End> {
    stage.cluster.stop_apiserver()?;
    stage
        .cluster
        .start_apiserver_with(&["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"])?;
    let _controller = stage.start(&[])?;
    let managed = json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"a": "by hand"},
        "metadata": {"name": "one", "namespace": "default", "annotations": {"sealedsecrets.bitnami.com/managed": "true"}},
    });
    stage.cluster.apply(&managed.to_string())?;
    stage.apply("default", "1")?;
    let mut taken = false;
    let end = End::of("over", || {
        taken = stage.has("default", "1").is_ok();
        let status = stage.cluster.get_json(&["sealedsecret", "one"])?["status"].to_string();
        ensure!(
            taken || status.contains("right to delete Secrets") || status.contains("cannot set"),
            "{status}"
        );
        Ok(())
    });
    let how = if taken { "taken over" } else { "named" };
    Ok(End {
        says: end.says.replace("over", how),
        ..end
    })
}

fn many_namespaces(stage: &Stage) -> Result<End> {
    let controller = stage.launch()?.arg(namespaces(150)).spawn()?;
    let start = Instant::now();
    let ready = stage.cluster.eventually(GOAL, "readiness", || {
        ensure!(get(&stage.cluster, "/healthz")?.0 == 200);
        stage.begin()
    });
    let files = std::fs::read_dir(format!("/proc/{}/fd", controller.pid()?))?.count();
    Ok(match ready {
        Ok(()) => End::good(start.elapsed(), &format!("{files} open files, served")),
        Err(_) => End::bad(&format!("{files} open files, not served within 60 s")),
    })
}

fn bad_name(stage: &Stage) -> Result<End> {
    let controller = stage.launch()?.arg("--additional-namespaces=default,a b").spawn()?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        if let Some(status) = controller.ended()? {
            let names = controller.log()?.contains("a b");
            return Ok(match names {
                true => End::good(start.elapsed(), &format!("ends with {status} and the name")),
                false => End::bad(&format!("ends with {status}")),
            });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let start = Instant::now();
    Ok(match stage.begin() {
        Ok(()) => End::good(start.elapsed(), "goes on, others are served"),
        Err(_) => End::bad("goes on, and nobody is served"),
    })
}

/// Ours removes them with each resync, which is every ten minutes unless a flag says otherwise.
fn series(stage: &Stage) -> Result<End> {
    let flags = match stage.whose {
        Implementation::Ours => &["--resync-period=20s"][..],
        Implementation::Reference => &[],
    };
    let _controller = stage.start(flags)?;
    stage.cluster.kubectl_ok(&["create", "namespace", "brief"])?;
    let mut sealed = stage.seal("default", "1")?;
    sealed["metadata"]["namespace"] = "brief".into();
    stage.cluster.apply(&sealed.to_string())?;
    let there = || -> Result<bool> {
        let metrics = stage.cluster.http("GET", 8081, "/metrics", &json!({}), "")?.body;
        Ok(metrics.contains("\"brief\""))
    };
    stage.cluster.eventually(SOON, "series of the namespace", || {
        ensure!(there()?);
        Ok(())
    })?;
    stage.cluster.kubectl_ok(&["delete", "namespace", "brief"])?;
    Ok(End::of("gone", || {
        ensure!(!there()?);
        Ok(())
    }))
}
