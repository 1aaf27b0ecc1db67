//! Sizes of objects, by the rules of the API server.

use std::collections::BTreeMap;

use crds::{SealedSecretSpec, names};
use serde_json::Value;
use thiserror::Error;

use crate::inspect;
use crate::secret_bytes::SecretBytes;
use manifest::{EmitError, to_json_compact};

/// Largest size of all values of a Secret together, in bytes (`MaxSecretSize` of Kubernetes).
pub const LARGEST_SECRET: usize = 1 << 20;
/// Largest size of an object's annotations, names and values together, in bytes (`TotalAnnotationSizeLimitB` of
/// Kubernetes).
pub const LARGEST_ANNOTATIONS: usize = 256 << 10;
/// Default of etcd's `--max-request-bytes`.
pub const LARGEST_REQUEST: usize = 1536 << 10;

/// The annotation in which `kubectl apply` keeps a copy of the object.
const COPY: &str = names::ANNOTATION_APPLIED_BY_KUBECTL;

/// Least size of the values of the Secret that `spec` becomes, in bytes. Values that templates compute, and those in
/// the deprecated `spec.data`, are not counted; nor are texts that are not ciphertexts.
pub fn of_secret(spec: &SealedSecretSpec) -> usize {
    of_secret_with(spec, &BTreeMap::new())
}

/// As [`of_secret`], after `items` are sealed into it, replacing those of the same names.
pub fn of_secret_with(spec: &SealedSecretSpec, items: &BTreeMap<String, SecretBytes>) -> usize {
    let templates = spec.template.as_ref().and_then(|template| template.data.as_ref());
    let template = |item: &str| templates.and_then(|templates| templates.get(item));
    // `null` removes a sealed item from the Secret; a template never replaces one.
    let is_kept = |item: &str| template(item) != Some(&None);
    let new = items.iter().map(|(item, value)| (item, value.expose().len()));
    let old = spec
        .encrypted_data
        .iter()
        .filter(|(item, _)| !items.contains_key(*item));
    let old = old.map(|(item, text)| (item, inspect::inspect(text).map_or(0, |value| value.least_len())));
    let sealed: usize = new
        .chain(old)
        .filter(|(item, _)| is_kept(item))
        .map(|(_, len)| len)
        .sum();
    let is_sealed = |item: &String| items.contains_key(item) || spec.encrypted_data.contains_key(item);
    let texts = templates.into_iter().flatten().filter(|(item, _)| !is_sealed(item));
    let texts = texts.filter_map(|(_, text)| text.as_deref().filter(|text| !text.contains("{{")));
    sealed + texts.map(str::len).sum::<usize>()
}

/// Size of `object` as JSON, which is how the API server stores a SealedSecret, before it adds fields.
///
/// # Errors
/// [`EmitError`].
pub fn of_object(object: &Value) -> Result<usize, EmitError> {
    Ok(to_json_compact(object)?.len())
}

/// Size of the annotations of `object` after `kubectl apply` without `--server-side`: its own, and a copy of the
/// object. `object_len` comes from [`of_object`].
pub fn of_annotations_applied(object: &Value, object_len: usize) -> usize {
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let others = annotations.into_iter().flatten().filter(|(name, _)| *name != COPY);
    let others = others.filter_map(|(name, text)| Some(name.len() + text.as_str()?.len()));
    // The copy does not contain itself, but has a field for annotations and a line break at its end.
    let itself = annotations
        .and_then(|annotations| annotations.get(COPY))
        .and_then(|copy| to_json_compact(copy).ok())
        .map_or(0, |copy| COPY.len() + copy.len() + r#""":,"#.len());
    let field = if annotations.is_none() {
        r#""annotations":{},"#.len()
    } else {
        0
    };
    others.sum::<usize>() + COPY.len() + object_len.saturating_sub(itself) + field + 1
}

/// Why a SealedSecret is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// The API server cannot store it.
    #[error("the SealedSecret has {0} bytes as JSON, and etcd takes {LARGEST_REQUEST} unless it is told otherwise")]
    Request(usize),
    /// Only `kubectl apply --server-side` can write it.
    #[error(
        "kubectl apply keeps a copy of the object in an annotation, which makes {0} bytes of annotations, and the API server \
         allows {LARGEST_ANNOTATIONS}"
    )]
    Annotations(usize),
}

impl Obstacle {
    /// Checks the size of `object`; `None` when it is small enough.
    pub fn of(object: &Value) -> Option<Self> {
        let len = of_object(object).ok()?;
        let annotations = of_annotations_applied(object, len);
        if len > LARGEST_REQUEST {
            Some(Obstacle::Request(len))
        } else {
            (annotations > LARGEST_ANNOTATIONS).then_some(Obstacle::Annotations(annotations))
        }
    }

    /// How to avoid it.
    pub fn fix(self) -> &'static str {
        match self {
            Obstacle::Request(_) => "seal the values as several Secrets",
            Obstacle::Annotations(_) => {
                "kubectl apply --server-side (Argo CD: syncOptions: [ServerSideApply=true]; Flux always does so)"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base64_text;

    fn spec(items: &[(&str, usize)], templates: Value) -> SealedSecretSpec {
        let sealed = |len: &usize| base64_text::encode(&[&[1, 0][..], &[7; 256], &vec![9; 16 + len]].concat());
        let items: BTreeMap<_, _> = items.iter().map(|(item, len)| (*item, sealed(len))).collect();
        serde_json::from_value(json!({"encryptedData": items, "template": {"data": templates}})).unwrap()
    }

    #[test]
    fn a_secret_is_as_large_as_its_values() {
        let sealed = spec(
            &[("a", 5), ("b", 0), ("gone", 100), ("kept", 10)],
            json!({
                "gone": null, "kept": "no template replaces a sealed item", "plain": "1234", "computed": "{{ .a }}",
            }),
        );
        assert_eq!(of_secret(&sealed), 5 + 10 + 4);
        let items =
            [("a", 1), ("new", 2), ("gone", 3)].map(|(item, len)| (item.to_owned(), SecretBytes::new(vec![0; len])));
        assert_eq!(of_secret_with(&sealed, &BTreeMap::from(items)), 1 + 2 + 10 + 4);
        let broken = serde_json::from_value(json!({"encryptedData": {"a": "%", "b": "AgA="}})).unwrap();
        assert_eq!(of_secret(&broken), 0);
    }

    #[test]
    fn kubectl_annotates_with_the_object_itself() {
        let of = |object: Value| of_annotations_applied(&object, of_object(&object).unwrap());
        let copy = r#"{"kind":"X","metadata":{"annotations":{},"name":"x"}}"#.len() + 1;
        assert_eq!(of(json!({"kind": "X", "metadata": {"name": "x"}})), COPY.len() + copy);
        let annotated = json!({"kind": "X", "metadata": {"annotations": {"a": "bc"}, "name": "x"}});
        let expected = COPY.len() + copy + r#""a":"bc""#.len() + "abc".len();
        assert_eq!(of(annotated.clone()), expected);
        let mut again = annotated;
        again["metadata"]["annotations"][COPY] = json!("{\"kind\":1}\n");
        assert_eq!(of(again), expected);
    }
}
