//! What is kept of a Secret: enough to know it again, and whose it is.

use crds::names;
use kube::core::ObjectMeta;

use super::compact::{Uid, Version};
use crate::annotation::says_true;
use crate::object_ref::ObjectName;

/// Longest name and uid of an owner, in bytes. The API server bounds neither, and what is longer is of no object: a name is a
/// DNS subdomain, a uid a UUID.
const LONGEST_NAME: usize = 253;
const LONGEST_UID: usize = 64;

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
pub(super) struct SecretEntry {
    uid: Uid,
    pub(super) version: Version,
    pub(super) owner: Owner,
    pub(super) managed: bool,
    /// The list that is read now, or was read last, has it.
    pub(super) is_listed: bool,
}

/// Which SealedSecret controls a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    /// One of its own name.
    OfItsName,
    /// One of another name.
    Another,
}

impl SecretEntry {
    /// From the metadata of a Secret.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let controller = metadata.owner_references.iter().flatten().find(|owner| {
            let ours = owner.api_version.split('/').next() == Some(names::GROUP) && owner.kind == names::KIND;
            let is_possible = owner.name.len() <= LONGEST_NAME && owner.uid.len() <= LONGEST_UID;
            ours && is_possible && owner.controller == Some(true)
        });
        Self {
            uid: metadata.uid.as_deref().unwrap_or_default().into(),
            version: metadata.resource_version.as_deref().unwrap_or_default().into(),
            owner: match controller {
                None => Owner::Nobody,
                Some(owner) if Some(&owner.name) == metadata.name.as_ref() => Owner::OfItsName,
                Some(_) => Owner::Another,
            },
            managed: says_true(metadata, names::ANNOTATION_MANAGED),
            is_listed: true,
        }
    }

    pub(super) fn identity(&self) -> SecretIdentity {
        SecretIdentity {
            uid: self.uid.to_string(),
            version: self.version.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

    use super::*;

    #[test]
    fn owner_that_can_be_no_object_is_none() {
        let entry = |name: usize, uid: usize| {
            SecretEntry::of(&ObjectMeta {
                owner_references: Some(vec![OwnerReference {
                    api_version: names::API_VERSION.to_owned(),
                    kind: names::KIND.to_owned(),
                    name: "n".repeat(name),
                    uid: "u".repeat(uid),
                    controller: Some(true),
                    ..OwnerReference::default()
                }]),
                ..ObjectMeta::default()
            })
        };
        assert_eq!(entry(LONGEST_NAME, LONGEST_UID).owner, Owner::Another);
        assert_eq!(entry(LONGEST_NAME + 1, 1).owner, Owner::Nobody);
        assert_eq!(entry(1, LONGEST_UID + 1).owner, Owner::Nobody);
    }
}
