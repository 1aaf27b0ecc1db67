//! What is served, with the syntax of names and label selectors checked as the API server does: a fault in one would else be
//! found at the first request, which would be sent again for ever.

use std::collections::BTreeSet;

use super::{ServedScope, SettingsError, wrong};
use crate::args::Args;

/// Longest label value, namespace and name part of a label key.
const LONGEST_LABEL: usize = 63;
/// Longest prefix of a label key.
const LONGEST_PREFIX: usize = 253;

pub(super) fn scope(args: &Args) -> Result<ServedScope, SettingsError> {
    let listed: BTreeSet<String> = args
        .additional_namespaces
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(name) = listed.iter().find(|name| !is_namespace(name)) {
        return Err(wrong("additional-namespaces", name, "must be the name of a namespace"));
    }
    let namespace_selector = selector("namespace-selector", &args.namespace_selector)?;
    let all = args.all_namespaces && listed.is_empty() && namespace_selector.is_none();
    Ok(ServedScope {
        additional_namespaces: (!all).then_some(listed),
        namespace_selector,
        label_selector: selector("label-selector", &args.label_selector)?,
    })
}

fn selector(flag: &'static str, text: &str) -> Result<Option<String>, SettingsError> {
    let labels = Some(text.trim().to_owned()).filter(|labels| !labels.is_empty());
    match labels.as_ref().filter(|labels| !is_selector(labels)) {
        Some(labels) => Err(wrong(
            flag,
            labels,
            "must be a label selector, as kubectl's -l takes it",
        )),
        None => Ok(labels),
    }
}

/// Whether `text` is a namespace's name (RFC 1123 label).
fn is_namespace(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    text.len() <= LONGEST_LABEL && text.bytes().all(allowed) && has_alphanumeric_ends(text)
}

/// Whether `text` is a label selector: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, or several of
/// these divided by commas.
fn is_selector(text: &str) -> bool {
    let mut depth = 0_u32;
    let parts = text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    parts.map(str::trim).all(is_requirement)
}

fn is_requirement(text: &str) -> bool {
    if let Some(key) = text.strip_prefix('!') {
        return is_key(key.trim());
    }
    let of_key = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    let end = text.find(|character| !of_key(character)).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    let rest = rest.trim();
    let strip = |operators: &[&str]| operators.iter().find_map(|operator| rest.strip_prefix(operator));
    if !is_key(key) {
        false
    } else if let Some(value) = strip(&["==", "!=", "="]) {
        is_value(value.trim())
    } else if let Some(number) = strip(&["<", ">"]) {
        number.trim().parse::<i64>().is_ok()
    } else if let Some(values) = strip(&["in", "notin"]) {
        let inner = values
            .trim()
            .strip_prefix('(')
            .and_then(|values| values.strip_suffix(')'));
        inner.is_some_and(|values| values.split(',').map(str::trim).all(is_value))
    } else {
        rest.is_empty()
    }
}

fn is_key(text: &str) -> bool {
    let (prefix, name) = text
        .split_once('/')
        .map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let is_domain = |prefix: &str| prefix.len() <= LONGEST_PREFIX && prefix.split('.').all(is_namespace);
    !name.is_empty() && is_value(name) && prefix.is_none_or(is_domain)
}

/// Whether `text` is a label's value; it may be empty.
fn is_value(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.is_empty() || (text.len() <= LONGEST_LABEL && text.bytes().all(allowed) && has_alphanumeric_ends(text))
}

fn has_alphanumeric_ends(text: &str) -> bool {
    let is_fit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    is_fit(text.as_bytes().first()) && is_fit(text.as_bytes().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_as_the_api_server_takes_them() {
        for good in [
            "a",
            "!a",
            "a=b",
            "a==b , c!=d",
            "a=",
            "example.com/tier in (front, back)",
            "a notin (b)",
            "a in ()",
            "n>5,m < -1",
            "app.kubernetes.io/name=x,!y",
        ] {
            assert!(is_selector(good), "{good}");
        }
        for bad in [
            "",
            "a b",
            "a=b,",
            ",",
            "=b",
            "a=b c",
            "a in b",
            "a in (b",
            "a in (b))",
            "-a",
            "a=-b",
            "A B/c",
            "a>b",
            "/a",
            "a/",
            "a\u{0}=b",
            "a;b",
            "ä=b",
        ] {
            assert!(!is_selector(bad), "{bad:?}");
        }
        assert!(!is_selector(&format!("a={}", "x".repeat(64))));
    }

    #[test]
    fn namespaces_as_the_api_server_takes_them() {
        for good in ["a", "kube-system", "0"] {
            assert!(is_namespace(good), "{good}");
        }
        for bad in ["", "a b", "a/b", "../x", "A", "-a", "a.b", &"x".repeat(64)] {
            assert!(!is_namespace(bad), "{bad:?}");
        }
    }
}
