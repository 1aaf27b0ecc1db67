//! Values that another program fills in later. Once sealed, a placeholder stays one: no program finds it in a ciphertext.

use crds::SealedSecret;
use sealing::binding::Scope;

use crate::names::{fault_of_name, fault_of_namespace};

/// What is wrong with a name or namespace that values are bound to, and that something fills in later.
pub(crate) fn in_names(sealed: &SealedSecret) -> Option<String> {
    let metadata = &sealed.metadata;
    let scope = Scope::from_annotations(metadata.annotations.as_ref());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (field, text) = placeholder_of(scope, &text(&metadata.name), &text(&metadata.namespace))?;
    Some(bound(field, &text))
}

/// Why values that are sealed for these names will open nowhere: one is a placeholder, or no name at all.
pub(crate) fn opens_nowhere(scope: Scope, name: &str, namespace: &str) -> Option<String> {
    if let Some((field, text)) = placeholder_of(scope, name, namespace) {
        return Some(bound(field, &text));
    }
    let of_name = (scope == Scope::Strict && !name.is_empty())
        .then(|| fault_of_name(name))
        .flatten();
    let of_namespace = (scope != Scope::ClusterWide && !namespace.is_empty())
        .then(|| fault_of_namespace(namespace))
        .flatten();
    let name = of_name.map(|fault| format!("the name {name:?} {fault}"));
    name.or(of_namespace.map(|fault| format!("the namespace {namespace:?} {fault}")))
}

fn bound(field: &str, text: &str) -> String {
    format!(
        "the {field} {text:?} is a placeholder, and the values are bound to it: they do not open once it is filled in"
    )
}

/// The field among those that `scope` binds, and its text, that something fills in later.
pub(crate) fn placeholder_of(scope: Scope, name: &str, namespace: &str) -> Option<(&'static str, String)> {
    let (name, namespace) = (("name", name), ("namespace", namespace));
    let bound = match scope {
        Scope::Strict => vec![name, namespace],
        Scope::NamespaceWide => vec![namespace],
        Scope::ClusterWide => Vec::new(),
    };
    let is_placeholder = |text: &str| ["${", "$(", "{{"].iter().any(|start| text.contains(start));
    let found = bound.into_iter().find(|(_, text)| is_placeholder(text));
    found.map(|(field, text)| (field, text.to_owned()))
}

/// What fills a value in, where the *whole* value is a placeholder; in the form that it has there.
pub(crate) fn filler(value: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let between = |start: &str, end: &str| text.strip_prefix(start)?.strip_suffix(end);
    if let Some(inner) = between("${", "}") {
        let name = inner.split([':', '=', '-', '?']).next().unwrap_or_default();
        return (is_name(name) && !inner.contains('}')).then_some("${VAR}, as Flux and envsubst fill in");
    }
    if between("$(", ")").is_some_and(is_name) {
        return Some("$(VAR), as kustomize and Kubernetes fill in");
    }
    if between("<path:", ">").is_some_and(|inner| !inner.contains(['<', '>', '\n'])) {
        return Some("<path:…>, as Argo CD's vault plugin fills in");
    }
    if let Some((backend, place)) = text.strip_prefix("ref+").and_then(|rest| rest.split_once("://")) {
        let is_backend = !backend.is_empty() && backend.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return (is_backend && !place.contains(char::is_whitespace))
            .then_some("ref+BACKEND://…, as vals and helmfile fill in");
    }
    if between("ENC[AES256_GCM,data:", "]").is_some_and(|inner| !inner.contains(']')) {
        return Some("ENC[…], as SOPS decrypts");
    }
    is_of_sops(text).then_some("a file that SOPS has encrypted")
}

/// Whether a text is a whole file as SOPS writes it: YAML, JSON, INI or lines of variables.
fn is_of_sops(text: &str) -> bool {
    let is_metadata = |line: &str| {
        let word = line.trim_start().trim_start_matches('{').trim_start();
        line.starts_with("sops:")
            || line.starts_with("sops_mac=")
            || line.trim_end() == "[sops]"
            || word.starts_with("\"sops\"")
    };
    text.contains("ENC[AES256_GCM,data:") && (text.lines().any(is_metadata) || text.contains("\"sops\":"))
}

/// Whether a text stands where a ciphertext is to be put later: nothing, or something short such as `AgBy3i4O...` and
/// `SEALED_PLACEHOLDER_DB`. What is left of a damaged ciphertext mostly is longer.
pub(crate) fn is_unsealed(text: &str) -> bool {
    text.trim().len() < 128
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.bytes().all(fits) && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_values_that_are_placeholders() {
        for value in [
            "${VAR}",
            "${VAR}\n",
            "${var:=default}",
            "${VAR:-a b}",
            "$(VAR)",
            "<path:secret/data/db#password>",
            "<path:avp/data/x#y | base64encode>",
            "ref+vault://secret/db#/password",
            "ref+awssecrets://db/password",
            "ENC[AES256_GCM,data:Tr7o=,iv:1=,tag:k=,type:str]",
        ] {
            assert!(filler(value.as_bytes()).is_some(), "{value}");
        }
    }

    #[test]
    fn values_that_only_look_like_placeholders() {
        for value in [
            "",
            "$",
            "${}",
            "pre-${VAR}",
            "${A}${B}",
            "${1a}",
            "$(cat /etc/x)",
            "$VAR",
            "<password>",
            "ref+vault",
            "reference",
            "ENC[x]",
            "hunter2",
        ] {
            assert!(filler(value.as_bytes()).is_none(), "{value}");
        }
        assert!(filler(&[0xff]).is_none());
    }
}
