//! What is kept of a Secret: enough to know it again, and whose it is.

use crds::names;
use kube::core::ObjectMeta;

use crate::annotation::says_true;
use crate::object_ref::ObjectName;

/// Which Secret it is, and in which state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretIdentity {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
}

impl SecretIdentity {
    /// From the metadata of a Secret.
    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.clone().unwrap_or_default(),
        }
    }

    /// Metadata that say no more than this.
    pub(crate) fn metadata(self, name: &ObjectName) -> ObjectMeta {
        ObjectMeta {
            namespace: Some(name.namespace.clone()),
            name: Some(name.name.clone()),
            uid: Some(self.uid),
            resource_version: Some(self.version),
            ..ObjectMeta::default()
        }
    }
}

/// What is kept of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretEntry {
    pub(super) identity: SecretIdentity,
    pub(super) owner: Option<Owner>,
    pub(super) managed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: String,
}

impl SecretEntry {
    /// From the metadata of a Secret.
    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        let controller = metadata.owner_references.iter().flatten().find(|owner| {
            let ours = owner.api_version.split('/').next() == Some(names::GROUP) && owner.kind == names::KIND;
            ours && owner.controller == Some(true)
        });
        Self {
            identity: SecretIdentity::of(metadata),
            owner: controller.map(|owner| Owner {
                name: owner.name.clone(),
                uid: owner.uid.clone(),
            }),
            managed: says_true(metadata, names::ANNOTATION_MANAGED),
        }
    }
}
