//! OpenShift's requirements, as far as a plain API server has them: its admission plugin for owner references is enabled here.

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, repository};
use serde_json::{Value, json};

use crate::chart;
use crate::kustomize::{Folder, SOON, built};

const PLUGIN: &str = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement";
/// The values that deploy/README.md gives to the chart.
const VALUES: &str = "podSecurityContext.fsGroup=null,containerSecurityContext.runAsUser=null,rbac.deleteSecrets=true";

/// The base with the component.
fn manifests(cluster: &Cluster) -> Result<String> {
    let folder = repository()
        .join("deploy/overlays")
        .join(format!("test-openshift-{}", std::process::id()));
    let _gone_afterwards = Folder::create(&folder)?;
    let overlay = "{resources: [../../base], components: [../../components/openshift]}";
    std::fs::write(folder.join("kustomization.yaml"), overlay)?;
    built(cluster, &folder)
}

fn items(cluster: &Cluster) -> Result<Value> {
    Ok(cluster.get_json(&["secret", "one"])?["data"].clone())
}

#[test]
fn a_take_over_is_refused_with_the_reason_and_done_with_the_component() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    cluster.stop_apiserver()?;
    cluster.start_apiserver_with(&[PLUGIN])?;
    let _controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
    let managed = json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"a": "by hand"},
        "metadata": {"name": "one", "namespace": "default", "annotations": {"sealedsecrets.bitnami.com/managed": "true"}},
    });
    cluster.apply(&managed.to_string())?;
    let by_hand = items(&cluster)?;
    let secret = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "stringData": {"a": "1"}});
    for name in ["one", "new"] {
        let sealed = cluster.seal(Implementation::Ours, &[], &secret(name))?;
        cluster.apply(&sealed.to_string())?;
    }
    let synced = |name: &str| -> Result<Value> {
        let sealed = cluster.get_json(&["sealedsecret", name])?;
        let conditions = sealed["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let synced = conditions.into_iter().find(|condition| condition["type"] == "Synced");
        synced.context("no status")
    };
    cluster.eventually(SOON, "reason", || {
        let refused = synced("one")?;
        let message = refused["message"].as_str().unwrap_or_default();
        ensure!(refused["reason"] == "OwnerReferenceDenied", "{refused}");
        ensure!(message.contains("right to delete Secrets"), "{refused}");
        // Making one with an owner is allowed to everybody who may make it.
        ensure!(synced("new")?["status"] == "True", "{}", synced("new")?);
        Ok(())
    })?;
    ensure!(items(&cluster)? == by_hand, "it was written all the same");
    cluster.apply(&manifests(&cluster)?)?;
    cluster.eventually(SOON * 2, "take-over", || {
        ensure!(synced("one")?["status"] == "True", "{}", synced("one")?);
        ensure!(items(&cluster)? == json!({"a": "MQ=="}));
        Ok(())
    })
}

#[test]
fn no_user_and_no_group_is_named() -> Result<()> {
    let cluster = Cluster::shared()?;
    let rendered = chart::template(&chart::ours(), &["--set", VALUES])?.success()?.stdout;
    for manifests in [manifests(cluster)?, rendered] {
        ensure!(manifests.contains("runAsNonRoot: true"));
        for fixed in ["runAsUser", "runAsGroup", "fsGroup"] {
            ensure!(!manifests.contains(fixed), "{fixed} is there:\n{manifests}");
        }
    }
    Ok(())
}
