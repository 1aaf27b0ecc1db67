//! `--sealed-label` and `--sealed-annotation`: texts → metadata of a SealedSecret.

use std::collections::BTreeMap;

use crds::names;

use super::error::CommandError;
use crate::flags::MetadataFlags;

/// The annotations that other flags are for.
const OTHER_FLAGS: [(&str, &str); 3] = [
    (names::ANNOTATION_NAMESPACE_WIDE, "--scope namespace-wide"),
    (names::ANNOTATION_CLUSTER_WIDE, "--scope cluster-wide"),
    (names::ANNOTATION_SEALED_WITH, "--no-key-hint"),
];

/// Labels and annotations of a SealedSecret itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SealedMetadata {
    /// `--sealed-label`.
    pub labels: BTreeMap<String, String>,
    /// `--sealed-annotation`.
    pub annotations: BTreeMap<String, String>,
}

impl SealedMetadata {
    /// What the flags mean.
    ///
    /// # Errors
    /// [`CommandError::NotMetadata`], [`CommandError::LabelValue`]: what the API server would refuse;
    /// [`CommandError::OtherFlag`].
    pub(super) fn of(flags: &MetadataFlags) -> Result<Self, CommandError> {
        Ok(Self {
            labels: labels(&flags.sealed_label)?,
            annotations: annotations(&flags.sealed_annotation)?,
        })
    }
}

fn labels(typed: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let labels = entries(typed, "--sealed-label")?;
    match labels.iter().find(|(_, value)| !value.is_empty() && !is_name(value)) {
        Some((key, _)) => Err(CommandError::LabelValue(key.clone())),
        None => Ok(labels),
    }
}

fn annotations(typed: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let annotations = entries(typed, "--sealed-annotation")?;
    match OTHER_FLAGS.iter().find(|(name, _)| annotations.contains_key(*name)) {
        Some((name, flag)) => Err(CommandError::OtherFlag(name, flag)),
        None => Ok(annotations),
    }
}

fn entries(typed: &[String], flag: &'static str) -> Result<BTreeMap<String, String>, CommandError> {
    let entry = |text: &String| {
        let (key, value) = text.split_once('=').filter(|(key, _)| is_key(key))?;
        Some((key.to_owned(), value.to_owned()))
    };
    typed
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| entry(text).ok_or(CommandError::NotMetadata(flag)))
        .collect()
}

/// `name` or `prefix/name` (the API server's rule).
fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_name(key),
        Some((prefix, name)) => {
            let is_label =
                |label: &str| is_name(label) && !label.contains(['_', '.']) && label.to_lowercase() == *label;
            is_name(name) && prefix.len() <= 253 && prefix.split('.').all(is_label)
        }
    }
}

/// At most 63 letters, digits, `-`, `_` and `.`, the first and the last no sign.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63 && text.starts_with(alphanumeric) && text.ends_with(alphanumeric) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn metadata_entries() {
        let read = annotations(&typed(&["argocd.argoproj.io/sync-wave=-10", "a=b=c d", "e="])).unwrap();
        let read: Vec<_> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            read,
            [("a", "b=c d"), ("argocd.argoproj.io/sync-wave", "-10"), ("e", "")]
        );
        assert_eq!(labels(&typed(&["a=", "b.c/D_e=F.g"])).unwrap().len(), 2);
    }

    #[test]
    fn refused_metadata_entries() {
        for wrong in ["a", "=b", "-a=b", "a/b/c=d", "A.b/c=d", "/a=b", "a/=b", "a b=c"] {
            assert_eq!(
                labels(&typed(&[wrong])),
                Err(CommandError::NotMetadata("--sealed-label")),
                "{wrong}"
            );
        }
        for wrong in ["a=b c", "a=-b", &format!("a={}", "b".repeat(64))] {
            assert_eq!(
                labels(&typed(&[wrong])),
                Err(CommandError::LabelValue("a".to_owned())),
                "{wrong}"
            );
        }
        let scope = "sealedsecrets.bitnami.com/cluster-wide=true";
        assert!(matches!(
            annotations(&typed(&[scope])),
            Err(CommandError::OtherFlag(..))
        ));
    }
}
