//! The rights of the controller's ServiceAccount.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE, repository};
use serde_json::{Value, json};

use super::{Right, roles};
use crate::kustomize::{SOON, built};

const CERTIFICATE: &str = "sealed-secrets-controller-certificate";

/// A cluster with our base in it, and one ciphertext that opens under every name.
struct Bench {
    cluster: Cluster,
    sealed: Value,
}

impl Bench {
    fn start(cluster: Cluster) -> Result<Bench> {
        // The controller makes its key under the rights that it is to have.
        let controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "any", "namespace": "default"},
            "stringData": {"item": "value"}});
        let sealed = cluster.seal(Implementation::Ours, &["--scope", "cluster-wide"], &secret)?;
        // It releases its Lease, so that the next one does not wait.
        controller.terminate(SOON)?;
        Ok(Bench { cluster, sealed })
    }

    fn apply(&self, namespace: &str, name: &str) -> Result<()> {
        let mut sealed = self.sealed.clone();
        sealed["metadata"]["name"] = name.into();
        sealed["metadata"]["namespace"] = namespace.into();
        // The Secret's own are the template's where that has none.
        sealed["spec"]["template"]["metadata"] = json!({"annotations": sealed["metadata"]["annotations"]});
        self.cluster.apply(&sealed.to_string()).map(drop)
    }

    fn await_item(&self, namespace: &str, name: &str) -> Result<()> {
        self.cluster
            .eventually(SOON, &format!("Secret {namespace}/{name}"), || {
                let secret = self.cluster.get_json(&["secret", name, "-n", namespace])?;
                ensure!(secret["data"]["item"] == "dmFsdWU=", "{}", secret["data"]);
                Ok(())
            })
    }

    fn change(&self, namespace: &str, name: &str) -> Result<()> {
        let other = r#"{"data": {"item": "b3RoZXI="}}"#;
        self.cluster
            .kubectl_ok(&["patch", "secret", name, "-n", namespace, "--type=merge", "-p", other])
            .map(drop)
    }

    /// Makes the controller need the right when it starts next. `settled` is a SealedSecret that it has unsealed before.
    fn prepare(&self, right: &Right, namespace: &str, settled: &str, fresh: &str) -> Result<()> {
        let delete = |kind: &str, name: &str| {
            let gone = self
                .cluster
                .kubectl_ok(&["delete", kind, name, "-n", NAMESPACE, "--ignore-not-found"]);
            gone.map(drop)
        };
        match (right.resource.as_str(), right.verb.as_str()) {
            // Asked at every start.
            ("sealedsecrets" | "secrets" | "configmaps", "list" | "watch") | ("leases", "get" | "update") => Ok(()),
            ("leases", "create") => delete("lease", CONTROLLER),
            ("configmaps", "create") => delete("configmap", CERTIFICATE),
            ("configmaps", "update") => {
                let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"tls.crt": "other"},
                    "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE}});
                self.cluster.apply(&other.to_string()).map(drop)
            }
            ("secrets", "get" | "update") => self.change(namespace, settled),
            ("secrets" | "events", "create")
            | ("sealedsecrets/status", "update")
            | ("sealedsecrets", "get")
            | ("events", "patch") => self.apply(namespace, fresh),
            _ => bail!(
                "{}: a new right needs a way here to have the controller use it",
                right.told()
            ),
        }
    }

    /// What is left to do when the controller runs: the same event a second time is counted up, and the reference looks up
    /// whose a deleted Secret was.
    fn provoke(&self, right: &Right, namespace: &str, fresh: &str) -> Result<()> {
        if (right.resource.as_str(), right.verb.as_str()) == ("events", "patch") {
            self.await_item(namespace, fresh)?;
            self.change(namespace, fresh)?;
        }
        if is_for_the_way_back(right) {
            self.await_item(namespace, fresh)?;
            self.cluster.kubectl_ok(&["delete", "secret", fresh, "-n", namespace])?;
        }
        Ok(())
    }

    fn await_denied(&self, right: &Right, namespace: Option<&str>, before: usize) -> Result<()> {
        self.cluster.eventually(
            SOON,
            &format!("request that is denied without {}", right.told()),
            || {
                let requests = self.cluster.controller_requests()?;
                let mut requests = requests.iter().skip(before);
                let denied = requests.any(|request| right.is_missed_by(request, namespace));
                ensure!(denied, "nothing was denied, so the right may be superfluous");
                Ok(())
            },
        )
    }

    /// The API server learns of a role after a moment.
    fn await_taken(&self, role: &Value, right: &Right) -> Result<()> {
        self.cluster.apply(&role.to_string())?;
        let account = format!("--as=system:serviceaccount:{NAMESPACE}:{CONTROLLER}");
        let (resource, subresource) = right.resource.split_once('/').unwrap_or((&right.resource, ""));
        let group = right.role["rules"][right.rule]["apiGroups"][0]
            .as_str()
            .unwrap_or_default();
        let mut object = format!("{resource}.{group}").trim_end_matches('.').to_owned();
        if let Some(name) = &right.name {
            object = format!("{object}/{name}");
        }
        let namespace = role["metadata"]["namespace"].as_str().unwrap_or("default");
        let subresource = format!("--subresource={subresource}");
        self.cluster.eventually(SOON, "right that is taken away", || {
            let ask = [
                "auth",
                "can-i",
                &right.verb,
                &object,
                &subresource,
                &account,
                "-n",
                namespace,
            ];
            let answer = self.cluster.kubectl(&ask)?;
            ensure!(answer.stdout.starts_with("no"), "{}: {answer}", right.told());
            Ok(())
        })
    }
}

/// Whether the right is there for the way back: the reference's program is put in place of ours, and nothing else changes.
fn is_for_the_way_back(right: &Right) -> bool {
    (right.resource.as_str(), right.verb.as_str()) == ("sealedsecrets", "get")
}

fn is_the_controller(subject: &Value) -> bool {
    subject["kind"] == "ServiceAccount" && subject["name"] == CONTROLLER
}

#[test]
fn the_controller_needs_every_right_of_the_base_and_no_other() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let manifests = cluster.objects_in(&built(&cluster, &repository().join("deploy/base"))?)?;
    let bench = Bench::start(cluster)?;
    let rights: Vec<Right> = roles(&manifests, is_the_controller)
        .into_iter()
        .map(Right::of)
        .collect::<Result<Vec<_>>>()?
        .concat();
    ensure!(rights.len() > 10, "{rights:?}");

    // With all of them, everything that needs one is done and nothing is denied.
    let everything = bench.cluster.spawn_replica(0, &[])?;
    bench.apply("default", "settled")?;
    bench.await_item("default", "settled")?;
    bench.change("default", "settled")?;
    bench.await_item("default", "settled")?;
    bench
        .cluster
        .kubectl_ok(&["delete", "configmap", CERTIFICATE, "-n", NAMESPACE])?;
    bench
        .cluster
        .eventually(SOON, "certificate that is published again", || {
            bench.cluster.get_json(&["configmap", CERTIFICATE, "-n", NAMESPACE])
        })?;
    everything.kill()?;
    let denied: Vec<_> = bench.cluster.controller_requests()?;
    let denied: Vec<_> = denied.iter().filter(|request| request.code == 403).collect();
    ensure!(denied.is_empty(), "the rights are too few: {denied:?}");

    for (number, right) in rights.iter().enumerate() {
        let fresh = format!("fresh-{number}");
        bench.await_taken(&right.left(None), right)?;
        bench.prepare(right, "default", "settled", &fresh)?;
        let before = bench.cluster.controller_requests()?.len();
        let controller = if is_for_the_way_back(right) {
            bench.cluster.start_controller(Implementation::Reference, &[])?
        } else {
            bench.cluster.spawn_replica(0, &[])?
        };
        bench.provoke(right, "default", &fresh)?;
        bench.await_denied(right, None, before)?;
        controller.kill()?;
        bench.cluster.apply(&right.role.to_string())?;
    }
    Ok(())
}

/// One namespace for each right, in which that one is missing.
#[test]
fn a_served_namespace_needs_every_right_of_the_tenants_role() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let tenant = built(&cluster, &repository().join("deploy/tenant"))?;
    let manifests = cluster.objects_in(&tenant)?;
    let rights = Right::of(roles(&manifests, is_the_controller).first().context("a role")?)?;
    let base = cluster.objects_in(&built(&cluster, &repository().join("deploy/base"))?)?;
    let everywhere = base
        .iter()
        .find(|object| object["kind"] == "ClusterRole")
        .context("a ClusterRole")?;
    ensure!(
        everywhere["rules"] == rights[0].role["rules"],
        "a tenant gives other rights than the ClusterRole"
    );
    let bench = Bench::start(cluster)?;
    let cluster = &bench.cluster;
    cluster.kubectl_ok(&[
        "delete",
        "clusterrole/secrets-unsealer",
        "clusterrolebinding/sealed-secrets-controller",
    ])?;
    let grant = |namespace: &str| {
        cluster
            .kubectl_input(&["apply", "-n", namespace, "-f", "-"], &tenant)?
            .success()
    };
    grant(NAMESPACE)?;
    // The ClusterRole's test shows what the way back needs.
    let ours = rights.iter().filter(|right| !is_for_the_way_back(right));
    let served: BTreeMap<String, &Right> = (0..).map(|number| format!("tenant-{number}")).zip(ours).collect();
    let named = served.keys().cloned().collect::<Vec<_>>().join(",");
    let flags = ["--all-namespaces=false", &format!("--additional-namespaces={named}")];

    // With all rights first, so that every namespace has something that was unsealed before.
    for namespace in served.keys() {
        cluster.kubectl_ok(&["create", "namespace", namespace])?;
        grant(namespace)?;
        bench.apply(namespace, "settled")?;
    }
    let controller = cluster.spawn_replica(0, &flags)?;
    for namespace in served.keys() {
        bench.await_item(namespace, "settled")?;
    }
    controller.kill()?;
    let requests = cluster.controller_requests()?;
    let denied: Vec<_> = requests.iter().filter(|request| request.code == 403).collect();
    ensure!(denied.is_empty(), "the rights are too few: {denied:?}");

    // A denial in one namespace does not delay others, not even for the list of SealedSecrets.
    let mut asked: Vec<_> = served.iter().collect();
    asked.sort_by_key(|(_, right)| right.verb == "patch");
    for (namespace, right) in &asked {
        bench.await_taken(&right.left(Some(namespace.as_str())), right)?;
        bench.prepare(right, namespace, "settled", "fresh")?;
    }
    let before = cluster.controller_requests()?.len();
    let controller = cluster.spawn_replica(0, &flags)?;
    for (namespace, right) in &asked {
        bench.provoke(right, namespace, "fresh")?;
        bench.await_denied(right, Some(namespace.as_str()), before)?;
    }
    controller.kill()?;
    Ok(())
}
