//! Checks the response of a controller's rotate endpoint before any part of it is written to a file.

use crds::{SealedSecret, names};
use thiserror::Error;

use crate::base64_text;
use crate::binding::Scope;
use crate::key_hint::KeyHint;
use crate::sealed_value::SealedValue;
use crate::sealer::Format;
use manifest::edit::Change;

/// Why a response is refused. Carries names, never a ciphertext.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// It is another object.
    #[error("the controller's answer has another name, namespace or scope")]
    OtherObject,
    /// It has other items.
    #[error("the controller's answer has other items")]
    OtherItems,
    /// A text in it is not a ciphertext.
    #[error("the controller's answer holds something else than a ciphertext ({0})")]
    NoCiphertext(String),
    /// A value has an earlier version than before.
    #[error("the controller's answer has an earlier format of {0}")]
    Lowered(String),
}

/// The changes that copy the ciphertexts of `reply`, and nothing else of it, into the text of `sealed`; empty where all
/// ciphertexts are the same. The object's key hint is updated from the response; without one there, it is removed,
/// because it would be wrong.
///
/// # Errors
/// [`ResponseError`].
pub fn changes(sealed: &SealedSecret, reply: &SealedSecret) -> Result<Vec<Change>, ResponseError> {
    let said = |field: &Option<String>| field.clone().unwrap_or_default();
    let identity = |object: &SealedSecret| {
        let metadata = &object.metadata;
        let scope = Scope::from_annotations(metadata.annotations.as_ref());
        (said(&metadata.name), said(&metadata.namespace), scope)
    };
    if identity(sealed) != identity(reply) {
        return Err(ResponseError::OtherObject);
    }
    let (old, new) = (&sealed.spec, &reply.spec);
    if !old.encrypted_data.keys().eq(new.encrypted_data.keys()) || old.data.is_some() != new.data.is_some() {
        return Err(ResponseError::OtherItems);
    }
    let mut changes = Vec::new();
    let items = new.encrypted_data.iter().map(|(item, text)| {
        let path = vec!["spec", "encryptedData", item.as_str()];
        (path, old.encrypted_data.get(item), text)
    });
    let deprecated = new
        .data
        .iter()
        .map(|text| (vec!["spec", "data"], old.data.as_ref(), text));
    for (path, before, text) in items.chain(deprecated) {
        let name = || path.last().copied().unwrap_or_default().to_owned();
        if !base64_text::decode(text).is_ok_and(|bytes| SealedValue::parse(&bytes).is_ok()) {
            return Err(ResponseError::NoCiphertext(name()));
        }
        if before.and_then(|before| Format::of(before)) > Format::of(text) {
            return Err(ResponseError::Lowered(name()));
        }
        if before != Some(text) {
            changes.push(Change::set(path, text));
        }
    }
    let annotations = sealed.metadata.annotations.as_ref().filter(|_| !changes.is_empty());
    if annotations.is_some_and(|all| all.contains_key(names::ANNOTATION_SEALED_WITH)) {
        let path = ["metadata", "annotations", names::ANNOTATION_SEALED_WITH];
        changes.push(match KeyHint::from_metadata(&reply.metadata) {
            Some(hint) => hint.change(),
            None => Change::Remove {
                path: path.map(str::to_owned).into(),
            },
        });
    }
    Ok(changes)
}
