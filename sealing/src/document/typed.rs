//! Documents as typed objects, with errors that name the field and the line and hold nothing of its value.

use serde::Deserialize;

use super::Document;
use super::error::DocumentError;

impl Document {
    /// The document as a `T`. Its own texts are copies that are not wiped on drop.
    ///
    /// # Errors
    /// [`DocumentError::Field`] for the first field that does not fit.
    pub fn parse<'d, T: Deserialize<'d>>(&'d self) -> Result<T, DocumentError> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let path: Vec<String> = error.path().iter().filter_map(step).collect();
            DocumentError::Field {
                place: self.place_of(&path),
                field: path.join("."),
                reason: reason(&error.inner().to_string()),
            }
        })
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

/// What of serde's text is fixed in the program: a missing field's name, and what was expected, which stands last.
/// What was found stands before it, and may be a value.
fn reason(told: &str) -> String {
    if told.starts_with("missing field `") {
        return told.to_owned();
    }
    let names_a_type = ["invalid type: ", "invalid value: ", "invalid length "];
    let expected = told.rsplit_once(", expected ").map(|(_, expected)| expected);
    match expected.filter(|_| names_a_type.iter().any(|start| told.starts_with(start))) {
        Some(expected) => format!("{expected} is wanted here"),
        None => "this is not a value that can stand here".to_owned(),
    }
}
