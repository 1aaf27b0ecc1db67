//! Maps of texts (`data`, `stringData`, labels, annotations), taken out of a document without letting YAML change a text.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Document;
use super::error::{DocumentError, Place};
use super::source_map::{Mark, Turned};

/// What a null means in a map of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// A written `null` or `~` is an error; an absent value (`key:`) is the empty text.
    Refuse,
    /// Every null is the empty text, as in a Secret's `data`.
    Empty,
}

impl Document {
    /// The map of texts at `path`, such as `["metadata", "labels"]`. Empty when the map, or one of its ancestors, is
    /// absent or null.
    ///
    /// An unquoted value that YAML reads as a number or a boolean is accepted when its text stays as typed (`5432`,
    /// `true`), and is an error when it would change (`yes`, `0777`, `1e3`, `1.50`).
    ///
    /// The texts are copies; the caller wipes them.
    ///
    /// # Errors
    /// [`DocumentError::Unquoted`] and [`DocumentError::UnquotedKey`] for a text that would change;
    /// [`DocumentError::Field`] when there is something other than a map of texts.
    pub fn string_map(&self, path: &[&str], nulls: Nulls) -> Result<BTreeMap<String, String>, DocumentError> {
        self.texts(path, nulls)?.collect()
    }

    /// All errors that [`Self::string_map`] could return.
    pub fn faults_of_string_map(&self, path: &[&str], nulls: Nulls) -> Vec<DocumentError> {
        match self.texts(path, nulls) {
            Ok(texts) => texts.filter_map(Result::err).collect(),
            Err(fault) => vec![fault],
        }
    }

    fn texts<'a>(
        &'a self,
        path: &'a [&'a str],
        nulls: Nulls,
    ) -> Result<impl Iterator<Item = Result<(String, String), DocumentError>> + 'a, DocumentError> {
        let mut value = &self.value;
        for (depth, step) in path.iter().enumerate() {
            value = match value {
                Value::Object(entries) => entries.get(*step).unwrap_or(&Value::Null),
                Value::Null => &Value::Null,
                _ => return Err(self.not_a_map(path.get(..depth).unwrap_or_default())),
            };
        }
        let entries = match value {
            Value::Object(entries) => Some(entries),
            Value::Null => None,
            _ => return Err(self.not_a_map(path)),
        };
        let map = Texts {
            document: self,
            path,
            mark: self.mark.at(path),
            nulls,
        };
        let entries = entries.into_iter().flatten();
        Ok(entries.map(move |(key, value)| Ok((map.key(key)?, map.text(key, value)?))))
    }

    fn not_a_map(&self, path: &[&str]) -> DocumentError {
        let reason = "a map is wanted here".to_owned();
        DocumentError::Field {
            place: self.place_of(path),
            field: path.join("."),
            reason,
        }
    }
}

/// One map of texts.
struct Texts<'a> {
    document: &'a Document,
    path: &'a [&'a str],
    mark: Option<&'a Mark>,
    nulls: Nulls,
}

impl Texts<'_> {
    fn key(&self, key: &str) -> Result<String, DocumentError> {
        let entry = self.mark.and_then(|mark| mark.entry(key));
        match entry.and_then(|entry| entry.key_turned.as_ref()) {
            Some(turned) if !turned.kept => Err(DocumentError::UnquotedKey {
                place: self.place(key),
                field: self.path.join("."),
                key: key.to_owned(),
                typed: turned.typed,
            }),
            _ => Ok(key.to_owned()),
        }
    }

    fn text(&self, key: &str, value: &Value) -> Result<String, DocumentError> {
        let wrong = |reason: &str| DocumentError::Field {
            place: self.place(key),
            field: self.field(key),
            reason: reason.to_owned(),
        };
        match value {
            Value::String(text) => return Ok(text.clone()),
            Value::Null if self.nulls == Nulls::Empty => return Ok(String::new()),
            Value::Array(_) | Value::Object(_) => return Err(wrong("text is wanted here")),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        let turned = self
            .mark
            .and_then(|mark| mark.entry(key))
            .and_then(|entry| entry.value.turned.as_ref());
        match turned {
            Some(turned) if turned.kept => Ok(turned.text.to_string()),
            Some(Turned { typed, .. }) => Err(DocumentError::Unquoted {
                place: self.place(key),
                field: self.field(key),
                typed: *typed,
            }),
            // Only where the caller has replaced the value of the document.
            None => Err(wrong("text is wanted here")),
        }
    }

    fn field(&self, key: &str) -> String {
        format!("{}.{key}", self.path.join("."))
    }

    fn place(&self, key: &str) -> Place {
        let document = self.document.place();
        let Some(mark) = self.mark else { return document };
        Place {
            item: document.item,
            ..Place::new(document.document, mark.spot_of(&[key]))
        }
    }
}
