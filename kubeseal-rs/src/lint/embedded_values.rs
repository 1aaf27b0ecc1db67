//! Sealed values that stand in no SealedSecret.

use manifest::{Document, Place};

use super::rule::Rule;
use super::{Finding, Source};
use crate::embedded;
use crate::manifest_file;

/// A finding for each of them.
pub(super) fn judge(source: &Source, documents: &[Document]) -> Vec<Finding> {
    let found = embedded::outside(embedded::find(&source.bytes), &manifest_file::ciphertexts(documents)).into_iter();
    found
        .map(|one| {
            let place = Place {
                document: 1,
                line: one.line,
                column: 1,
                item: None,
            };
            let key = one
                .key
                .map_or(String::new(), |key| format!(" ({})", manifest::shown(&key)));
            let message = format!("a sealed value stands outside SealedSecrets{key}");
            let fix = format!(
                "before a key is retired: kubeseal reseal --name NAME --namespace NAMESPACE {}",
                source.file()
            );
            source.finding(Rule::EmbeddedValue, Some(place), message).fix(fix)
        })
        .collect()
}
