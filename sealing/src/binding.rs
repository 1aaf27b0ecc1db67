//! Where a ciphertext may be opened: scope → binding → OAEP label.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crds::names;
use thiserror::Error;

/// Whether an annotation is exactly `"true"`: nothing else counts (reference behaviour).
pub fn says_true(annotations: Option<&BTreeMap<String, String>>, name: &str) -> bool {
    annotations
        .and_then(|all| all.get(name))
        .is_some_and(|value| value == "true")
}

/// How far a ciphertext may travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Scope {
    /// Bound to one name in one namespace.
    #[default]
    Strict,
    /// Bound to one namespace; any name.
    NamespaceWide,
    /// Opens anywhere in the cluster.
    ClusterWide,
}

impl Scope {
    /// All scopes, narrowest first.
    pub const ALL: [Scope; 3] = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];

    /// Reads the scope off an object's annotations. Only the exact text `"true"` counts, and cluster-wide wins
    /// (reference behaviour).
    pub fn from_annotations(annotations: Option<&BTreeMap<String, String>>) -> Self {
        if says_true(annotations, names::ANNOTATION_CLUSTER_WIDE) {
            Scope::ClusterWide
        } else if says_true(annotations, names::ANNOTATION_NAMESPACE_WIDE) {
            Scope::NamespaceWide
        } else {
            Scope::Strict
        }
    }

    /// The annotation that says this scope on a SealedSecret; strict has none.
    pub fn annotation(self) -> Option<&'static str> {
        match self {
            Scope::Strict => None,
            Scope::NamespaceWide => Some(names::ANNOTATION_NAMESPACE_WIDE),
            Scope::ClusterWide => Some(names::ANNOTATION_CLUSTER_WIDE),
        }
    }

    /// The word used by `--scope`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Strict => "strict",
            Scope::NamespaceWide => "namespace-wide",
            Scope::ClusterWide => "cluster-wide",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of the three scopes. The text is the reference's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of: strict, namespace-wide, cluster-wide")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    /// The empty word means strict (reference behaviour).
    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        match word {
            "" | "strict" => Ok(Scope::Strict),
            "namespace-wide" => Ok(Scope::NamespaceWide),
            "cluster-wide" => Ok(Scope::ClusterWide),
            _ => Err(UnknownScope),
        }
    }
}

/// A scope together with the names that it needs; cannot lack one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Binding {
    /// One name in one namespace.
    Strict {
        /// Namespace of the Secret.
        namespace: String,
        /// Name of the Secret.
        name: String,
    },
    /// Any name in one namespace.
    NamespaceWide {
        /// Namespace of the Secret.
        namespace: String,
    },
    /// Anywhere.
    ClusterWide,
}

/// The scope needs a name that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BindingError {
    /// Strict and namespace-wide need a namespace.
    #[error("scope {0} needs a namespace")]
    NamespaceMissing(Scope),
    /// Strict needs a name.
    #[error("scope strict needs a name")]
    NameMissing,
}

impl Binding {
    /// Binds `scope` to what it needs of `namespace` and `name`; what it does not need is ignored.
    ///
    /// # Errors
    /// [`BindingError`] when a name that the scope needs is empty.
    pub fn new(scope: Scope, namespace: &str, name: &str) -> Result<Self, BindingError> {
        if scope != Scope::ClusterWide && namespace.is_empty() {
            return Err(BindingError::NamespaceMissing(scope));
        }
        if scope == Scope::Strict && name.is_empty() {
            return Err(BindingError::NameMissing);
        }
        Ok(match scope {
            Scope::Strict => Binding::Strict {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
            Scope::NamespaceWide => Binding::NamespaceWide {
                namespace: namespace.to_owned(),
            },
            Scope::ClusterWide => Binding::ClusterWide,
        })
    }

    /// The scope of this binding.
    pub fn scope(&self) -> Scope {
        match self {
            Binding::Strict { .. } => Scope::Strict,
            Binding::NamespaceWide { .. } => Scope::NamespaceWide,
            Binding::ClusterWide => Scope::ClusterWide,
        }
    }

    /// The OAEP label: UTF-8 of `namespace/name`, of `namespace`, or nothing (docs/format.md).
    pub fn label(&self) -> Label {
        Label(match self {
            Binding::Strict { namespace, name } => format!("{namespace}/{name}").into_bytes(),
            Binding::NamespaceWide { namespace } => namespace.clone().into_bytes(),
            Binding::ClusterWide => Vec::new(),
        })
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Binding::Strict { namespace, name } => write!(f, "{namespace}/{name} (strict)"),
            Binding::NamespaceWide { namespace } => write!(f, "namespace {namespace} (namespace-wide)"),
            Binding::ClusterWide => f.write_str("cluster-wide"),
        }
    }
}

/// The OAEP label that a ciphertext is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label(Vec<u8>);

impl Label {
    /// The bytes as they enter OAEP; empty for cluster-wide.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_binding_is_told_with_its_names() {
        let told = |scope| Binding::new(scope, "ns", "one").unwrap().to_string();
        assert_eq!(
            Scope::ALL.map(told),
            ["ns/one (strict)", "namespace ns (namespace-wide)", "cluster-wide"]
        );
    }

    #[test]
    fn only_the_exact_word_true_counts_and_cluster_wide_wins() {
        let (ns, cluster) = (names::ANNOTATION_NAMESPACE_WIDE, names::ANNOTATION_CLUSTER_WIDE);
        let cases: [(&[(&str, &str)], Scope); 6] = [
            (&[], Scope::Strict),
            (&[(ns, "True")], Scope::Strict),
            (&[(ns, "true")], Scope::NamespaceWide),
            (&[(cluster, "true")], Scope::ClusterWide),
            (&[(ns, "true"), (cluster, "true")], Scope::ClusterWide),
            (&[(ns, "true"), (cluster, "yes")], Scope::NamespaceWide),
        ];
        for (pairs, expected) in cases {
            assert_eq!(
                Scope::from_annotations(Some(&annotations(pairs))),
                expected,
                "{pairs:?}"
            );
        }
        assert_eq!(Scope::from_annotations(None), Scope::Strict);
    }

    #[test]
    fn the_label_holds_exactly_what_the_scope_binds() {
        let label = |scope| Binding::new(scope, "ns", "name").unwrap().label().as_bytes().to_vec();
        assert_eq!(label(Scope::Strict), b"ns/name");
        assert_eq!(label(Scope::NamespaceWide), b"ns");
        assert_eq!(label(Scope::ClusterWide), b"");
    }

    #[test]
    fn a_binding_cannot_lack_what_its_scope_needs() {
        assert_eq!(Binding::new(Scope::Strict, "ns", ""), Err(BindingError::NameMissing));
        assert_eq!(
            Binding::new(Scope::Strict, "", "n"),
            Err(BindingError::NamespaceMissing(Scope::Strict))
        );
        assert!(Binding::new(Scope::NamespaceWide, "ns", "").is_ok());
        assert!(Binding::new(Scope::ClusterWide, "", "").is_ok());
    }

    #[test]
    fn scopes_are_read_back_from_their_words() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("".parse(), Ok(Scope::Strict));
        assert_eq!("foo".parse::<Scope>(), Err(UnknownScope));
    }
}
