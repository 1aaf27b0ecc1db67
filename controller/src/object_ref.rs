//! Namespace and name: what a SealedSecret and its Secret share.

use std::fmt;

use kube::api::ListParams;
use kube::core::ObjectMeta;

/// Namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// Those of an object that the API server gave.
    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }

    /// Lists this object and no other of its namespace. SealedSecrets are looked up so: whoever may list them needs no further
    /// right to read one.
    pub(crate) fn alone(&self) -> ListParams {
        ListParams::default().fields(&format!("metadata.name={}", self.name))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
