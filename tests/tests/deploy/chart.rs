//! The chart, by a real helm: alone, and over a release of the reference's chart and back.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE, reference_source, repository};
use harness::output::{Captured, run};
use harness::peers::{self, PeerSet};
use serde_json::{Value, json};

use crate::kustomize::built;

const KUBERNETES: &str = "--kube-version=1.34.4";

/// Our chart.
pub(crate) fn ours() -> PathBuf {
    repository().join("deploy/chart/sealed-secrets")
}

fn the_references() -> Result<PathBuf> {
    Ok(reference_source()?.join("helm/sealed-secrets"))
}

/// Helm without a cluster.
fn helm(arguments: &[&str]) -> Result<Captured> {
    let peers = PeerSet::installed(&[peers::HELM])?;
    run(std::process::Command::new(peers.path(&peers::HELM)?).args(arguments))
}

/// The chart rendered with these values.
pub(crate) fn template(chart: &std::path::Path, more: &[&str]) -> Result<Captured> {
    let chart = chart.display().to_string();
    let mut arguments = vec!["template", "release", &chart, "-n", NAMESPACE, KUBERNETES];
    arguments.extend(more);
    helm(&arguments)
}

/// Kind, namespace and name of everything in a rendered chart.
fn identities(rendered: &Captured) -> Vec<String> {
    let mut found: Vec<String> = rendered
        .stdout
        .split("\n---")
        .filter_map(|document| {
            let field = |prefix: &str| document.lines().find_map(|line| line.strip_prefix(prefix));
            let kind = field("kind: ")?;
            let namespace = field("  namespace: ").unwrap_or("-");
            Some(format!("{kind} {namespace} {}", field("  name: ")?))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn the_chart_is_in_order_and_makes_the_objects_of_the_references() -> Result<()> {
    let lint = helm(&["lint", &ours().display().to_string()])?.success()?;
    ensure!(lint.stdout.contains("0 chart(s) failed"), "{lint}");
    for values in [
        &[][..],
        &["--set", "fullnameOverride=sealed-secrets-controller"],
        &["--set", "nameOverride=other,serviceAccount.name=account"],
        &["--set", "createController=false"],
        &[
            "--set",
            "rbac.clusterRole=false,rbac.namespacedRoles=true,additionalNamespaces={a,b}",
        ],
        &[
            "--set",
            "pdb.create=true,networkPolicy.enabled=true,ingress.enabled=true",
        ],
        &["--set", "rbac.create=false,serviceAccount.create=false"],
        &["--set", "rbac.serviceProxier.bind=false"],
        &["--set", "rbac.clusterRole=false"],
        // An existing ClusterRole is bound.
        &["--set", "rbac.clusterRole=false,rbac.clusterRoleName=theirs"],
        &["--set", "rbac.namespacedRoles=true"],
    ] {
        let mut expected = identities(&template(&the_references()?, values)?.success()?);
        // No rule repeats what the rights on all Secrets, or on those of the release's namespace, allow.
        let rights = values.get(1).copied().unwrap_or_default();
        let of_another_role = rights.contains("rbac.clusterRole=false") && !rights.contains("namespacedRoles");
        expected.retain(|object| of_another_role || !object.ends_with("key-admin"));
        let mut found = identities(&template(&ours(), values)?.success()?);
        // The controller's own objects (its Lease, its ConfigMap) have rules of their own here.
        found.retain(|object| expected.contains(object) || !is_only_ours(object));
        ensure!(found == expected, "{values:?}: {found:#?} in place of {expected:#?}");
    }
    Ok(())
}

/// The reference forgets its own namespace when it gives rights by namespace.
fn is_only_ours(object: &str) -> bool {
    ["leader", "certificate"].iter().any(|word| object.ends_with(word))
        || object == format!("Role {NAMESPACE} secrets-unsealer")
        || object == format!("RoleBinding {NAMESPACE} release-sealed-secrets")
}

#[test]
fn the_chart_gives_the_rights_of_the_base() -> Result<()> {
    let cluster = Cluster::shared()?;
    let name = ["--set", "fullnameOverride=sealed-secrets-controller"];
    let rights = |manifests: &str| -> Result<Vec<String>> {
        let objects = cluster.objects_in(manifests)?;
        let mut rules: Vec<_> = objects.iter().filter_map(|object| object.get("rules")).collect();
        rules.sort_by_key(|rules| rules.to_string());
        Ok(rules.into_iter().map(Value::to_string).collect())
    };
    let base = rights(&built(cluster, &repository().join("deploy/base"))?)?;
    let chart = rights(&template(&ours(), &name)?.success()?.stdout)?;
    ensure!(base.len() > 3 && chart == base, "{chart:#?} in place of {base:#?}");
    Ok(())
}

#[test]
fn the_references_values_are_taken_and_mistakes_are_not() -> Result<()> {
    let values = the_references()?.join("values.yaml");
    let values = values.display().to_string();
    let image = |more: &[&str]| -> Result<String> {
        let rendered = template(&ours(), &[&["-f", &values][..], more].concat())?.success()?;
        let line = rendered
            .stdout
            .lines()
            .find_map(|line| line.trim().strip_prefix("image: "));
        Ok(line.context("an image")?.to_owned())
    };
    // They name the reference's image, which this chart must not run.
    ensure!(image(&[])? == "localhost/sealed-secrets-controller:0.40.0");
    let digest = format!("sha256:{}", "0".repeat(64));
    let mirror = format!("image.registry=registry.example.com,image.digest={digest}");
    ensure!(image(&["--set", &mirror])? == format!("registry.example.com/sealed-secrets-controller@{digest}"));
    ensure!(image(&["--set", "image.repository=own,image.tag=1"])? == "docker.io/own:1");
    // Values that its templates read and its values file does not list.
    let more = [
        "service.labels.team=a,metrics.service.labels.team=b",
        "rbac.serviceProxier.subjects[0].kind=Group,rbac.serviceProxier.subjects[0].name=sealers",
        "commonLabels.app\\.kubernetes\\.io/name=platform",
    ];
    let rendered = template(&ours(), &["--set", &more.join(",")])?.success()?.stdout;
    for line in ["team: a", "team: b", "name: sealers"] {
        ensure!(
            rendered
                .lines()
                .any(|found| found.trim() == line || found.trim() == format!("- {line}")),
            "{line}: {rendered}"
        );
    }
    let pod = rendered.split("  template:\n").nth(1).context("a Pod template")?;
    ensure!(
        !pod.contains("platform"),
        "the labels of Pods are those of the selector: {pod}"
    );
    for (wrong, told) in [
        ("keyrenewperiodd=5h", "keyrenewperiodd"),
        ("keyrenewperiod=soon", "keyrenewperiod"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("rbac.clusterrole=false", "clusterrole"),
        ("replicas=2,leaderElection=false", "need leaderElection"),
    ] {
        let refused = template(&ours(), &["--set", wrong])?;
        ensure!(
            !refused.status.success() && refused.stderr.contains(told),
            "{wrong}: {refused}"
        );
    }
    Ok(())
}

/// The first rules in a text: of the role that unseals, in its file or in what is rendered.
fn unsealers_rules(text: &str) -> Vec<&str> {
    let rules = text.lines().skip_while(|line| *line != "rules:").skip(1);
    rules.take_while(|line| *line != "---").map(str::trim).collect()
}

#[test]
fn the_rights_to_unseal_are_the_same_wherever_they_are_written() -> Result<()> {
    let base = std::fs::read_to_string(repository().join("deploy/base/role-unsealer.yaml"))?;
    let tenant = std::fs::read_to_string(repository().join("deploy/tenant/role.yaml"))?;
    let expected = unsealers_rules(&base);
    ensure!(expected.len() > 8 && unsealers_rules(&tenant) == expected, "{tenant}");
    for (values, more) in [("rbac.create=true", ""), ("rbac.deleteSecrets=true", ", delete")] {
        let rendered = template(&ours(), &["--set", values, "-s", "templates/rbac.yaml"])?.success()?;
        let writes = "verbs: [get, list, watch, create, update";
        let expected: Vec<String> = expected
            .iter()
            .map(|line| line.replace(writes, &format!("{writes}{more}")))
            .collect();
        ensure!(unsealers_rules(&rendered.stdout) == expected, "{values}: {rendered}");
    }
    Ok(())
}

#[test]
fn a_release_keeps_the_name_that_its_rights_are_for_whatever_its_arguments() -> Result<()> {
    let values = "args={--update-status},replicas=2";
    let rendered = template(&ours(), &["--set", values, "-s", "templates/deployment.yaml"])?.success()?;
    let lines: Vec<&str> = rendered.stdout.lines().map(str::trim).collect();
    let told = |name: &str, value: &str| {
        lines
            .windows(2)
            .any(|pair| pair == [format!("- name: {name}"), format!("value: {value}")])
    };
    ensure!(
        told("SEALED_SECRETS_CONTROLLER_NAME", "release-sealed-secrets"),
        "{rendered}"
    );
    ensure!(told("SEALED_SECRETS_LEADER_ELECT", "\"true\""), "{rendered}");
    Ok(())
}

/// Each value becomes the flag that the controller has: the controller itself judges them.
#[test]
fn the_controller_understands_the_flags_that_the_values_make() -> Result<()> {
    let values = [
        "updateStatus=false,skipRecreate=true,keyrenewperiod=0,keyttl=1h,rateLimit=3,rateLimitBurst=4",
        "privateKeyLabels.a=b,privateKeyAnnotations.c=d,logInfoStdout=true,logLevel=DEBUG,logFormat=json,maxRetries=7",
        "watchForSecrets=true,kubeClientQPS=-1,kubeClientBurst=50,additionalNamespaces={x,y},metricsOmitSecretLabels=true",
        "keySize=2048,keyOrderPriority=SecretCreationTimestamp,commonName=cn,labelSelector=a=b,namespaceSelector=c=d",
        "hybrid=publish,acceptFormats=v2=e*",
    ]
    .join(",");
    let rendered = template(&ours(), &["--set", &values, "-s", "templates/deployment.yaml"])?.success()?;
    let flags: Vec<&str> = rendered
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- --"))
        .collect();
    for expected in [
        "update-status=false",
        "key-renew-period=0",
        "rate-limit=3",
        "additional-namespaces=x,y",
        "key-size=2048",
        "namespace-selector=c=d",
        "hybrid=publish",
        "accept-formats=v2=e*",
    ] {
        ensure!(flags.contains(&expected), "{expected} is not in {flags:?}");
    }
    let mut controller = std::process::Command::new(Implementation::Ours.programs()?.controller);
    for flag in &flags {
        controller.arg(format!("--{}", flag.trim_matches('"')));
    }
    // With `--version` it reads its whole command line and ends.
    run(controller.arg("--version"))?.success()?;
    Ok(())
}

#[test]
fn a_release_of_the_references_chart_is_upgraded_to_ours_and_rolled_back() -> Result<()> {
    let cluster = Cluster::start()?;
    let helm = |arguments: &[&str]| {
        let program = PeerSet::installed(&[peers::HELM])?.path(&peers::HELM)?.to_owned();
        let mut command = cluster.command(program);
        run(command.args(arguments).args(["-n", NAMESPACE]))?.success()
    };
    let name = ["--set", "fullnameOverride=sealed-secrets-controller"];
    let reference = the_references()?.display().to_string();
    helm(&[&["install", "release", &reference], &name[..]].concat())?;
    cluster.await_crd("sealedsecrets.bitnami.com")?;
    let before = deployment(&cluster)?;
    cluster.publish_service(NAMESPACE, harness::implementation::CONTROLLER, 8080)?;
    let served = |implementation: Implementation, secret: &str| -> Result<(String, Value)> {
        let controller = cluster.start_controller(implementation, &[])?;
        let certificate = cluster.proxied_get("/v1/cert.pem")?.stdout;
        let object = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": secret, "namespace": "default"}, "stringData": {"item": "value"}});
        let sealed = implementation.seal(&certificate, &[], &object)?;
        cluster.apply(&sealed.to_string())?;
        cluster.kubectl_ok(&[
            "wait",
            "--for=condition=Synced",
            "--timeout=30s",
            &format!("sealedsecret/{secret}"),
        ])?;
        controller.terminate(std::time::Duration::from_secs(30))?;
        Ok((
            certificate,
            cluster.get_json(&["secrets", "-l", "!sealedsecrets.bitnami.com/sealed-secrets-key"])?,
        ))
    };
    let (certificate, secrets) = served(Implementation::Reference, "first")?;

    let ours = ours().display().to_string();
    helm(&[&["upgrade", "release", &ours], &name[..]].concat())?;
    let after = deployment(&cluster)?;
    ensure!(
        after["metadata"]["uid"] == before["metadata"]["uid"],
        "the Deployment was replaced, not upgraded"
    );
    let (same, more) = served(Implementation::Ours, "second")?;
    ensure!(same == certificate, "another key is served after the upgrade");
    let kept = |all: &Value| {
        all["items"]
            .as_array()
            .and_then(|items| items.iter().find(|item| item["metadata"]["name"] == "first").cloned())
    };
    ensure!(
        kept(&more).context("first")? == kept(&secrets).context("first")?,
        "a Secret was touched"
    );

    helm(&["rollback", "release", "1"])?;
    let (same, _) = served(Implementation::Reference, "third")?;
    ensure!(same == certificate, "another key is served after the rollback");
    Ok(())
}

fn deployment(cluster: &Cluster) -> Result<Value> {
    cluster.get_json(&["deployment", "-n", NAMESPACE, "sealed-secrets-controller"])
}
