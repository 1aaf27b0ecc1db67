//! A Secret in clear, read strictly from a document.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::base64_text::{self, NotBase64};
use crate::secret_bytes::SecretBytes;

/// A Secret with its items in clear.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClearSecret {
    /// Metadata as written.
    pub metadata: ObjectMeta,
    /// Type; none means `Opaque`.
    pub type_: Option<String>,
    /// Whether the Secret is immutable once made.
    pub immutable: Option<bool>,
    /// Items: `data` decoded, then `stringData` over it.
    pub items: BTreeMap<String, SecretBytes>,
}

/// Why a document is no Secret. Never carries a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Another kind of object.
    #[error("expected a Secret (apiVersion v1) but found {kind} ({api_version})")]
    OtherKind {
        /// Its `kind`, or `no kind`.
        kind: String,
        /// Its `apiVersion`, or `no apiVersion`.
        api_version: String,
    },
    /// A field that Secrets do not have.
    #[error("a Secret has no field `{0}` (it has metadata, type, immutable, data and stringData)")]
    UnknownField(String),
    /// `metadata` does not have the shape of Kubernetes metadata.
    #[error("metadata is not the metadata of a Kubernetes object")]
    Metadata,
    /// A field has the wrong kind of value.
    #[error("{field} must be {expected}")]
    WrongType {
        /// Path of the field, item name included.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A value of `data` is not base64.
    #[error("data.{item} is not base64 (text in clear belongs under stringData)")]
    NotBase64 {
        /// Item name.
        item: String,
        /// Where.
        source: NotBase64,
    },
}

const FIELDS: [&str; 7] = ["apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData"];

impl ClearSecret {
    /// Reads a Secret from an untyped object.
    ///
    /// # Errors
    /// [`SecretError`]: another kind, an unknown field, a value of the wrong type, `data` that is not base64.
    pub fn from_value(value: &Value) -> Result<Self, SecretError> {
        let none = Map::new();
        let object = value.as_object().unwrap_or(&none);
        check_kind(object)?;
        if let Some(unknown) = object.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            return Err(SecretError::UnknownField(unknown.clone()));
        }
        Self::from_fields(object)
    }

    /// Reads metadata, type, immutable, data and stringData, whatever else there is.
    pub(crate) fn from_fields(object: &Map<String, Value>) -> Result<Self, SecretError> {
        let metadata = match object.get("metadata") {
            None | Some(Value::Null) => ObjectMeta::default(),
            Some(value) => ObjectMeta::deserialize(value).map_err(|_| SecretError::Metadata)?,
        };
        let mut items = BTreeMap::new();
        for (item, text) in string_map(object, "data")? {
            let bytes = base64_text::decode(text)
                .map_err(|source| SecretError::NotBase64 { item: item.to_owned(), source })?;
            items.insert(item.to_owned(), SecretBytes::new(bytes));
        }
        for (item, text) in string_map(object, "stringData")? {
            items.insert(item.to_owned(), SecretBytes::new(text.as_bytes().to_vec()));
        }
        Ok(Self { metadata, type_: text(object, "type")?, immutable: boolean(object, "immutable")?, items })
    }

    /// The Secret as an object in clear, for printing; wipe it after use.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        let mut object = Map::new();
        object.insert("kind".to_owned(), "Secret".into());
        object.insert("apiVersion".to_owned(), "v1".into());
        object.insert("metadata".to_owned(), serde_json::to_value(&self.metadata)?);
        if let Some(immutable) = self.immutable {
            object.insert("immutable".to_owned(), immutable.into());
        }
        if !self.items.is_empty() {
            let data: Map<String, Value> = self
                .items
                .iter()
                .map(|(item, bytes)| (item.clone(), base64_text::encode(bytes.expose()).into()))
                .collect();
            object.insert("data".to_owned(), data.into());
        }
        if let Some(type_) = &self.type_ {
            object.insert("type".to_owned(), type_.as_str().into());
        }
        Ok(object.into())
    }
}

fn check_kind(object: &Map<String, Value>) -> Result<(), SecretError> {
    let word = |field: &str| object.get(field).and_then(Value::as_str);
    if word("kind") == Some("Secret") && word("apiVersion") == Some("v1") {
        return Ok(());
    }
    Err(SecretError::OtherKind {
        kind: word("kind").unwrap_or("no kind").to_owned(),
        api_version: word("apiVersion").unwrap_or("no apiVersion").to_owned(),
    })
}

/// The entries of a map of strings; `null` as a value is the empty string (reference behaviour), as a map no entry.
fn string_map<'a>(object: &'a Map<String, Value>, field: &str) -> Result<Vec<(&'a str, &'a str)>, SecretError> {
    let wrong = |field: String, expected| SecretError::WrongType { field, expected };
    let map = match object.get(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(wrong(field.to_owned(), "a map of strings")),
    };
    map.iter()
        .map(|(key, value)| match value {
            Value::Null => Ok((key.as_str(), "")),
            Value::String(text) => Ok((key.as_str(), text.as_str())),
            _ => Err(wrong(format!("{field}.{key}"), "a string (put it in quotes)")),
        })
        .collect()
}

fn text(object: &Map<String, Value>, field: &str) -> Result<Option<String>, SecretError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(SecretError::WrongType { field: field.to_owned(), expected: "a string" }),
    }
}

fn boolean(object: &Map<String, Value>, field: &str) -> Result<Option<bool>, SecretError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(SecretError::WrongType { field: field.to_owned(), expected: "true or false" }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(rest: Value) -> Result<ClearSecret, SecretError> {
        let mut object = json!({"apiVersion": "v1", "kind": "Secret"});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        ClearSecret::from_value(&object)
    }

    #[test]
    fn string_data_wins_and_null_is_empty() {
        let secret = read(json!({"data": {"a": "MQ==", "b": "Mg==", "n": null}, "stringData": {"b": "two"}})).unwrap();
        let items: Vec<_> = secret.items.iter().map(|(item, bytes)| (item.as_str(), bytes.expose())).collect();
        assert_eq!(items, [("a", &b"1"[..]), ("b", b"two"), ("n", b"")]);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_its_values() {
        let cases = [
            (json!({"data": {"a": "s3cret!"}}), "data.a is not base64 (text in clear belongs under stringData)"),
            (json!({"stringData": {"a": 5}}), "stringData.a must be a string (put it in quotes)"),
            (json!({"data": ["s3cret!"]}), "data must be a map of strings"),
            (json!({"stringdata": {}}), "a Secret has no field `stringdata` (it has metadata, type, immutable, data and stringData)"),
            (json!({"kind": "ConfigMap"}), "expected a Secret (apiVersion v1) but found ConfigMap (v1)"),
            (json!({"kind": null}), "expected a Secret (apiVersion v1) but found no kind (v1)"),
            (json!({"metadata": {"labels": {"a": 1}}}), "metadata is not the metadata of a Kubernetes object"),
        ];
        for (rest, expected) in cases {
            assert_eq!(read(rest.clone()).unwrap_err().to_string(), expected, "{rest}");
        }
    }
}
