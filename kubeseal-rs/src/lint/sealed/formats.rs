//! Which versions of the format the values of an object have, and which of their keys they name.

use crds::{SealedSecret, names};
use manifest::{Place, escaped};
use sealing::key::Fingerprint;
use sealing::key_hint::KeyHint;
use sealing::sealer::Format;
use sealing::v2::KeyId;

use super::Object;
use crate::lint::rule::Rule;

/// A value that opens under one item's name alone.
#[derive(Debug)]
pub(in crate::lint) struct BoundValue {
    /// Its item.
    pub(in crate::lint) item: String,
    /// Where it stands.
    pub(in crate::lint) place: Place,
    /// A part of its text that is random for each value.
    pub(in crate::lint) drawn: String,
}

/// Characters of the base64 in which the first recipient's encapsulation lies, which is random.
const DRAWN: std::ops::Range<usize> = 20..84;

impl Object<'_> {
    /// The values of format v2.
    pub(super) fn bound_values(&self, sealed: &SealedSecret) -> Vec<BoundValue> {
        let items = sealed.spec.encrypted_data.iter();
        let bound = items.filter(|(_, text)| Format::of(text) == Some(Format::V2));
        let values = bound.filter_map(|(item, text)| {
            Some(BoundValue {
                item: item.clone(),
                place: self.document.place_of(&["spec", "encryptedData", item]),
                drawn: text.trim().get(DRAWN)?.to_owned(),
            })
        });
        values.collect()
    }

    /// Values of format v1 where format v2 is meant.
    pub(super) fn formats(&mut self, sealed: &SealedSecret) {
        let items = sealed.spec.encrypted_data.iter();
        let v1: Vec<_> = items.filter(|(_, text)| Format::of(text) == Some(Format::V1)).collect();
        let Some((first, _)) = v1.first() else {
            return;
        };
        let path = ["spec", "encryptedData", first.as_str()];
        let named = v1.iter().map(|(item, _)| escaped(item)).collect::<Vec<_>>().join(", ");
        let fix = format!("kubeseal reseal --format-version 2 {}", self.source.file.word());
        if Format::latest_of(sealed) == Some(Format::V2) {
            let message = format!("{named}: of format v1 beside values of format v2");
            self.find_and_fix(Rule::MixedFormats, &path, message, fix.clone());
        }
        if self.source.format == Some(Format::V2) {
            let message = format!("{named}: of format v1, and the project file names format v2");
            self.find_and_fix(Rule::EarlierFormat, &path, message, fix);
        }
    }

    /// Whether the key hint names this key alone.
    fn is_hinted_at(&self, key: &Fingerprint) -> bool {
        let annotations = self.document.value.pointer("/metadata/annotations");
        let hint = annotations.and_then(|all| all.get(names::ANNOTATION_SEALED_WITH)?.as_str());
        hint.and_then(|hint| hint.parse().ok()) == Some(KeyHint::of_key(key))
    }

    /// What the key ids in a value of format v2 say, held against the certificates.
    pub(super) fn key_ids(&mut self, item: &str, keys: &[KeyId]) {
        let path = ["spec", "encryptedData", item];
        let (item, file) = (escaped(item), self.source.file.word());
        let own = self.source.certificate.as_ref();
        if own.and_then(|own| own.hybrid).is_some_and(|own| keys.contains(&own)) {
            return;
        }
        let is_its = |hybrid: Option<KeyId>| hybrid.is_some_and(|hybrid| keys.contains(&hybrid));
        if let Some(other) = self.source.others.iter().find(|other| is_its(other.hybrid)) {
            let message = format!(
                "item {item} was sealed with the key of cluster {}, which this place is not for",
                other.cluster
            );
            let fix = "seal the value again, which takes the certificate of the cluster that this place is for";
            self.find_and_fix(
                Rule::OtherCluster,
                &path,
                message,
                format!("{fix}: kubeseal edit {file}"),
            );
        } else if let Some(own) = own.filter(|own| own.hybrid.is_some() && self.is_hinted_at(&own.fingerprint)) {
            let ids: Vec<_> = keys.iter().map(KeyId::to_string).collect();
            let message = format!(
                "item {item} was sealed with the RSA key of {}, by the key hint, and a hybrid key that is not its own (key id {}): whoever \
                 made that certificate can read it",
                own.name,
                ids.join(", ")
            );
            let fix =
                format!("change the value, and seal the new one with the cluster's certificate: kubeseal edit {file}");
            self.find_and_fix(Rule::ForeignHybridKey, &path, message, fix);
        } else if let Some(own) = own {
            let ids: Vec<_> = keys.iter().map(KeyId::to_string).collect();
            let has = own
                .hybrid
                .map_or("no hybrid key".to_owned(), |own| format!("key id {own}"));
            let message = format!(
                "item {item} was sealed with key id {}; {} has {has}",
                ids.join(", "),
                own.name
            );
            let fix = own.fix_of_old_key(&file);
            self.find_and_fix(Rule::OldKey, &path, message, fix);
        }
    }
}
