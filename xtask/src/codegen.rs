//! `cargo xtask codegen`: the manifest of the CustomResourceDefinition, generated from the Rust types, and the chart's copies of
//! shared files. They are copies, not symlinks: Flux drops symlinks from a Git source, and a chart without its
//! CustomResourceDefinition installs without an error.

use std::path::PathBuf;

use anyhow::{Context, Result};
use harness::implementation::repository;
use kube_core::CustomResourceExt;

#[derive(clap::Args)]
pub(crate) struct Args {}

/// First lines of the file, which warn against edits by hand.
const HEADER: &str =
    "# Generated from the types in crds/src by `cargo xtask codegen`; a test fails when it is stale.\n";

/// The manifest as the types of `crds` give it today: YAML, with [`HEADER`].
fn sealed_secrets() -> Result<String> {
    // By way of a JSON value, because its maps are sorted: the same types always give the same bytes.
    let definition = serde_json::to_value(crds::SealedSecret::crd()).context("the definition as JSON")?;
    let yaml = serde_saphyr::to_string(&definition).context("the definition as YAML")?;
    Ok(format!("{HEADER}{}\n", yaml.trim_end()))
}

/// Where the manifest is kept, for the Kustomize base beside it.
const MANIFEST: &str = "crds/yaml/sealedsecrets.yaml";

/// The chart's copies: the source of each, and its place in the chart.
const COPIES: [(&str, &str); 3] = [
    (MANIFEST, "deploy/chart/sealed-secrets/crds/sealedsecrets.yaml"),
    (
        "deploy/components/metrics/dashboard.json",
        "deploy/chart/sealed-secrets/files/dashboard.json",
    ),
    (
        "deploy/components/metrics/prometheus-rule.yaml",
        "deploy/chart/sealed-secrets/files/rules.yaml",
    ),
];

fn path(name: &str) -> PathBuf {
    repository().join(name)
}

pub(crate) fn run(_: &Args) -> Result<()> {
    let manifest = path(MANIFEST);
    std::fs::write(&manifest, sealed_secrets()?).with_context(|| format!("writing {}", manifest.display()))?;
    println!("{MANIFEST}");
    for (from, to) in COPIES {
        std::fs::copy(path(from), path(to)).with_context(|| format!("copying {from} to {to}"))?;
        println!("{to}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kube_core::CustomResourceExt as _;
    use serde_json::Value;

    #[test]
    fn the_committed_manifest_is_what_the_types_say() {
        let committed = std::fs::read_to_string(super::path(super::MANIFEST)).unwrap();
        let generated = super::sealed_secrets().unwrap();
        assert!(
            committed == generated,
            "crds/yaml/sealedsecrets.yaml is stale: run `cargo xtask codegen`"
        );
    }

    #[test]
    fn the_chart_has_whole_copies_and_no_symlinks() {
        for (from, to) in super::COPIES {
            let read = |name: &str| std::fs::read_to_string(super::path(name)).unwrap();
            assert!(read(from) == read(to), "{to} is stale: run `cargo xtask codegen`");
            assert!(!super::path(to).is_symlink(), "{to}");
        }
    }

    /// `kubectl explain` is where people look first.
    #[test]
    fn every_field_has_a_description() {
        fn walk(schema: &Value, path: &str, missing: &mut Vec<String>) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}.{name}");
                if field["description"].as_str().is_none_or(str::is_empty) {
                    missing.push(path.clone());
                }
                walk(field, &path, missing);
                walk(&field["items"], &path, missing);
            }
        }
        let definition = serde_json::to_value(crds::SealedSecret::crd()).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut missing = Vec::new();
        walk(schema, "sealedsecret", &mut missing);
        assert!(
            schema["properties"]["spec"].is_object() && missing.is_empty(),
            "{missing:?}"
        );
    }
}
