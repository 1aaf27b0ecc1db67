//! The software bill of materials of a program.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use harness::implementation::repository;
use serde_json::{Value, json};

/// The crates that a package's program is built of for a target, as CycloneDX 1.6 in JSON: each with its version, licence, package
/// URL and what it depends on. From Cargo.lock, by cargo; no time and no serial number, so that the same source gives the
/// same bytes.
pub(crate) fn cyclonedx(package: &str, target: &str) -> Result<Vec<u8>> {
    let metadata = MetadataCommand::new()
        .manifest_path(repository().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            target.to_owned(),
        ])
        .exec()
        .context("cargo metadata")?;
    let root = metadata.packages.iter().find(|found| found.name.as_str() == package);
    let root = &root.with_context(|| format!("no package {package:?}"))?.id;
    let linked = linked(&metadata, root)?;
    let component = |id: &PackageId, kind: &str| -> Value {
        let package = &metadata[id];
        // Cargo still takes the old way of writing `OR`.
        let license = package.license.iter().map(|license| license.replace('/', " OR "));
        let licenses: Vec<_> = license.map(|license| json!({"expression": license})).collect();
        json!({
            "type": kind,
            "bom-ref": reference(&metadata, id),
            "name": package.name.as_str(),
            "version": package.version.to_string(),
            "purl": reference(&metadata, id),
            "licenses": licenses,
        })
    };
    let components: Vec<Value> = linked
        .keys()
        .filter(|id| *id != root)
        .map(|id| component(id, "library"))
        .collect();
    let dependencies: Vec<Value> = linked
        .iter()
        .map(|(id, needs)| {
            let needs: BTreeSet<String> = needs.iter().map(|id| reference(&metadata, id)).collect();
            json!({"ref": reference(&metadata, id), "dependsOn": needs})
        })
        .collect();
    let list = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(root, "application")},
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_vec_pretty(&list)?)
}

fn reference(metadata: &Metadata, id: &PackageId) -> String {
    let package = &metadata[id];
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

/// Everything that ends in the program: normal dependencies of normal dependencies. What only builds or tests it does not.
fn linked(metadata: &Metadata, root: &PackageId) -> Result<BTreeMap<PackageId, Vec<PackageId>>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata told no dependencies")?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut found = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(id) = open.pop() {
        if found.contains_key(&id) {
            continue;
        }
        let node = nodes.get(&id).context("a package that is not resolved")?;
        let is_linked = |kind: &cargo_metadata::DepKindInfo| kind.kind == DependencyKind::Normal;
        let needs: Vec<PackageId> = node
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(is_linked))
            .map(|dependency| dependency.pkg.clone())
            .collect();
        open.extend(needs.clone());
        found.insert(id, needs);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_what_a_program_links_and_not_what_its_tests_need() {
        let of_kubeseal = String::from_utf8(cyclonedx("kubeseal-rs", crate::dist::TARGET).unwrap()).unwrap();
        assert!(of_kubeseal.contains("pkg:cargo/age@") && !of_kubeseal.contains("pkg:cargo/insta@"));
        let of_controller = || cyclonedx("controller", crate::dist::TARGET).unwrap();
        let bytes = of_controller();
        assert_eq!(bytes, of_controller(), "the same again");
        let list: Value = serde_json::from_slice(&bytes).unwrap();
        let components = list["components"].as_array().unwrap();
        let named = |name: &str| components.iter().any(|component| component["name"] == name);
        for linked in ["aws-lc-rs", "aws-lc-sys", "kube-client", "sealing", "tokio"] {
            assert!(named(linked), "{linked} is missing");
        }
        for other in ["tempfile", "proptest", "cc", "controller"] {
            assert!(!named(other), "{other} is not in the program");
        }
        for component in components {
            assert!(component["licenses"][0]["expression"].is_string(), "{component}");
        }
        let refs: BTreeSet<_> = components
            .iter()
            .map(|component| component["bom-ref"].as_str())
            .collect();
        assert_eq!(refs.len(), components.len(), "each is named once");
    }
}
