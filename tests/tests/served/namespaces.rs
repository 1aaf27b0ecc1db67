//! Namespaces that are served while they have some labels.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON};
use crate::flags::apply_with;

const FLAGS: &[&str] = &["--key-size=2048", "--old-gc-behavior", "--namespace-selector=serve=yes"];

fn start() -> Result<Lab> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    apply_with(&cluster, "namespace-selector")?;
    for space in ["early", "late", "never"] {
        cluster.kubectl_ok(&["create", "namespace", space])?;
    }
    cluster.kubectl_ok(&["label", "namespace", "early", "serve=yes"])?;
    let controller = cluster.start_controller(Implementation::Ours, FLAGS)?;
    Ok(Lab { controller, cluster })
}

fn apply(lab: &Lab, space: &str, items: &Value) -> Result<()> {
    lab.cluster
        .apply(&lab.seal(space, "one", items, "strict")?.to_string())
        .map(drop)
}

fn label(lab: &Lab, space: &str, label: &str) -> Result<()> {
    lab.cluster.kubectl_ok(&["label", "namespace", space, label]).map(drop)
}

#[test]
fn namespaces_are_served_while_they_have_the_labels() -> Result<()> {
    let lab = start()?;
    let (first, second, third) = (json!({"a": "1"}), json!({"a": "2"}), json!({"a": "3"}));
    for space in ["early", "late", "never", "kube-system"] {
        apply(&lab, space, &first)?;
    }
    lab.await_items("early", "one", &first)?;
    // Its own, without a label.
    lab.await_items("kube-system", "one", &first)?;
    lab.throughout(Duration::from_secs(2), || {
        ensure!(
            lab.is_absent("late", "one")? && lab.is_absent("never", "one")?,
            "it is served"
        );
        Ok(())
    })?;
    label(&lab, "late", "serve=yes")?;
    lab.await_items("late", "one", &first)?;
    let shown = "sealed_secrets_controller_condition_info{condition=\"Synced\",name=\"one\",namespace=\"late\",ss_app_kubernetes_io_instance=\"\"}";
    lab.await_metric(shown, 1.0)?;

    // Without the label nothing is made, put right or deleted there.
    label(&lab, "late", "serve-")?;
    lab.await_log(&["namespace=late", "is served no more"])?;
    let before = lab.cluster.get_json(&["secret", "one", "-n", "late"])?;
    apply(&lab, "late", &second)?;
    lab.patch_secret("late", "one", &json!({"metadata": {"labels": {"touched": "yes"}}}))?;
    lab.throughout(Duration::from_secs(3), || {
        ensure!(lab.items("late", "one")? == first, "an edit is served");
        Ok(())
    })?;
    let after = lab.cluster.get_json(&["secret", "one", "-n", "late"])?;
    ensure!(before["metadata"]["uid"] == after["metadata"]["uid"], "{after}");
    lab.await_metric(shown, 0.0)?;

    // Missed changes are served.
    label(&lab, "late", "serve=yes")?;
    lab.await_items("late", "one", &second)?;
    apply(&lab, "late", &third)?;
    lab.await_items("late", "one", &third)?;
    // One that goes, and comes back under its name.
    lab.cluster.kubectl_ok(&["delete", "namespace", "late"])?;
    lab.cluster.eventually(SOON, "new namespace", || {
        lab.cluster.kubectl_ok(&["create", "namespace", "late"])
    })?;
    label(&lab, "late", "serve=yes")?;
    apply(&lab, "late", &first)?;
    lab.await_items("late", "one", &first)?;
    ensure!(lab.is_absent("never", "one")?, "it is served");
    for resource in ["sealedsecrets", "secrets", "namespaces", "sealing-keys", "leases"] {
        let series = format!("sealed_secrets_controller_last_contact_timestamp_seconds{{resource=\"{resource}\"}}");
        ensure!(lab.metric(&series)? > 1.7e9, "{series}");
    }
    Ok(())
}

#[test]
fn where_namespaces_may_not_be_watched_the_own_one_is_served_and_the_right_is_named() -> Result<()> {
    let lab = Lab::start(FLAGS)?;
    lab.unseal("kube-system", "one", &json!({"a": "1"}))?;
    lab.await_log(&[
        "level=WARN",
        "Namespaces cannot be watched",
        "does the controller's role allow it?",
    ])?;
    Ok(())
}
