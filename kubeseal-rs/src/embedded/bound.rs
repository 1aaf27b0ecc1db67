//! What a sealed value that stands in no SealedSecret may be bound to, by the text around it.

use sealing::binding::{Binding, Scope};

/// Names and namespaces that are tried, each: every pair costs a private-key operation for each key.
const MOST_NAMES: usize = 4;

/// Name and namespace that the flags give for the sealed values of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BoundTo {
    /// `--name`.
    pub(crate) name: Option<String>,
    /// `--namespace`.
    pub(crate) namespace: Option<String>,
}

/// What the value at `at` may be bound to, the narrowest first: names and namespaces that are given, else those that stand
/// around it in the same document without template marks.
pub(crate) fn bindings(text: &str, at: usize, given: &BoundTo) -> Vec<Binding> {
    let document = document_around(text, at);
    let candidates = |given: &Option<String>, key: &str| match given {
        Some(given) => vec![given.clone()],
        None => values_of(document, key),
    };
    let names = candidates(&given.name, "name");
    let namespaces = candidates(&given.namespace, "namespace");
    let mut bindings = Vec::new();
    for namespace in &namespaces {
        bindings.extend(names.iter().map(|name| Binding::new(Scope::Strict, namespace, name)));
    }
    bindings.extend(
        namespaces
            .iter()
            .map(|namespace| Binding::new(Scope::NamespaceWide, namespace, "")),
    );
    bindings.push(Ok(Binding::ClusterWide));
    bindings.into_iter().filter_map(Result::ok).collect()
}

/// What a new value is to be bound to: the names that are given, as the scope needs them. The text around it does not decide:
/// a change of the text could have the value sealed for another place. `None` where a name is missing.
pub(crate) fn binding(given: &BoundTo, scope: Option<Scope>) -> Option<Binding> {
    let name = |given: &Option<String>| given.clone().unwrap_or_default();
    Binding::new(scope.unwrap_or_default(), &name(&given.namespace), &name(&given.name)).ok()
}

/// The text between the `---` lines around `at`.
fn document_around(text: &str, at: usize) -> &str {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.rfind("\n---").unwrap_or_default();
    let end = after.find("\n---").map_or(text.len(), |end| at + end);
    text.get(start..end).unwrap_or_default()
}

fn is_name(sign: char) -> bool {
    sign.is_ascii_lowercase() || sign.is_ascii_digit() || matches!(sign, '-' | '.')
}

/// The different plain values of `key` in a text.
fn values_of(text: &str, key: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in parts_of(text, key) {
        let is_plain = !value.is_empty() && value.chars().all(is_name);
        if is_plain && values.len() < MOST_NAMES && !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
    values
}

/// What stands behind `key:` in a text, read line by line: a Helm template has no other structure yet. Empty where that is a
/// template mark, or a collection.
fn parts_of<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let parts = text.split(['\n', '\r', ',', '{', '}']);
    let entries = parts.filter_map(|part| part.split_once(':'));
    entries
        .filter(|(found, _)| found.trim().trim_start_matches("- ").trim_matches(['"', '\'']) == key)
        .map(|(_, value)| {
            let value = value.split(" #").next().unwrap_or_default();
            value.trim().trim_matches(['"', '\''])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_given_or_found_in_the_document() {
        let text = "metadata: {name: other, namespace: other}\n---\nmetadata:\n  name: db # x\n  namespace: \"shop\"\n  labels: {name: \
                    '{{ .Release.Name }}'}\nx: HERE\n---\nname: third\n";
        let at = text.find("HERE").unwrap();
        let strict = |namespace: &str, name: &str| Binding::new(Scope::Strict, namespace, name).unwrap();
        let wide = |namespace: &str| Binding::new(Scope::NamespaceWide, namespace, "").unwrap();
        let none = BoundTo::default();
        assert_eq!(
            bindings(text, at, &none),
            [strict("shop", "db"), wide("shop"), Binding::ClusterWide]
        );
        let given = BoundTo {
            name: Some("web".to_owned()),
            namespace: Some("prod".to_owned()),
        };
        assert_eq!(
            bindings(text, at, &given),
            [strict("prod", "web"), wide("prod"), Binding::ClusterWide]
        );
        assert_eq!(bindings("password: HERE", 10, &none), [Binding::ClusterWide]);
    }
}
