//! All environments of the example, each with a key of its own: made, sealed and judged without asking any cluster.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::sealing_keys::SealingKey;
use serde_json::Value;

use crate::repository::WorkingCopy;

const ENVIRONMENTS: [&str; 3] = ["dev", "stag", "prod"];

#[test]
fn each_environment_is_sealed_with_its_own_key_and_whole() -> Result<()> {
    let cluster = Cluster::shared()?;
    let copy = WorkingCopy::create(cluster, "http://git.example.invalid/kafka-gitops")?;
    let folder = tempfile::tempdir()?;
    let mut keys = Vec::new();
    for environment in ENVIRONMENTS {
        let own = folder.path().join(environment);
        std::fs::create_dir(&own)?;
        let key = SealingKey::generate(&own, 2048)?;
        std::fs::copy(&key.certificate, copy.path(&format!("secrets/keys/{environment}.crt")))?;
        copy.script("create-secrets.sh", &[environment, "secrets/example"])?;
        copy.script("seal-secrets.sh", &[environment])?;
        keys.push(key.private_key.display().to_string());
    }
    for (at, environment) in ENVIRONMENTS.into_iter().enumerate() {
        let sealed = format!("secrets/sealed/{environment}");
        for (of, key) in keys.iter().enumerate() {
            let opened = copy.run("kubeseal", &["unseal", "--recovery-private-key", key, &sealed])?;
            ensure!(opened.status.success() == (at == of), "{environment}: {opened}");
        }
        whole(cluster, &copy, environment)?;
    }
    copy.run("kubeseal", &["lint", "--strict", "."])?.success()?;
    for entry in std::fs::read_dir(copy.path("secrets/sealed/dev"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), copy.path("secrets/sealed/stag").join(entry.file_name()))?;
    }
    let moved = copy.run("kubeseal", &["lint", "."])?;
    ensure!(
        !moved.status.success() && moved.stdout.contains("sealed with the key of cluster dev"),
        "{moved}"
    );
    // Git ignores every file in clear, in whichever folder of keys and Secrets.
    for clear in [
        "secrets/local-toseal/x.yaml",
        "secrets/local-toseal/dev/values.env",
        "secrets/keys/dev.key",
    ] {
        std::fs::write(copy.path(clear), "clear")?;
    }
    copy.git(&["add", "-A"])?;
    let taken = copy.git(&["ls-files", "secrets"])?.stdout;
    ensure!(
        !taken.contains("x.yaml") && !taken.contains(".env") && !taken.contains(".key\n"),
        "{taken}"
    );
    ensure!(
        taken.matches(".sealed.yaml").count() == 30 && taken.matches(".gitkeep").count() == 7,
        "{taken}"
    );
    Ok(())
}

/// The API server accepts the environment, its Pods find their Secrets among the sealed ones, and the paths that Flux and Argo CD
/// install exist.
fn whole(cluster: &Cluster, copy: &WorkingCopy<'_>, environment: &str) -> Result<()> {
    let installed = copy.path(&format!("environments/{environment}")).display().to_string();
    cluster.kubectl_ok(&["apply", "--dry-run=server", "-k", &installed])?;
    let apps = cluster.objects_in(&cluster.kubectl_ok(&["kustomize", &installed])?.stdout)?;
    let sealed = std::fs::read_dir(copy.path(&format!("secrets/sealed/{environment}")))?;
    let files = sealed.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let files = files.collect::<Result<Vec<_>>>()?;
    let name = |file: &String| Some(file.strip_prefix("default-")?.strip_suffix(".sealed.yaml")?.to_owned());
    let names: BTreeSet<_> = files.iter().filter_map(name).collect();
    let mut wanted = BTreeSet::new();
    apps.iter().for_each(|object| secrets_of(object, &mut wanted));
    ensure!(wanted.len() > 5, "{wanted:?}");
    ensure!(wanted.is_subset(&names), "{wanted:?} of {names:?}");
    for tool in [
        format!("clusters/{environment}/flux.yaml"),
        format!("argocd/{environment}.yaml"),
    ] {
        let text = std::fs::read_to_string(copy.path(&tool))?;
        let paths: BTreeSet<_> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("path: "))
            .collect();
        ensure!(paths.len() == 2, "{tool}: {paths:?}");
        for path in paths {
            ensure!(
                path.ends_with(environment) && copy.path(path).is_dir(),
                "{tool}: {path}"
            );
        }
    }
    Ok(())
}

/// The names of the Secrets that an object takes values from.
fn secrets_of(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let named = [
                value.pointer("/secretName"),
                value.pointer("/secretKeyRef/name"),
                value.pointer("/secretRef/name"),
            ];
            found.extend(named.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            fields.values().for_each(|inner| secrets_of(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| secrets_of(inner, found)),
        _ => {}
    }
}
