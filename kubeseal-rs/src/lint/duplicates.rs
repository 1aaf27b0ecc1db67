//! The same object twice where both would be applied together: in one file, in one folder, or in one kustomization.
//! The same name in the folders of two clusters is how repositories are made, and no finding.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use manifest::escaped;

use super::Finding;
use super::kustomization::{Including, Kustomization};
use super::rule::Rule;
use super::sealed::Sealed;
use crate::quoting::full_name;

/// A finding for each object but the first of its name in the same place.
pub(super) fn judge(sealed: &[Sealed], kustomizations: &[Kustomization]) -> Vec<Finding> {
    let mut seen: BTreeMap<(&Path, &str, &str), &Sealed> = BTreeMap::new();
    let mut findings = Vec::new();
    let including = Including::new(kustomizations);
    // Objects of one file follow each other.
    let (mut file, mut groups_of_file) = (Path::new(""), BTreeSet::new());
    for object in sealed {
        let mut first = None;
        let path = object.file.path.as_path();
        if path != file {
            (file, groups_of_file) = (path, groups(path, &including));
        }
        for group in &groups_of_file {
            let known = seen.entry((*group, &object.namespace, &object.name)).or_insert(object);
            if !std::ptr::eq(*known, object) {
                first = first.or(Some(*known));
            }
        }
        if let Some(first) = first {
            let message = format!(
                "SealedSecret {} is also in {}, line {}; one of them would overwrite the other",
                full_name(&escaped(&object.namespace), &escaped(&object.name)),
                first.file.name,
                first.place.line
            );
            findings.push(
                object
                    .file
                    .finding(Rule::DuplicateObject, Some(object.name_place), message),
            );
        }
    }
    findings
}

/// What is applied together with a file: itself; the folders of all kustomizations above it; without any, its folder.
fn groups<'p>(path: &'p Path, including: &Including<'p>) -> BTreeSet<&'p Path> {
    let mut groups = BTreeSet::new();
    let mut open = vec![path];
    while let Some(included) = open.pop() {
        for kustomization in including.of(included) {
            // A kustomization that renames makes another object of it for those above.
            let renames = kustomization.renamed("n", "") != ("n".to_owned(), String::new());
            if groups.insert(kustomization.folder()) && !renames {
                open.push(kustomization.folder());
            }
        }
    }
    if groups.is_empty() {
        groups.extend(path.parent());
    }
    groups.insert(path);
    groups
}
