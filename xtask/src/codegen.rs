//! `cargo xtask codegen`: the manifest of the CustomResourceDefinition, generated from the Rust types.

use std::path::PathBuf;

use anyhow::{Context, Result};
use kube_core::CustomResourceExt;

/// What was typed after `cargo xtask codegen`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// First lines of the file, so that nobody edits it by hand.
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
fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/yaml/sealedsecrets.yaml"))
}

pub(crate) fn run(_: &Args) -> Result<()> {
    let path = path();
    std::fs::write(&path, sealed_secrets()?).with_context(|| format!("writing {}", path.display()))?;
    println!("crds/yaml/sealedsecrets.yaml");
    Ok(())
}

#[cfg(test)]
mod tests {
    use kube_core::CustomResourceExt as _;
    use serde_json::Value;

    #[test]
    fn the_committed_manifest_is_what_the_types_say() {
        let committed = std::fs::read_to_string(super::path()).unwrap();
        let generated = super::sealed_secrets().unwrap();
        assert!(
            committed == generated,
            "crds/yaml/sealedsecrets.yaml is stale: run `cargo xtask codegen`"
        );
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
