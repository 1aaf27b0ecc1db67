//! Sealed values that stand in no SealedSecret.

use manifest::{Document, Place};

use super::rule::Rule;
use super::{Finding, Source};
use crate::embedded;
use crate::manifest_file;
use sealing::sealer::Format;

/// A finding for each of them.
pub(super) fn judge(source: &Source, documents: &[Document]) -> Vec<Finding> {
    let found = embedded::outside(embedded::find(&source.bytes), &manifest_file::ciphertexts(documents)).into_iter();
    found
        .flat_map(|one| {
            let place = Place {
                document: 1,
                line: one.line,
                column: 1,
                item: None,
            };
            let is_earlier = source.format == Some(Format::V2) && one.format() == Some(Format::V1);
            let key = one
                .key
                .map_or(String::new(), |key| format!(" ({})", manifest::escaped(&key)));
            let earlier = is_earlier.then(|| {
                let message = format!("a sealed value{key} is of format v1, and the project file names format v2");
                let fix = format!(
                    "where the key beside it is the name of its item: kubeseal set --format-version 2 --name NAME --namespace \
                     NAMESPACE {} KEY; else put in its place what kubeseal --raw --format-version 2 --item ITEM gives",
                    source.file.word()
                );
                source.finding(Rule::EarlierFormat, Some(place), message).fix(fix)
            });
            let message = format!("a sealed value stands outside SealedSecrets{key}");
            let fix = format!(
                "before a key is retired: kubeseal reseal --name NAME --namespace NAMESPACE {}",
                source.file.word()
            );
            let embedded = source.finding(Rule::EmbeddedValue, Some(place), message).fix(fix);
            [embedded].into_iter().chain(earlier)
        })
        .collect()
}
