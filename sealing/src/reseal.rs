//! Reseals a SealedSecret: every item is opened and sealed again for another key, and nothing else changes.
//!
//! The scope that opened is the scope that seals: both use one binding, made of the object's own metadata. Nothing of the
//! template is read, rendered or written (in the reference the template decided the output's scope, CVE-2026-22728).

pub mod response;

use std::collections::{BTreeMap, BTreeSet};

use crds::{SealedSecret, names};
use serde_json::Value;
use thiserror::Error;

use crate::binding::{Binding, BindingError};
use crate::key::Fingerprint;
use crate::key_hint::KeyHint;
use crate::keyring::{KeyRing, Opened};
use crate::random::Random;
use crate::sealer::{SealItemError, Sealer};
use crate::size;
use crate::unseal::{self, ItemError, ItemErrors};
use manifest::edit::Change;

/// Which items are sealed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that another key than the new one opens, or that change their version. Found by opening, never by a hint.
    OfOtherKeys,
}

/// The new ciphertexts of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// New ciphertexts by item: standard padded base64 of the envelope.
    pub items: BTreeMap<String, String>,
    /// The new ciphertext of the deprecated `spec.data`, when the object has that in place of items.
    pub deprecated_data: Option<String>,
    /// How many ciphertexts stay as they are.
    pub kept: usize,
    /// The keys that opened the old ciphertexts, including unchanged ones.
    pub opened_by: BTreeSet<Fingerprint>,
    /// The key that all ciphertexts of the object are sealed with now.
    pub key: Fingerprint,
}

/// Why an object was not resealed. No part of it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResealError {
    /// Items that did not open, by name; all items are tried.
    #[error("{0}")]
    Items(ItemErrors),
    /// The deprecated `spec.data` did not open.
    #[error("the deprecated field 'data': {0}")]
    DeprecatedData(ItemError),
    /// `spec.encryptedData` and `spec.data` are both there. The text is the reference's.
    #[error("cannot use the field 'encryptedData' and the deprecated field 'data' at the same time")]
    BothFormats,
    /// The object lacks a name that its scope binds.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A value could not be sealed.
    #[error(transparent)]
    Item(#[from] SealItemError),
    /// Values of format v2 are longer: the object would exceed the API server's limit.
    #[error(
        "its new ciphertexts would have more than {} bytes together, which no SealedSecret can hold",
        size::LARGEST_REQUEST
    )]
    TooLarge,
}

/// Opens the ciphertexts of `sealed` with `keys`, and seals the plaintexts with `to`, under the same scope and names, each
/// in the version of [`Sealer::format_after`]. The keys of the object's hint are tried first, then `preferred`; a wrong one
/// costs time only.
///
/// # Errors
/// [`ResealError`]; then no ciphertext is returned, not even of items that opened.
pub fn reseal(
    sealed: &SealedSecret,
    keys: &KeyRing,
    preferred: &[Fingerprint],
    to: &Sealer<'_>,
    which: Which,
    random: &mut dyn Random,
) -> Result<Resealed, ResealError> {
    let binding = unseal::binding(sealed)?;
    let hint = KeyHint::from_metadata(&sealed.metadata);
    let hinted = hint.iter().flat_map(KeyHint::keys);
    let likely: Vec<_> = hinted.chain(preferred).cloned().collect();
    let former = sealed.spec.encrypted_data.values().chain(&sealed.spec.data);
    let mut resealing = Resealing {
        // An object that is over the limit already may keep its size.
        room: former.map(String::len).sum::<usize>().max(size::LARGEST_REQUEST),
        binding: &binding,
        to,
        which,
        random,
        resealed: Resealed {
            items: BTreeMap::new(),
            deprecated_data: None,
            kept: 0,
            opened_by: BTreeSet::new(),
            key: to.fingerprint().clone(),
        },
    };
    match &sealed.spec.data {
        Some(_) if !sealed.spec.encrypted_data.is_empty() => return Err(ResealError::BothFormats),
        Some(data) => {
            let opened = unseal::open_text(data, &binding, "", keys, &likely).map_err(ResealError::DeprecatedData)?;
            resealing.resealed.deprecated_data = resealing.reseal_item("", opened)?;
        }
        None => {
            let mut errors = BTreeMap::new();
            for (item, outcome) in unseal::open_items(sealed, &binding, keys, preferred) {
                match outcome {
                    // After the first failure the other items are opened only to list those that fail too.
                    Ok(_) if !errors.is_empty() => {}
                    Ok(opened) => {
                        if let Some(text) = resealing.reseal_item(item, opened)? {
                            resealing.resealed.items.insert(item.to_owned(), text);
                        }
                    }
                    Err(error) => drop(errors.insert(item.to_owned(), error)),
                }
            }
            if !errors.is_empty() {
                return Err(ResealError::Items(ItemErrors(errors)));
            }
        }
    }
    Ok(resealing.resealed)
}

struct Resealing<'a> {
    /// Bytes left for new ciphertexts.
    room: usize,
    binding: &'a Binding,
    to: &'a Sealer<'a>,
    which: Which,
    random: &'a mut dyn Random,
    resealed: Resealed,
}

impl Resealing<'_> {
    /// The new ciphertext; `None` when the old one stays.
    fn reseal_item(&mut self, item: &str, opened: Opened) -> Result<Option<String>, ResealError> {
        let former = Some(opened.format);
        let stays = self.which == Which::OfOtherKeys
            && self.to.seals_with(&opened.key, opened.hybrid)
            && former == Some(self.to.format_after(former));
        self.resealed.opened_by.insert(opened.key);
        if stays {
            self.resealed.kept += 1;
            return Ok(None);
        }
        let plaintext = opened.plaintext.expose();
        let sealed = self.to.seal(former, plaintext, self.binding, item, self.random)?;
        self.room = self.room.checked_sub(sealed.len()).ok_or(ResealError::TooLarge)?;
        Ok(Some(sealed))
    }
}

impl Resealed {
    /// Whether every ciphertext stays as it is.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.deprecated_data.is_none()
    }

    /// The key hint for the object, if it carries one.
    pub fn hint(&self) -> KeyHint {
        KeyHint::of_key(&self.key)
    }

    /// The changes in the text of the same object. The key hint is written with `hinted`, and updated where the object
    /// has one.
    pub fn changes(&self, sealed: &SealedSecret, hinted: bool) -> Vec<Change> {
        if self.is_empty() {
            return Vec::new();
        }
        let items = self.items.iter();
        let mut changes: Vec<_> = items
            .map(|(item, text)| Change::set(["spec", "encryptedData", item], text))
            .collect();
        changes.extend(
            self.deprecated_data
                .iter()
                .map(|text| Change::set(["spec", "data"], text)),
        );
        let annotations = sealed.metadata.annotations.as_ref();
        if hinted || annotations.is_some_and(|all| all.contains_key(names::ANNOTATION_SEALED_WITH)) {
            changes.push(self.hint().change());
        }
        changes
    }

    /// Puts the new ciphertexts into the same object as JSON, and updates its key hint, if it has one. All other fields
    /// stay, also unknown ones; when every ciphertext stays, so does the hint.
    pub fn put_into(&self, object: &mut Value) {
        if self.is_empty() {
            return;
        }
        for (item, text) in &self.items {
            if let Some(place) = object
                .pointer_mut("/spec/encryptedData")
                .and_then(|all| all.get_mut(item))
            {
                *place = Value::String(text.clone());
            }
        }
        if let (Some(text), Some(place)) = (&self.deprecated_data, object.pointer_mut("/spec/data")) {
            *place = Value::String(text.clone());
        }
        let annotations = object.pointer_mut("/metadata/annotations");
        if let Some(hint) = annotations.and_then(|all| all.get_mut(names::ANNOTATION_SEALED_WITH)) {
            *hint = Value::String(self.hint().to_string());
        }
    }
}
