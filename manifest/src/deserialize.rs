//! Documents as typed objects, with errors that name the field and the line, and never contain a value.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::DocumentError;
use super::{Document, wipe};

impl Document {
    /// The document as a `T`, whose strings are copies that are not wiped on drop.
    ///
    /// # Errors
    /// [`DocumentError::Field`] for the first field that does not fit.
    pub fn parse<'d, T: Deserialize<'d>>(&'d self) -> Result<T, DocumentError> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| self.unfit(&error))
    }

    /// The document as a `T`, without the entries of the map at `path` that are null.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_without_nulls<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, DocumentError> {
        let mut value = self.value.clone();
        let map = path.iter().try_fold(&mut value, |value, step| value.get_mut(step));
        if let Some(map) = map.and_then(Value::as_object_mut) {
            map.retain(|_, value| !value.is_null());
        }
        let parsed = serde_path_to_error::deserialize(&value).map_err(|error| self.unfit(&error));
        wipe(value);
        parsed
    }

    fn unfit(&self, error: &serde_path_to_error::Error<serde_json::Error>) -> DocumentError {
        let path: Vec<String> = error.path().iter().filter_map(step).collect();
        DocumentError::Field {
            place: self.place_of(&path),
            field: path.join("."),
            reason: reason(&error.inner().to_string()),
        }
    }
}

fn step(segment: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}

/// The fixed part of serde's message: a missing field's name, or what was expected, which is at the end. The text
/// before it may contain a value.
fn reason(told: &str) -> String {
    if told.starts_with("missing field `") {
        return told.to_owned();
    }
    let names_a_type = ["invalid type: ", "invalid value: ", "invalid length "];
    let expected = told.rsplit_once(", expected ").map(|(_, expected)| expected);
    let is_scalar = ["boolean ", "integer ", "floating point "].iter().any(|found| {
        told.strip_prefix("invalid type: ")
            .is_some_and(|told| told.starts_with(found))
    });
    match expected.filter(|_| names_a_type.iter().any(|start| told.starts_with(start))) {
        Some("a string") if is_scalar => "a string is wanted here: put it in quotes".to_owned(),
        Some(expected) => format!("{expected} is wanted here"),
        None => "this is not a value that can stand here".to_owned(),
    }
}
