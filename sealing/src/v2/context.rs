//! What a value is bound to: scope, names and item → HPKE's `info`.

use thiserror::Error;

use super::envelope::SUITE;
use crate::binding::{Binding, Scope};

/// HPKE's `info`: where the value may be opened, and as which item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context(Vec<u8>);

/// A name is longer than its length field can say. No name of Kubernetes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a name of {0} bytes cannot be bound (65535 can)")]
pub struct NameTooLong(usize);

impl Context {
    /// Binds the names that the scope binds, and the item in every scope.
    ///
    /// # Errors
    /// [`NameTooLong`].
    pub fn new(binding: &Binding, item: &str) -> Result<Self, NameTooLong> {
        let (scope, namespace, name) = match binding {
            Binding::Strict { namespace, name } => (0, namespace.as_str(), name.as_str()),
            Binding::NamespaceWide { namespace } => (1, namespace.as_str(), ""),
            Binding::ClusterWide => (2, "", ""),
        };
        debug_assert_eq!(Scope::ALL.get(usize::from(scope)), Some(&binding.scope()));
        let mut info = b"sealed-secrets/v2\0".to_vec();
        info.extend([SUITE, scope]);
        for text in [namespace, name, item] {
            let length = u16::try_from(text.len()).map_err(|_| NameTooLong(text.len()))?;
            info.extend(length.to_be_bytes());
            info.extend(text.as_bytes());
        }
        Ok(Self(info))
    }

    /// The bytes as they enter HPKE.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn bytes_of_each_scope() {
        let info = |scope| {
            let binding = Binding::new(scope, "ns", "name").unwrap();
            Context::new(&binding, "it").unwrap().0
        };
        assert_eq!(
            info(Scope::Strict),
            b"sealed-secrets/v2\0\x01\x00\x00\x02ns\x00\x04name\x00\x02it"
        );
        assert_eq!(
            info(Scope::NamespaceWide),
            b"sealed-secrets/v2\0\x01\x01\x00\x02ns\x00\x00\x00\x02it"
        );
        assert_eq!(
            info(Scope::ClusterWide),
            b"sealed-secrets/v2\0\x01\x02\x00\x00\x00\x00\x00\x02it"
        );
    }

    #[test]
    fn no_two_places_share_their_bytes() {
        let mut seen = BTreeSet::new();
        for (namespace, name, item) in [
            ("a", "b", "c"),
            ("ab", "", "c"),
            ("a", "bc", ""),
            ("", "ab", "c"),
            ("a", "b", ""),
        ] {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            for binding in [
                Binding::NamespaceWide {
                    namespace: namespace.clone(),
                },
                Binding::Strict { namespace, name },
            ] {
                seen.insert(Context::new(&binding, item).unwrap().0);
            }
        }
        // A namespace-wide value does not care for the name.
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn a_name_longer_than_its_length_field_is_refused() {
        assert!(Context::new(&Binding::ClusterWide, &"x".repeat(65_535)).is_ok());
        let error = Context::new(&Binding::ClusterWide, &"x".repeat(65_536)).unwrap_err();
        assert_eq!(error, NameTooLong(65_536));
    }
}
