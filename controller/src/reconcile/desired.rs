//! The Secret that is asked for, and what has to change in the one that is there. Pure.

use std::collections::BTreeMap;

use crds::{SealedSecret, names};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sealing::secret::ClearSecret;

use crate::annotation::says_true;

/// How the Secret that is there is brought to what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It becomes what is asked for, whole.
    Overwrite,
    /// What is asked for is put back; labels and annotations that others added stay.
    Repair,
    /// What is asked for is added; nothing is taken away (annotation `patch`). The owner is set only if `own`.
    Patch {
        /// Whether the SealedSecret also becomes the owner (annotation `managed`).
        own: bool,
    },
}

/// The object to create.
pub(crate) fn create(asked: &ClearSecret) -> Secret {
    Secret {
        metadata: ObjectMeta {
            owner_references: asked.metadata.owner_references.clone(),
            ..named(asked)
        },
        type_: asked.type_.clone().filter(|type_| !type_.is_empty()),
        immutable: asked.immutable,
        data: Some(data(asked)).filter(|data| !data.is_empty()),
        ..Secret::default()
    }
}

fn named(asked: &ClearSecret) -> ObjectMeta {
    ObjectMeta {
        name: asked.metadata.name.clone(),
        namespace: asked.metadata.namespace.clone(),
        labels: asked.metadata.labels.clone(),
        annotations: asked.metadata.annotations.clone(),
        ..ObjectMeta::default()
    }
}

fn data(asked: &ClearSecret) -> BTreeMap<String, ByteString> {
    asked
        .items
        .iter()
        .map(|(item, bytes)| (item.clone(), ByteString(bytes.expose().to_vec())))
        .collect()
}

/// The object to write over `live`, which keeps its uid and resourceVersion; `None` when nothing would change. `uid` is the
/// SealedSecret's. The type is not looked at here: it can never change.
pub(crate) fn replace(live: &Secret, asked: &ClearSecret, mode: Mode, uid: &str) -> Option<Secret> {
    let mut new = live.clone();
    // Of what was read they lack the fields: sent back like that, the API server would forget who manages which.
    new.metadata.managed_fields = None;
    let owners = owners(&live.metadata, asked, uid);
    // A Secret that is immutable stays so, whatever is asked.
    if asked.immutable == Some(true) {
        new.immutable = Some(true);
    }
    match mode {
        Mode::Overwrite => {
            new.data = Some(data(asked));
            new.metadata.labels = asked.metadata.labels.clone();
            new.metadata.annotations = asked.metadata.annotations.clone();
            new.metadata.owner_references = Some(owners);
        }
        Mode::Repair => {
            new.data = Some(data(asked));
            add_meta(&mut new, asked);
            new.metadata.owner_references = Some(owners);
        }
        Mode::Patch { own } => {
            new.data.get_or_insert_default().extend(data(asked));
            add_meta(&mut new, asked);
            if own {
                new.metadata.owner_references = Some(owners);
            }
        }
    }
    (!same(live, &new)).then_some(new)
}

/// The owners that the Secret is to have: the SealedSecret's own entry is put right where it stands, and what others added
/// stays (an operator that wants a Secret to go with an object of its own adds one). Kubernetes knows one controller: where
/// the SealedSecret becomes it, another one's entry goes.
fn owners(live: &ObjectMeta, asked: &ClearSecret, uid: &str) -> Vec<OwnerReference> {
    let own = asked.metadata.owner_references.as_deref().unwrap_or_default();
    let controls = |owner: &OwnerReference| owner.controller == Some(true);
    let controlled = own.iter().any(controls);
    let there = live.owner_references.as_deref().unwrap_or_default();
    let mut owners: Vec<OwnerReference> = there
        .iter()
        .filter_map(|owner| match own.iter().find(|own| own.uid == owner.uid) {
            Some(own) => Some(own.clone()),
            None if owner.uid == uid || (controlled && controls(owner)) => None,
            None => Some(owner.clone()),
        })
        .collect();
    let missing = own.iter().filter(|own| there.iter().all(|owner| owner.uid != own.uid));
    owners.extend(missing.cloned());
    owners
}

/// What the API server's admission made otherwise than it was sent: names of labels, annotations and items.
pub(crate) fn altered(sent: &Secret, kept: &Secret) -> Vec<String> {
    fn differing<'a, V: PartialEq>(
        what: &'a str,
        sent: Option<&'a BTreeMap<String, V>>,
        kept: Option<&'a BTreeMap<String, V>>,
    ) -> impl Iterator<Item = String> + use<'a, V> {
        let sent = sent.into_iter().flatten();
        let differing = sent.filter(move |(name, value)| kept.and_then(|kept| kept.get(*name)) != Some(*value));
        differing.map(move |(name, _)| format!("{what} {name}"))
    }
    let (m, n) = (&sent.metadata, &kept.metadata);
    differing("label", m.labels.as_ref(), n.labels.as_ref())
        .chain(differing("annotation", m.annotations.as_ref(), n.annotations.as_ref()))
        .chain(differing("item", sent.data.as_ref(), kept.data.as_ref()))
        .collect()
}

fn add_meta(new: &mut Secret, asked: &ClearSecret) {
    let add = |to: &mut Option<BTreeMap<String, String>>, from: &Option<BTreeMap<String, String>>| {
        if let Some(from) = from.as_ref().filter(|from| !from.is_empty()) {
            to.get_or_insert_default().extend(from.clone());
        }
    };
    add(&mut new.metadata.labels, &asked.metadata.labels);
    add(&mut new.metadata.annotations, &asked.metadata.annotations);
}

/// Whether two states of one Secret are the same to the API server, for which none and empty are the same.
fn same(a: &Secret, b: &Secret) -> bool {
    fn eq<T: PartialEq + Default>(a: &Option<T>, b: &Option<T>) -> bool {
        let none = T::default();
        a.as_ref().unwrap_or(&none) == b.as_ref().unwrap_or(&none)
    }
    let (m, n) = (&a.metadata, &b.metadata);
    same_data(a, b)
        && eq(&a.immutable, &b.immutable)
        && eq(&m.labels, &n.labels)
        && eq(&m.annotations, &n.annotations)
        && eq(&m.owner_references, &n.owner_references)
}

/// Whether two Secrets hold the same items.
pub(crate) fn same_data(a: &Secret, b: &Secret) -> bool {
    let none = BTreeMap::new();
    a.data.as_ref().unwrap_or(&none) == b.data.as_ref().unwrap_or(&none)
}

/// The type that the API server gives to what is asked for.
pub(crate) fn type_or_opaque(type_: Option<&str>) -> &str {
    type_
        .filter(|type_| !type_.is_empty())
        .unwrap_or(names::SECRET_TYPE_OPAQUE)
}

/// Whether a Secret is to be patched rather than overwritten.
pub(crate) fn is_patch(metadata: &ObjectMeta) -> bool {
    says_true(metadata, names::ANNOTATION_PATCH)
}

/// Whether a Secret may be taken over.
pub(crate) fn is_managed(metadata: &ObjectMeta) -> bool {
    says_true(metadata, names::ANNOTATION_MANAGED)
}

/// Whether the Secret may be written for this SealedSecret.
pub(crate) fn is_ours(metadata: &ObjectMeta, sealed: &SealedSecret) -> bool {
    says_that_it_is_ours(metadata, sealed) || was_written_by(metadata, sealed)
}

/// The same by what stands in the Secret itself.
pub(crate) fn says_that_it_is_ours(metadata: &ObjectMeta, sealed: &SealedSecret) -> bool {
    is_controlled_by(metadata, sealed.metadata.uid.as_deref().unwrap_or_default())
        || is_managed(metadata)
        || is_patch(metadata)
}

/// Whether a Secret has a controller, whoever that is.
pub(crate) fn has_controller(metadata: &ObjectMeta) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true))
}

/// Whether a Secret without a controller is the one that this SealedSecret wrote last, as its status remembers. That we wrote
/// it the Secret itself has to say: more people may write statuses than Secrets. So has its age: one that is older than the
/// SealedSecret was made for another of that name.
pub(crate) fn was_written_by(metadata: &ObjectMeta, sealed: &SealedSecret) -> bool {
    let written = sealed.status.as_ref().and_then(|status| status.written.as_ref());
    was_written_for(metadata, &sealed.metadata, written.map(|written| written.uid.as_str()))
}

/// The same, of a SealedSecret with this metadata that wrote the Secret with the uid `wrote`.
pub(crate) fn was_written_for(metadata: &ObjectMeta, sealed: &ObjectMeta, wrote: Option<&str>) -> bool {
    let mut managers = metadata.managed_fields.iter().flatten();
    wrote.is_some()
        && metadata.uid.as_deref() == wrote
        && managers.any(|entry| entry.manager.as_deref() == Some(names::FIELD_MANAGER))
        && !has_controller(metadata)
        && !is_older(metadata, sealed)
}

/// Whether a Secret was there before the SealedSecret. The API server says so of both.
pub(crate) fn is_older(secret: &ObjectMeta, sealed: &ObjectMeta) -> bool {
    let created = secret
        .creation_timestamp
        .as_ref()
        .zip(sealed.creation_timestamp.as_ref());
    created.is_some_and(|(secret, sealed)| secret.0 < sealed.0)
}

/// Whether a Secret is controlled by an earlier SealedSecret of the same name, with which it is about to be deleted.
pub(crate) fn is_of_predecessor(metadata: &ObjectMeta, sealed: &SealedSecret) -> bool {
    let uid = sealed.metadata.uid.as_deref();
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|owner| {
        let is_ours = owner.api_version.split('/').next() == Some(names::GROUP) && owner.kind == names::KIND;
        let is_other = owner.controller == Some(true) && Some(owner.uid.as_str()) != uid;
        is_ours && is_other && Some(&owner.name) == sealed.metadata.name.as_ref()
    })
}

/// Whether a Secret is controlled by the SealedSecret with this uid.
pub(crate) fn is_controlled_by(metadata: &ObjectMeta, uid: &str) -> bool {
    metadata
        .owner_references
        .iter()
        .flatten()
        .any(|owner| owner.controller == Some(true) && owner.uid == uid)
}
