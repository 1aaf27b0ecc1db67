//! Causes in the binding of an object: its name, its namespace and its scope.

use sealing::binding::{Binding, Scope};

use super::probe::{Answer, Candidate, Case};
use super::{Cause, Diagnosis};

/// A key fits under this other binding, which is therefore the cause.
pub(super) fn of_another_binding(case: &Case, candidate: &Candidate, file: &str) -> Diagnosis {
    let Candidate { binding, origin } = candidate;
    if case.own.scope() != binding.scope() {
        return of_another_scope(case, candidate, file);
    }
    let (cause, message, next) = match place_of(case, binding) {
        Sealed::Here => (
            Cause::Unknown,
            format!("it opens cluster-wide{origin}"),
            format!("kubeseal lint {file}"),
        ),
        Sealed::UnderName(name) => (
            Cause::Renamed,
            format!(
                "it opens only under the name {name:?}{origin}: it was renamed after it was sealed, by hand or by kustomize"
            ),
            format!("give it its name back (metadata.name: {name}), or seal it again under the new one"),
        ),
        Sealed::InNamespace(namespace) => (
            Cause::WrongNamespace,
            format!("it opens only in namespace {namespace:?}{origin}"),
            format!("apply it there (metadata.namespace: {namespace}), or seal it again for this namespace"),
        ),
        Sealed::Elsewhere(namespace, name) => (
            Cause::WrongNamespace,
            format!("it opens only in namespace {namespace:?} under the name {name:?}{origin}"),
            format!(
                "give it both back (metadata.namespace: {namespace}, metadata.name: {name}), or seal it again for this namespace \
                 and name"
            ),
        ),
    };
    Diagnosis {
        cause,
        certain: true,
        message,
        next,
    }
}

fn of_another_scope(case: &Case, candidate: &Candidate, file: &str) -> Diagnosis {
    let Candidate { binding, origin } = candidate;
    let (own, sealed) = (case.own.scope(), binding.scope());
    let (place, and_apply) = match place_of(case, binding) {
        Sealed::Here => (String::new(), String::new()),
        Sealed::UnderName(name) => (
            format!(" under the name {name:?}"),
            format!("; and give it its name back (metadata.name: {name})"),
        ),
        Sealed::InNamespace(namespace) => (
            format!(" for namespace {namespace:?}"),
            format!("; and apply it there (metadata.namespace: {namespace})"),
        ),
        Sealed::Elsewhere(namespace, name) => (
            format!(" for namespace {namespace:?} under the name {name:?}"),
            format!("; and give it both back (metadata.namespace: {namespace}, metadata.name: {name})"),
        ),
    };
    // The object's own place is the template's too, where nothing was moved.
    let origin = if place.is_empty() {
        String::new()
    } else {
        origin.to_string()
    };
    let next = match sealed.annotation() {
        Some(annotation) => format!(
            "kubectl annotate --local -f {file} {annotation}=true -o yaml (metadata.annotations of the object itself)"
        ),
        None => "remove the scope annotations from metadata.annotations".to_owned(),
    };
    Diagnosis {
        cause: Cause::Scope,
        certain: true,
        message: format!("it was sealed {sealed}{place}{origin}, but its own annotations say {own}"),
        next: next + &and_apply,
    }
}

/// In what a binding differs from the place of the object.
enum Sealed<'b> {
    Here,
    UnderName(&'b str),
    InNamespace(&'b str),
    Elsewhere(&'b str, &'b str),
}

fn place_of<'b>(case: &Case, binding: &'b Binding) -> Sealed<'b> {
    let own = case.effective_namespace();
    match binding {
        Binding::ClusterWide => Sealed::Here,
        Binding::NamespaceWide { namespace } if namespace == own => Sealed::Here,
        Binding::NamespaceWide { namespace } => Sealed::InNamespace(namespace),
        Binding::Strict { namespace, name } => match (namespace == own, name == case.name()) {
            (true, true) => Sealed::Here,
            (true, false) => Sealed::UnderName(name),
            (false, true) => Sealed::InNamespace(namespace),
            (false, false) => Sealed::Elsewhere(namespace, name),
        },
    }
}

/// An object with the same ciphertexts is in the cluster under another name. `own`: the answer for this one as it stands.
pub(super) fn elsewhere(case: &Case, own: Answer, namespace: &str, name: &str, file: &str) -> Diagnosis {
    let moved = case.namespace != namespace;
    let renames = format!("something between {file} and the cluster renames it");
    let (why, move_back) = match own {
        Answer::Opens | Answer::Damaged => (renames, String::new()),
        Answer::Closed | Answer::Unasked => (
            format!("either the file was moved or renamed after it was applied, or {renames}"),
            format!("give it its place back (metadata.namespace: {namespace}, metadata.name: {name}), or "),
        ),
    };
    Diagnosis {
        cause: if moved { Cause::WrongNamespace } else { Cause::Renamed },
        certain: case.own.scope() == Scope::Strict || moved && case.own.scope() != Scope::ClusterWide,
        message: format!("the same object is in the cluster as {namespace}/{name}: {why}"),
        next: format!(
            "{move_back}kubectl get sealedsecret -n {namespace} {name} -o yaml; namePrefix, nameSuffix or namespace of a \
             kustomization?"
        ),
    }
}
