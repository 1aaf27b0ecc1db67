//! The base, the components and the overlays.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE, repository};
use serde_json::Value;

/// The deadline for an immediate effect, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// An overlay of a user's with one component in it, which none of ours uses.
const NAMESPACED: &str = r#"
resources: [../../base]
components: [../../components/namespaced-rbac]
patches:
  - target: {kind: Deployment, name: sealed-secrets-controller}
    patch: |
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: SEALED_SECRETS_ADDITIONAL_NAMESPACES, value: "served"}}
"#;

#[test]
fn every_overlay_is_accepted_over_the_base_and_the_base_over_it() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let deploy = repository().join("deploy");
    for overlay in ["overlays/dev", "overlays/stag", "overlays/prod", "base"] {
        let manifests = built(&cluster, &deploy.join(overlay))?;
        cluster
            .apply(&manifests)
            .with_context(|| format!("the API server refuses {overlay}"))?;
    }
    Ok(())
}

#[test]
fn the_rendered_file_is_the_base() -> Result<()> {
    let cluster = Cluster::shared()?;
    let deploy = repository().join("deploy");
    let file = std::fs::read_to_string(deploy.join("controller.yaml"))?;
    let found = cluster.objects_in(&file)?;
    let expected = cluster.objects_in(&built(cluster, &deploy.join("base"))?)?;
    ensure!(expected.len() > 10, "{expected:?}");
    ensure!(
        found == expected,
        "deploy/controller.yaml is stale: put there, below its first line, what `kubectl kustomize deploy/base` prints"
    );
    Ok(())
}

/// The commands of deploy/README.md.
#[test]
fn the_base_moves_to_another_namespace_with_its_rights() -> Result<()> {
    let page = std::fs::read_to_string(repository().join("deploy/README.md"))?;
    let mut blocks = page.split("```yaml\n").filter_map(|block| block.split("```").next());
    let overlay = blocks
        .find(|block| block.contains("NamespaceTransformer"))
        .context("the kustomization")?;
    let cluster = Cluster::shared()?;
    let folder = repository().join("deploy/test-other-namespace");
    let _gone_afterwards = Folder::create(&folder)?;
    std::fs::write(folder.join("kustomization.yaml"), overlay)?;
    let objects = cluster.objects_in(&built(cluster, &folder)?)?;
    let moved = objects
        .iter()
        .filter(|object| object["metadata"]["namespace"] == "security");
    ensure!(moved.count() > 8, "{objects:?}");
    let left = objects
        .iter()
        .map(Value::to_string)
        .find(|object| object.contains(&format!("\"{NAMESPACE}\"")));
    ensure!(left.is_none(), "{left:?}");
    Ok(())
}

#[test]
fn the_overlays_are_what_they_say() -> Result<()> {
    let cluster = Cluster::shared()?;
    let overlays = repository().join("deploy/overlays");
    for (overlay, replicas, budgets, policies) in [("dev", 1, 0, 0), ("stag", 2, 1, 0), ("prod", 2, 1, 1)] {
        let objects = cluster.objects_in(&built(cluster, &overlays.join(overlay))?)?;
        let of_kind = |kind: &str| {
            objects
                .iter()
                .filter(|object| object["kind"] == kind)
                .collect::<Vec<_>>()
        };
        ensure!(
            of_kind("Deployment")[0]["spec"]["replicas"] == replicas,
            "{overlay}: replicas"
        );
        ensure!(
            of_kind("PodDisruptionBudget").len() == budgets,
            "{overlay}: disruption budgets"
        );
        ensure!(
            of_kind("NetworkPolicy").len() == policies,
            "{overlay}: network policies"
        );
        for object in &objects {
            let namespace = object["metadata"]["namespace"].as_str();
            ensure!(
                namespace == Some(NAMESPACE) || (namespace.is_none() && is_cluster_wide(&object["kind"])),
                "{overlay}: {} {} would end in {namespace:?}",
                object["kind"],
                object["metadata"]["name"]
            );
        }
    }
    Ok(())
}

#[test]
fn the_right_to_delete_is_given_in_the_cluster_and_by_namespace() -> Result<()> {
    let cluster = Cluster::shared()?;
    let deploy = repository().join("deploy");
    let folder = deploy
        .join("overlays")
        .join(format!("test-delete-{}", std::process::id()));
    let _gone_afterwards = Folder::create(&folder)?;
    let deletes = |kustomization: &str| -> Result<Vec<String>> {
        std::fs::write(folder.join("kustomization.yaml"), kustomization)?;
        let objects = cluster.objects_in(&built(cluster, &folder)?)?;
        let able = objects.iter().filter(|object| {
            let verbs = object["rules"][2]["verbs"].as_array();
            object["metadata"]["name"] == "secrets-unsealer"
                && verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == "delete"))
        });
        Ok(able.map(|object| object["kind"].to_string()).collect())
    };
    let cases = [
        ("resources: [../../base]", ""),
        (
            "{resources: [../../base], components: [../../components/delete-secrets]}",
            "\"ClusterRole\"",
        ),
        (
            "{resources: [../../base], components: [../../components/namespaced-rbac, ../../components/delete-secrets]}",
            "\"Role\"",
        ),
        ("resources: [../../tenant]", ""),
        ("resources: [../../tenant-delete]", "\"Role\""),
    ];
    for (kustomization, expected) in cases {
        ensure!(deletes(kustomization)?.join(" ") == expected, "{kustomization}");
    }
    Ok(())
}

/// Other tests show the effect of `--hybrid=publish`.
#[test]
fn the_component_of_format_v2_has_the_controller_publish_hybrid_keys() -> Result<()> {
    let cluster = Cluster::shared()?;
    let folder = repository()
        .join("deploy/overlays")
        .join(format!("test-v2-{}", std::process::id()));
    let _gone_afterwards = Folder::create(&folder)?;
    let kustomization = "{resources: [../../base], components: [../../components/format-v2, ../../components/ha]}";
    std::fs::write(folder.join("kustomization.yaml"), kustomization)?;
    let objects = cluster.objects_in(&built(cluster, &folder)?)?;
    let flags = flags_of_variables(&objects)?;
    let hybrid: Vec<_> = flags.iter().filter(|flag| flag.starts_with("--hybrid=")).collect();
    ensure!(hybrid == ["--hybrid=publish"], "{flags:?}");
    Ok(())
}

/// The rights are the shipped ones, by namespace; the controller runs with the variables that the overlay gives it.
#[test]
fn rights_by_namespace_are_enough_for_the_namespaces_that_are_named() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let folder = repository()
        .join("deploy/overlays")
        .join(format!("test-{}", std::process::id()));
    let _gone_afterwards = Folder::create(&folder)?;
    std::fs::write(folder.join("kustomization.yaml"), NAMESPACED)?;
    let manifests = built(&cluster, &folder)?;
    cluster.kubectl_ok(&[
        "delete",
        "clusterrole/secrets-unsealer",
        "clusterrolebinding/sealed-secrets-controller",
    ])?;
    cluster.apply(&manifests)?;
    for namespace in ["served", "foreign"] {
        cluster.kubectl_ok(&["create", "namespace", namespace])?;
    }
    let tenant = built(&cluster, &repository().join("deploy/tenant"))?;
    cluster
        .kubectl_input(&["apply", "-n", "served", "-f", "-"], &tenant)?
        .success()?;

    let objects = cluster.objects_in(&manifests)?;
    ensure!(
        !objects.iter().any(|object| object["kind"] == "ClusterRole"),
        "a ClusterRole is left"
    );
    let flags = flags_of_variables(&objects)?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let _controller = cluster.start_controller(Implementation::Ours, &flags)?;
    for namespace in ["foreign", "served"] {
        let secret = serde_json::json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "s", "namespace": namespace}, "stringData": {"item": namespace}});
        let sealed = cluster.seal(Implementation::Ours, &[], &secret)?;
        cluster.apply(&sealed.to_string())?;
    }
    cluster.kubectl_ok(&[
        "wait",
        "--for=condition=Synced",
        "--timeout=30s",
        "-n",
        "served",
        "sealedsecret/s",
    ])?;
    cluster.kubectl_ok(&["get", "secret", "-n", "served", "s"])?;
    // It was applied first: with any right there the controller would have served it by now.
    let foreign = cluster.kubectl(&["get", "secret", "-n", "foreign", "s"])?;
    ensure!(foreign.stderr.contains("NotFound"), "{foreign}");
    Ok(())
}

/// The flags that the variables of the Deployment stand for.
fn flags_of_variables(objects: &[Value]) -> Result<Vec<String>> {
    let deployment = objects
        .iter()
        .find(|object| object["kind"] == "Deployment")
        .context("a Deployment")?;
    let variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array()
        .context("variables")?;
    let flag = |variable: &Value| {
        // Other variables (the Pod's name) are filled in by the kubelet.
        let flag = variable["name"].as_str()?.strip_prefix("SEALED_SECRETS_")?;
        let flag = flag.to_lowercase().replace('_', "-");
        Some(format!("--{flag}={}", variable["value"].as_str()?))
    };
    Ok(variables.iter().filter_map(flag).collect())
}

/// A folder that goes away.
pub(crate) struct Folder<'a>(&'a Path);

impl<'a> Folder<'a> {
    pub(crate) fn create(path: &'a Path) -> Result<Folder<'a>> {
        std::fs::create_dir(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        std::fs::remove_dir_all(self.0).ok();
    }
}

/// The output of `kubectl kustomize` for a folder.
pub(crate) fn built(cluster: &Cluster, folder: &Path) -> Result<String> {
    Ok(cluster
        .kubectl_ok(&["kustomize", &folder.display().to_string()])?
        .stdout)
}

fn is_cluster_wide(kind: &Value) -> bool {
    let kinds = [
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ];
    kind.as_str().is_some_and(|kind| kinds.contains(&kind))
}
