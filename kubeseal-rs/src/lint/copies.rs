//! One value of format v2 in two places. It is bound to its item, and to the names that the scope binds, so it opens in one of
//! them at most. The same object in several files (of overlays, of clusters) is not a finding.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use manifest::escaped;
use sealing::binding::Scope;

use super::Finding;
use super::kustomization::{Including, Kustomization};
use super::rule::Rule;
use super::sealed::{BoundValue, Sealed};
use crate::placeholder::placeholder_of;
use crate::quoting::{full_name, operand};

/// A finding for each value that stands elsewhere under another binding.
pub(super) fn judge(sealed: &[Sealed], kustomizations: &[Kustomization]) -> Vec<Finding> {
    let including = Including::new(kustomizations);
    let mut first: HashMap<&str, (&Sealed, &BoundValue)> = HashMap::new();
    let mut findings = Vec::new();
    for object in sealed {
        for value in &object.bound {
            let (other, of) = *first.entry(&value.drawn).or_insert((object, value));
            if value.item == of.item && !differ(object, other, &including) {
                continue;
            }
            let message = format!(
                "item {} holds the value of item {} of {} ({}, line {}): it opens in one of the two places at most",
                escaped(&value.item),
                escaped(&of.item),
                full_name(&escaped(&other.namespace), &escaped(&other.name)),
                other.file.name,
                of.place.line
            );
            let finding = object.file.finding(Rule::CopiedValue, Some(value.place), message);
            findings.push(finding.fix(format!(
                "seal a value for it: kubeseal set {} {}",
                object.file.word(),
                operand(&value.item)
            )));
        }
    }
    findings
}

/// Whether the scopes of the two bind different things, whatever kustomizations make of their names.
fn differ(one: &Sealed, other: &Sealed, including: &Including<'_>) -> bool {
    if one.scope != other.scope {
        return true;
    }
    let is_given_later = |object: &&Sealed| {
        placeholder_of(object.scope, &object.name, &object.namespace).is_some()
            || is_renamed(&object.file.path, including)
    };
    if [&one, &other].into_iter().any(is_given_later) {
        return false;
    }
    let differ = |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
    let namespaces = differ(&one.namespace, &other.namespace);
    match one.scope {
        Scope::Strict => namespaces || differ(&one.name, &other.name),
        Scope::NamespaceWide => namespaces,
        Scope::ClusterWide => false,
    }
}

/// Whether a kustomization gives the objects of a file another name or namespace.
fn is_renamed(path: &Path, including: &Including<'_>) -> bool {
    let (mut open, mut seen) = (vec![path], BTreeSet::new());
    while let Some(included) = open.pop() {
        for kustomization in including.of(included) {
            if kustomization.renamed("n", "s") != ("n".to_owned(), "s".to_owned()) {
                return true;
            }
            if seen.insert(kustomization.folder()) {
                open.push(kustomization.folder());
            }
        }
    }
    false
}
