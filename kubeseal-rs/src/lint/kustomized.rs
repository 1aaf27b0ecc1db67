//! What kustomizations make of SealedSecrets: an object that is renamed after it was sealed does not open.

use std::path::Path;

use crds::names;
use manifest::{Place, escaped};
use sealing::binding::Scope;

use super::Finding;
use super::kustomization::{Including, Kustomization, Setting};
use super::rule::Rule;
use super::sealed::Sealed;
use crate::placeholder::placeholder_of;

/// Overlays of overlays of …; more is a circle.
const DEEPEST: usize = 32;
/// Most steps from kustomization to kustomization for one object: two that include each other twice have 2^32 ways.
const MOST_STEPS: usize = 1_000;

/// The findings about all objects and all kustomizations that include them.
pub(super) fn judge(sealed: &[Sealed], kustomizations: &[Kustomization]) -> Vec<Finding> {
    let including = Including::new(kustomizations);
    let mut findings = Vec::new();
    for object in sealed {
        let mut walk = Walk {
            object,
            including: &including,
            findings: Vec::new(),
            in_place: false,
            namespace_given: false,
            steps_left: MOST_STEPS,
        };
        walk.up(&object.file.path, &object.name, &object.namespace, DEEPEST);
        let (in_place, namespace_given) = (walk.in_place, walk.namespace_given);
        findings.append(&mut walk.findings);
        if !in_place {
            findings.extend(renamed(object));
        }
        if object.namespace.is_empty() && object.scope != Scope::ClusterWide && !namespace_given {
            findings.push(no_namespace(object));
        }
    }
    findings.dedup();
    findings
}

struct Walk<'a> {
    object: &'a Sealed,
    including: &'a Including<'a>,
    findings: Vec<Finding>,
    /// Whether some kustomization gives the object the names that it was sealed for.
    in_place: bool,
    /// Whether some kustomization gives it a namespace.
    namespace_given: bool,
    steps_left: usize,
}

impl Walk<'_> {
    /// Follows the kustomizations that include `path`, where the object is called `name` in `namespace`.
    fn up(&mut self, path: &Path, name: &str, namespace: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for kustomization in self.including.of(path) {
            let Some(left) = self.steps_left.checked_sub(1) else {
                return;
            };
            self.steps_left = left;
            let (new_name, new_namespace) = kustomization.renamed(name, namespace);
            self.namespace_given |= !new_namespace.is_empty();
            self.judge(kustomization, (name, namespace), (&new_name, &new_namespace));
            self.up(kustomization.folder(), &new_name, &new_namespace, depth);
        }
    }

    fn judge(&mut self, kustomization: &Kustomization, before: (&str, &str), after: (&str, &str)) {
        let object = self.object;
        let kept = |setting: &Option<Setting>| setting.as_ref().map(|one| one.place);
        let renamed_at = kept(&kustomization.name_prefix).or(kept(&kustomization.name_suffix));
        let wanted = object.binding(&object.sealed_name, &object.sealed_namespace);
        if object.binding(after.0, after.1) == wanted {
            self.in_place = true;
        } else {
            if object.scope == Scope::Strict && after.0 != object.sealed_name && after.0 != before.0 {
                let message = self.told("name", &object.sealed_name, after.0);
                self.push(kustomization.file.finding(Rule::KustomizeName, renamed_at, message));
            }
            // Where nothing but a kustomization names one, nothing contradicts it.
            let bound = object.scope != Scope::ClusterWide && !object.sealed_namespace.is_empty();
            if bound && after.1 != object.sealed_namespace && after.1 != before.1 {
                let message = self.told("namespace", &object.sealed_namespace, after.1);
                let place = kept(&kustomization.namespace);
                self.push(kustomization.file.finding(Rule::KustomizeNamespace, place, message));
            }
        }
        if object.scope != Scope::Strict && after.0 != before.0 && !kustomization.configures {
            self.push(self.unreferenced(kustomization, renamed_at, after.0));
        }
        for (annotation, setting) in &kustomization.annotations {
            let scopes = [names::ANNOTATION_CLUSTER_WIDE, names::ANNOTATION_NAMESPACE_WIDE];
            let is_kept = object.scope.annotation() == Some(annotation.as_str()) && setting.text == "true";
            if scopes.contains(&annotation.as_str()) && !is_kept {
                let message = format!(
                    "commonAnnotations sets {annotation}, but {} ({}) was sealed {}",
                    escaped(&object.name),
                    object.file.name,
                    object.scope
                );
                let finding = kustomization
                    .file
                    .finding(Rule::KustomizeScope, Some(setting.place), message);
                self.push(finding.fix("leave it out here: the scope is part of what was sealed"));
            }
        }
        if let Some(place) = kustomization.labels {
            let message = "these labels are put on SealedSecrets, not on the Secrets that are made of them";
            let finding = kustomization.file.finding(Rule::KustomizeLabels, Some(place), message);
            self.findings
                .push(finding.fix("labels for the Secret belong under spec.template.metadata.labels"));
        }
    }

    /// It opens, and the Secret is called otherwise than what refers to it believes.
    fn unreferenced(&self, kustomization: &Kustomization, place: Option<Place>, becomes: &str) -> Finding {
        let object = self.object;
        let message = format!(
            "SealedSecret {} ({}) becomes {:?} here, and so does its Secret; kustomize leaves references to the Secret as they are",
            escaped(&object.name),
            object.file.name,
            escaped(becomes)
        );
        let finding = kustomization.file.finding(Rule::KustomizeReference, place, message);
        finding
            .fix("say in configurations what refers to it: nameReference for kind SealedSecret (docs/lint.md shows it)")
    }

    fn told(&self, what: &str, sealed: &str, becomes: &str) -> String {
        let object = self.object;
        format!(
            "the {what} of SealedSecret {} ({}) becomes {:?} here, but it opens only as {:?}",
            escaped(&object.name),
            object.file.name,
            escaped(becomes),
            escaped(sealed)
        )
    }

    fn push(&mut self, finding: Finding) {
        let finding = match (finding.fix.is_some(), finding.rule) {
            (true, _) => finding,
            (_, Rule::KustomizeNamespace) => finding.fix(
                "seal it for that namespace (kubeseal --namespace), or seal it with --scope cluster-wide",
            ),
            _ => finding.fix(
                "seal it for that name (kubeseal --name, then take the prefix off metadata.name alone), leave it out of \
                 this kustomization, or seal it with --scope namespace-wide",
            ),
        };
        self.findings.push(finding);
    }
}

/// The object's own names are not those of its template, and no kustomization makes them so.
fn renamed(object: &Sealed) -> Option<Finding> {
    // What fills the names in may make them those that it was sealed for.
    if placeholder_of(object.scope, &object.name, &object.namespace).is_some() {
        return None;
    }
    let name_differs = object.scope == Scope::Strict && object.name != object.sealed_name;
    let namespace_differs = object.scope != Scope::ClusterWide
        && !object.namespace.is_empty()
        && object.namespace != object.sealed_namespace;
    let (what, now, then) = if name_differs {
        ("name", &object.name, &object.sealed_name)
    } else if namespace_differs {
        ("namespace", &object.namespace, &object.sealed_namespace)
    } else {
        return None;
    };
    let message = format!(
        "its {what} is {:?}, but by its template it was sealed for {:?}: it will not open",
        escaped(now),
        escaped(then)
    );
    let finding = object.file.finding(Rule::Renamed, Some(object.name_place), message);
    Some(finding.fix(format!("give it back its {what}, or seal it again under the new one")))
}

fn no_namespace(object: &Sealed) -> Finding {
    let told = match object.sealed_namespace.as_str() {
        "" => "one namespace only".to_owned(),
        namespace => format!("{:?} only", escaped(namespace)),
    };
    let message = format!("it names no namespace, so it is applied to whichever is current; it opens in {told}");
    let finding = object.file.finding(Rule::NoNamespace, Some(object.place), message);
    finding.fix("add metadata.namespace")
}
