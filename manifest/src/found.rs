//! What is read from a source: a value with its place, or what of it could not be read.

use std::collections::BTreeMap;

use super::Format;
use super::error::DocumentError;
use super::source_map::Placed;

/// The kinds of items of which nothing else is known, by their numbers from 0, and what is wrong with them.
pub(super) type Broken = BTreeMap<usize, (String, DocumentError)>;

/// One value of a source, with its number from 1.
pub(super) struct Found {
    pub(super) index: usize,
    pub(super) format: Format,
    pub(super) placed: Placed,
    /// Why nothing but its kind is known, where that is another one.
    pub(super) broken: Option<DocumentError>,
    /// The same of the items of a list.
    pub(super) broken_items: Broken,
}

/// What becomes of documents of other kinds that break a rule of this reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// They are errors, as all documents are.
    Refused,
    /// They are passed over.
    Passed,
}

/// Takes the values of a source one after the other, as they are read; an error ends the reading.
pub(super) type Sink<'a> = dyn FnMut(Found) -> Result<(), DocumentError> + 'a;

/// The only value of a text that `read` reads strictly.
///
/// # Errors
/// As `read`; [`DocumentError::Empty`].
pub(super) fn only(read: impl FnOnce(&mut Sink<'_>) -> Result<(), DocumentError>) -> Result<Placed, DocumentError> {
    let mut only = None;
    read(&mut |found: Found| {
        only = Some(found.placed);
        Ok(())
    })?;
    only.ok_or(DocumentError::Empty)
}
