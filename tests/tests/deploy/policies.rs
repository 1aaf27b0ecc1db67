//! The admission policies, in a real API server.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, repository};
use harness::output::Captured;
use serde_json::{Value, json};

#[test]
fn a_namespace_says_how_wide_a_scope_it_accepts_and_credentials_are_not_minted() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let overlay = repository().join("deploy/overlays/stag");
    let manifests = cluster.kubectl_ok(&["kustomize", &overlay.display().to_string()])?;
    cluster.apply(&manifests.stdout)?;
    for (namespace, label) in [
        ("open", None),
        ("strict", Some("strict")),
        ("middle", Some("namespace-wide")),
        ("wide", Some("cluster-wide")),
        ("mistyped", Some("clusterwide")),
    ] {
        cluster.kubectl_ok(&["create", "namespace", namespace])?;
        if let Some(label) = label {
            let label = format!("sealedsecrets.bitnami.com/largest-scope={label}");
            cluster.kubectl_ok(&["label", "namespace", namespace, &label])?;
        }
    }
    // The API server takes up a new policy after a moment.
    cluster.eventually(Duration::from_secs(60), "policy that is in force", || {
        let answer = try_to_create(&cluster, &sealed("strict", Some("cluster-wide"), None))?;
        ensure!(!answer.status.success(), "it is not yet");
        Ok(())
    })?;

    let scopes = [None, Some("namespace-wide"), Some("cluster-wide")];
    for (namespace, accepted) in [("open", 3), ("strict", 1), ("middle", 2), ("wide", 3), ("mistyped", 1)] {
        for (width, scope) in scopes.iter().enumerate() {
            let answer = try_to_create(&cluster, &sealed(namespace, *scope, None))?;
            ensure!(
                answer.status.success() == (width < accepted),
                "{scope:?} in the namespace {namespace}: {answer}"
            );
            ensure!(
                answer.status.success() || answer.stderr.contains("seal it again with a narrower --scope"),
                "{answer}"
            );
        }
    }
    for (kind, accepted) in [
        ("Opaque", true),
        ("kubernetes.io/dockerconfigjson", true),
        ("kubernetes.io/service-account-token", false),
        ("bootstrap.kubernetes.io/token", false),
    ] {
        let answer = try_to_create(&cluster, &sealed("open", None, Some(kind)))?;
        ensure!(answer.status.success() == accepted, "{kind}: {answer}");
        ensure!(accepted || answer.stderr.contains("mints credentials"), "{answer}");
    }
    Ok(())
}

fn try_to_create(cluster: &Cluster, object: &Value) -> Result<Captured> {
    cluster.kubectl_input(&["create", "--dry-run=server", "-f", "-"], &object.to_string())
}

fn sealed(namespace: &str, scope: Option<&str>, kind: Option<&str>) -> Value {
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "s", "namespace": namespace},
        "spec": {"encryptedData": {"item": "AgA="}, "template": {"metadata": {"name": "s"}}},
    });
    if let Some(scope) = scope {
        object["metadata"]["annotations"] = json!({format!("sealedsecrets.bitnami.com/{scope}"): "true"});
    }
    if let Some(kind) = kind {
        object["spec"]["template"]["type"] = kind.into();
    }
    object
}
