//! The same object twice where both would be applied together: in one file, in one folder, or in one kustomization.
//! The same name in the folders of two clusters is how repositories are made, and no finding.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manifest::shown;

use super::Finding;
use super::kustomization::{Including, Kustomization};
use super::rule::Rule;
use super::sealed::Sealed;
use crate::quoting::full_name;

/// A finding for each object but the first of its name in the same place.
pub(super) fn judge(sealed: &[Sealed<'_>], kustomizations: &[Kustomization<'_>]) -> Vec<Finding> {
    let mut seen: BTreeMap<(PathBuf, &str, &str), &Sealed<'_>> = BTreeMap::new();
    let mut findings = Vec::new();
    let including = Including::new(kustomizations);
    let mut groups_of: BTreeMap<&Path, BTreeSet<PathBuf>> = BTreeMap::new();
    for object in sealed {
        let mut first = None;
        let path = object.source.path.as_path();
        for group in groups_of.entry(path).or_insert_with(|| groups(path, &including)).iter() {
            let known = seen
                .entry((group.clone(), &object.namespace, &object.name))
                .or_insert(object);
            if !std::ptr::eq(*known, object) {
                first = first.or(Some(*known));
            }
        }
        if let Some(first) = first {
            let message = format!(
                "SealedSecret {} is also in {}, line {}; one of them would overwrite the other",
                full_name(&shown(&object.namespace), &shown(&object.name)),
                first.source.name,
                first.place.line
            );
            findings.push(
                object
                    .source
                    .finding(Rule::DuplicateObject, Some(object.name_place), message),
            );
        }
    }
    findings
}

/// What is applied together with a file: itself; the folders of all kustomizations above it; without any, its folder.
fn groups(path: &Path, including: &Including<'_, '_>) -> BTreeSet<PathBuf> {
    let mut groups = BTreeSet::new();
    let mut open = vec![path];
    while let Some(included) = open.pop() {
        for kustomization in including.of(included) {
            // A kustomization that renames makes another object of it for those above.
            let renames = kustomization.renamed("n", "") != ("n".to_owned(), String::new());
            if groups.insert(kustomization.folder().to_owned()) && !renames {
                open.push(kustomization.folder());
            }
        }
    }
    if groups.is_empty() {
        groups.extend(path.parent().map(Path::to_owned));
    }
    groups.insert(path.to_owned());
    groups
}
