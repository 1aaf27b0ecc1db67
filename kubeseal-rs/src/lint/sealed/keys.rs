//! What the sealed values and the key hint say of the key that they were sealed with.

use crds::names;
use manifest::escaped;
use sealing::envelope::EnvelopeError;
use sealing::inspect::{BrokenText, Inspected, inspect};
use sealing::key_hint::KeyHint;

use super::{Annotations, Object};
use crate::lint::rule::Rule;
use crate::placeholder::is_unsealed;
use crate::quoting::operand;

/// Keys below this are breakable.
const WEAK: usize = 2048;

impl Object<'_> {
    pub(super) fn ciphertext(&mut self, item: &str, text: &str) {
        let file = self.source.file.word();
        let again = match is_unsealed(text) {
            true => format!("seal its value: kubeseal set {file} {}", operand(item)),
            false => format!("take it from an intact copy (git log -p {file}), or seal the value again"),
        };
        let path = ["spec", "encryptedData", item];
        let unshown = item;
        let item = escaped(item);
        match inspect(text) {
            Err(error @ BrokenText::NotBase64(_)) => {
                let message = format!("item {item}: {error}");
                self.find_and_fix(Rule::Base64, &path, message, again);
            }
            Err(error @ BrokenText::Envelope(EnvelopeError::NewerFormat(_) | EnvelopeError::UnknownSuite(_))) => {
                let message = format!("item {item}: {error}");
                self.find(Rule::NewerFormat, &path, message);
            }
            Err(error @ BrokenText::Envelope(_)) => {
                let message = format!("item {item}: {error}");
                self.find_and_fix(Rule::Ciphertext, &path, message, again);
            }
            Ok(Inspected::V1 { key_bits: bits, .. }) if bits < WEAK => {
                let message = format!("item {item} was sealed with a key of {bits} bits, which is breakable");
                self.find(Rule::WeakKey, &path, message);
            }
            Ok(Inspected::V1 { key_bits: bits, .. }) => {
                let Some(certificate) = self.source.certificate.as_ref().filter(|known| known.bits != bits) else {
                    return;
                };
                let message = format!(
                    "item {item} was sealed with a key of {bits} bits; that of {} has {}",
                    certificate.name, certificate.bits
                );
                let fix = format!(
                    "was it sealed for another cluster, or with an older key? kubeseal doctor {file} asks the cluster"
                );
                self.find_and_fix(Rule::KeySize, &path, message, fix);
            }
            Ok(Inspected::V2 { keys, .. }) => self.key_ids(unshown, &keys),
        }
    }

    pub(super) fn hint(&mut self, outer: &Annotations) {
        let Some(text) = outer.get(names::ANNOTATION_SEALED_WITH) else {
            return;
        };
        let path = ["metadata", "annotations", names::ANNOTATION_SEALED_WITH];
        let hint = match text.parse::<KeyHint>() {
            Ok(hint) => hint,
            Err(error) => {
                self.find_and_fix(Rule::KeyHint, &path, error.to_string(), "remove it".to_owned());
                return;
            }
        };
        let file = &self.source.file.word();
        let mut others = self.source.others.iter();
        if let Some(other) = others.find(|other| hint.keys().any(|key| *key == other.key)) {
            let how_much = if hint.keys().nth(1).is_none() {
                "it"
            } else {
                "some of it"
            };
            let message = format!(
                "by its key hint, {how_much} was sealed with the key of cluster {}, which this place is not for",
                other.cluster
            );
            let fix = format!(
                "seal the values again, which takes the certificate of the cluster that this place is for: kubeseal seal \
                 CLEAR-FILE --out FOLDER, or kubeseal edit {file}"
            );
            self.find_and_fix(Rule::OtherCluster, &path, message, fix);
            return;
        }
        let Some(certificate) = &self.source.certificate else {
            return;
        };
        if !hint.keys().all(|key| *key == certificate.fingerprint) {
            let message = format!(
                "by its key hint, not all of it was sealed with the key of {}",
                certificate.name
            );
            let fix = certificate.fix_of_old_key(file);
            self.find_and_fix(Rule::OldKey, &path, message, fix);
        }
    }
}
