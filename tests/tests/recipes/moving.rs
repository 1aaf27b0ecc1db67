//! `docs/recipes/moving.md`: a Secret changes hands and is there all the time.

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::repository;
use harness::output::run;
use serde_json::{Value, json};

use crate::fixture::Kitchen;
use crate::page::commands_under;

/// The names that stand in the page.
const NAMESPACE: &str = "streaming";
const NAME: &str = "connect-kafka";

pub(crate) fn from_external_secrets(kitchen: &Kitchen) -> Result<()> {
    let cluster = &kitchen.cluster;
    let commands = commands_under(&repository().join("docs/recipes/moving.md"), "From External Secrets")?;
    kitchen.ensure_namespace(NAMESPACE)?;
    apply_external_secret(cluster)?;
    let get = || cluster.get_json(&["secret", NAME, "-n", NAMESPACE]);
    let before = get()?;

    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("cert.pem"), &kitchen.certificate)?;
    let mut shell = cluster.desk("bash", folder.path())?;
    let typed = run(shell.args(["-euo", "pipefail", "-c", &commands]))?.success()?;
    ensure!(typed.stderr.is_empty(), "{typed}");
    let wait = [
        "wait",
        "--for=condition=Synced",
        "--timeout=30s",
        "-n",
        NAMESPACE,
        "sealedsecret/connect-kafka",
    ];
    cluster.kubectl_ok(&wait).map_err(|error| cluster.with_logs(error))?;

    let after = get()?;
    ensure!(
        after["metadata"]["uid"] == before["metadata"]["uid"],
        "the Secret was made anew"
    );
    ensure!(after["data"] == before["data"], "its items changed");
    let owners = after["metadata"]["ownerReferences"].as_array().context("an owner")?;
    ensure!(owners.len() == 1 && owners[0]["kind"] == "SealedSecret", "{owners:?}");
    let left = after["metadata"].to_string();
    ensure!(after["metadata"]["labels"] == json!({"app": "shop"}), "{left}");
    ensure!(
        after["metadata"]["annotations"]["reconcile.external-secrets.io/data-hash"].is_null(),
        "{left}"
    );
    Ok(())
}

/// An ExternalSecret and its Secret, as the controller of External Secrets leaves it.
fn apply_external_secret(cluster: &Cluster) -> Result<()> {
    let external = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"secretStoreRef": {"name": "aws"}, "dataFrom": [{"extract": {"key": "prod/connect-kafka"}}]},
    });
    let external: Value = cluster
        .kubectl_input(&["create", "-o", "json", "-f", "-"], &external.to_string())?
        .success()?
        .json()?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": {"password": "hunter2"},
        "metadata": {
            "name": NAME, "namespace": NAMESPACE,
            "labels": {"reconcile.external-secrets.io/created-by": "0123", "reconcile.external-secrets.io/managed": "true", "app": "shop"},
            "annotations": {"reconcile.external-secrets.io/data-hash": "4567"},
            "ownerReferences": [{
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": NAME, "uid": external["metadata"]["uid"],
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
    });
    cluster.apply(&secret.to_string()).map(drop)
}
