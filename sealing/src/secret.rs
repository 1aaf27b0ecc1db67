//! A Secret in clear, read strictly from a document.

use std::collections::BTreeMap;

use crds::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroize;

use crate::base64_text::{self, NotBase64};
use crate::secret_bytes::SecretBytes;
use manifest::{Document, DocumentError, Nulls, Place, escaped};

/// A Secret with its plaintexts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClearSecret {
    /// Name, namespace, labels and annotations; also the owner reference, for a Secret that a controller applies.
    pub metadata: ObjectMeta,
    /// Type; `None` means `Opaque`.
    pub type_: Option<String>,
    /// Whether the Secret is immutable once made.
    pub immutable: Option<bool>,
    /// Items: `data` decoded, then `stringData` over it.
    pub items: BTreeMap<String, SecretBytes>,
}

/// Why a document is not a Secret. Names the place; never carries a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Another kind of object.
    #[error(
        "{place}: expected a {wanted} ({wanted_version}) but found {} ({})",
        escaped(kind),
        escaped(api_version)
    )]
    OtherKind {
        /// Where the object begins.
        place: Place,
        /// The expected kind.
        wanted: &'static str,
        /// The expected apiVersion.
        wanted_version: &'static str,
        /// Its `kind`, or `no kind`.
        kind: String,
        /// Its `apiVersion`, or `no apiVersion`.
        api_version: String,
    },
    /// A field that Secrets do not have: a typing mistake would otherwise lose its value.
    #[error("{place}: there is no field `{}` here (only {})", escaped(field), .known.join(", "))]
    UnknownField {
        /// Where the field stands.
        place: Place,
        /// Its name.
        field: String,
        /// The fields that exist.
        known: &'static [&'static str],
    },
    /// A field has the wrong type.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A value of `data` is not base64.
    #[error(
        "{place}: data.{} is not base64 (text in clear belongs under stringData)",
        escaped(item)
    )]
    NotBase64 {
        /// Where the value stands.
        place: Place,
        /// Item name.
        item: String,
        /// Where in the text.
        source: NotBase64,
    },
}

const SECRET_FIELDS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "type",
    "immutable",
    "data",
    "stringData",
];

impl ClearSecret {
    /// Reads a Secret: kind, metadata (name, namespace, labels, annotations), type, immutable, data and stringData.
    ///
    /// # Errors
    /// [`SecretError`]: another kind, an unknown field, a value of the wrong type or that YAML would change, `data`
    /// that is not base64.
    pub fn from_document(document: &Document) -> Result<Self, SecretError> {
        check_kind(document, "Secret", "v1")?;
        Self::from_fields(document)
    }

    /// All errors of a Secret's items; [`Self::from_document`] stops at the first one.
    pub fn faults_of_items(document: &Document) -> Vec<SecretError> {
        let mut faults = Vec::new();
        for (field, nulls) in [("data", Nulls::Empty), ("stringData", Nulls::Refuse)] {
            faults.extend(
                document
                    .faults_of_string_map(&[field], nulls)
                    .into_iter()
                    .map(SecretError::from),
            );
        }
        for (item, value) in value_at(document, &["data"])
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if let Some(Err(source)) = value.as_str().map(base64_text::decode) {
                let (place, item) = (document.place_of(&["data", item.as_str()]), item.clone());
                faults.push(SecretError::NotBase64 { place, item, source });
            }
        }
        faults
    }

    /// Reads the fields of a Secret from a document, without checking its kind.
    pub(crate) fn from_fields(document: &Document) -> Result<Self, SecretError> {
        check_fields(document, &[], SECRET_FIELDS)?;
        check_fields(document, &["metadata"], names::METADATA_FIELDS)?;
        Ok(Self {
            metadata: ObjectMeta {
                name: text(document, &["metadata", "name"])?,
                namespace: text(document, &["metadata", "namespace"])?,
                labels: strings(document, &["metadata", "labels"])?,
                annotations: strings(document, &["metadata", "annotations"])?,
                ..ObjectMeta::default()
            },
            type_: text(document, &["type"])?,
            immutable: boolean(document, &["immutable"])?,
            items: items(document)?,
        })
    }

    /// The Secret with its plaintexts, for printing; wipe it after use.
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

/// Refuses an object that is not of this kind and apiVersion.
pub(crate) fn check_kind(
    document: &Document,
    wanted: &'static str,
    wanted_version: &'static str,
) -> Result<(), SecretError> {
    let word = |field: &str| document.value.get(field).and_then(Value::as_str);
    if word("kind") == Some(wanted) && word("apiVersion") == Some(wanted_version) {
        return Ok(());
    }
    // Where the document breaks a rule of YAML, that error is more useful than its kind.
    if let Some(error) = &document.broken {
        return Err(error.clone().into());
    }
    Err(SecretError::OtherKind {
        place: document.place(),
        wanted,
        wanted_version,
        kind: word("kind").unwrap_or("no kind").to_owned(),
        api_version: word("apiVersion").unwrap_or("no apiVersion").to_owned(),
    })
}

fn items(document: &Document) -> Result<BTreeMap<String, SecretBytes>, SecretError> {
    let mut items = BTreeMap::new();
    for (item, mut text) in document.string_map(&["data"], Nulls::Empty)? {
        let decoded = base64_text::decode(&text);
        text.zeroize();
        let place = || document.place_of(&["data", item.as_str()]);
        let bytes = decoded.map_err(|source| SecretError::NotBase64 {
            place: place(),
            item: item.clone(),
            source,
        })?;
        items.insert(item, SecretBytes::new(bytes));
    }
    for (item, text) in document.string_map(&["stringData"], Nulls::Refuse)? {
        items.insert(item, SecretBytes::new(text.into_bytes()));
    }
    Ok(items)
}

fn value_at<'a>(document: &'a Document, path: &[&str]) -> Option<&'a Value> {
    path.iter()
        .try_fold(&document.value, |value, step| value.get(step))
        .filter(|value| !value.is_null())
}

fn check_fields(document: &Document, path: &[&str], known: &'static [&'static str]) -> Result<(), SecretError> {
    let fields = value_at(document, path)
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    for (field, _) in fields {
        if !known.contains(&field.as_str()) {
            let place = document.place_of(&[path, &[field]].concat());
            return Err(SecretError::UnknownField {
                place,
                field: field.clone(),
                known,
            });
        }
    }
    Ok(())
}

fn wanted(document: &Document, path: &[&str], reason: &str) -> SecretError {
    let (place, field) = (document.place_of(path), path.join("."));
    DocumentError::Field {
        place,
        field,
        reason: reason.to_owned(),
    }
    .into()
}

fn strings(document: &Document, path: &[&str]) -> Result<Option<BTreeMap<String, String>>, SecretError> {
    let map = document.string_map(path, Nulls::Refuse)?;
    Ok(Some(map).filter(|map| !map.is_empty()))
}

fn text(document: &Document, path: &[&str]) -> Result<Option<String>, SecretError> {
    match value_at(document, path) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wanted(document, path, "text is wanted here: put it in quotes")),
    }
}

fn boolean(document: &Document, path: &[&str]) -> Result<Option<bool>, SecretError> {
    match value_at(document, path) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(wanted(document, path, "true or false is wanted here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Result<ClearSecret, SecretError> {
        let source = format!("apiVersion: v1\nkind: Secret\n{rest}");
        ClearSecret::from_document(&manifest::read(source.as_bytes()).unwrap()[0])
    }

    #[test]
    fn string_data_wins_and_null_is_empty() {
        let secret = read("data: {a: MQ==, b: Mg==, empty: null}\nstringData: {b: two, port: 5432}").unwrap();
        let items: Vec<_> = secret
            .items
            .iter()
            .map(|(item, bytes)| (item.as_str(), bytes.expose()))
            .collect();
        assert_eq!(
            items,
            [("a", &b"1"[..]), ("b", b"two"), ("empty", b""), ("port", b"5432")]
        );
    }

    #[test]
    fn what_is_no_secret_is_refused_with_its_place_and_without_its_values() {
        let cases = [
            (
                "data:\n  a: s3cret!",
                "document 1, line 4: data.a is not base64 (text in clear belongs under stringData)",
            ),
            (
                "metadata: {name: n}",
                "document 1, line 3: \"metadata.name\": text is wanted here: put it in quotes",
            ),
            ("data: [s3cret]", "document 1, line 3: \"data\": a map is wanted here"),
            (
                "stringdata: {a: s3cret}",
                "document 1, line 3: there is no field `stringdata` here (only apiVersion, kind, metadata, type, immutable, data, stringData)",
            ),
            (
                "immutable: s3cret",
                "document 1, line 3: \"immutable\": true or false is wanted here",
            ),
        ];
        for (rest, expected) in cases {
            assert_eq!(read(rest).unwrap_err().to_string(), expected, "{rest}");
        }
        let other = manifest::read(b"apiVersion: v1\nkind: ConfigMap\ndata: {a: s3cret}").unwrap();
        let error = ClearSecret::from_document(&other[0]).unwrap_err().to_string();
        assert_eq!(
            error,
            "document 1, line 1: expected a Secret (v1) but found ConfigMap (v1)"
        );
    }

    #[test]
    fn names_from_the_document_are_cut_and_escaped() {
        let long = "x".repeat(200_000);
        let bad = format!("\u{1b}[2J{long}");
        let object = |kind: &str, rest: serde_json::Value| {
            let mut object = serde_json::json!({"apiVersion": "v1", "kind": kind});
            object
                .as_object_mut()
                .unwrap()
                .extend(rest.as_object().unwrap().clone());
            let text = object.to_string();
            let error = ClearSecret::from_document(&manifest::read(text.as_bytes()).unwrap()[0]).unwrap_err();
            error.to_string()
        };
        let none = serde_json::json!({});
        for message in [
            object(&bad, none),
            object("Other", serde_json::json!({"apiVersion": bad})),
            object("Secret", serde_json::json!({bad.as_str(): 1})),
            object("Secret", serde_json::json!({"data": {bad.as_str(): "%"}})),
        ] {
            assert!(message.len() < 1000, "{} bytes", message.len());
            assert!(message.contains("\\u{1b}[2Jxxx") && message.contains('…'), "{message}");
        }
    }

    #[test]
    fn scalars_that_yaml_would_change_are_refused() {
        for rest in [
            "stringData: {a: yes}",
            "stringData: {a: 0777}",
            "metadata: {labels: {a: 1e3}}",
        ] {
            assert!(
                matches!(read(rest), Err(SecretError::Document(DocumentError::Unquoted { .. }))),
                "{rest}"
            );
        }
    }
}
