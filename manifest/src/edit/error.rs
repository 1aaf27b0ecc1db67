//! Why a text was not changed, and where.

use super::super::error::{DocumentError, Place, escaped};

/// Why an edit was refused. Carries places and names, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The source cannot be read.
    #[error(transparent)]
    Document(DocumentError),
    /// The path does not exist.
    #[error("{place}: there is no {}", escaped(field))]
    NoSuch {
        /// The document, and the line of the nearest existing node.
        place: Place,
        /// The path, with dots.
        field: String,
    },
    /// The new key exists already.
    #[error("{place}: there is \"{}\" already", escaped(key))]
    Exists {
        /// Where.
        place: Place,
        /// The key.
        key: String,
    },
    /// The path leads through something that is not a map, or ends in something that is not a scalar.
    #[error(
        "{place}: {} is not what can be changed here (a map of texts is wanted)",
        escaped(field)
    )]
    NotAMap {
        /// Where.
        place: Place,
        /// The path, with dots.
        field: String,
    },
    /// The node is not in the text itself, but comes from an alias or a merge of YAML.
    #[error(
        "{place}: {} does not stand here itself, it comes from elsewhere by an alias (*) or a merge (<<) of YAML",
        escaped(field)
    )]
    Shared {
        /// Where.
        place: Place,
        /// The path, with dots.
        field: String,
    },
    /// The new text, read again, did not mean what was intended.
    #[error(
        "{place}: the change would reach further than it should, as something here is used elsewhere (an anchor & of \
         YAML), or has a tag (!)"
    )]
    Unfaithful {
        /// The document.
        place: Place,
    },
    /// A line break that most programs do not recognise, so that they disagree about where lines begin.
    #[error("line {line}: a line ends in a carriage return alone")]
    CarriageReturn {
        /// The line, counted by line feeds.
        line: usize,
    },
}

/// What is wrong, without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    NoSuch,
    Exists(String),
    NotAMap,
    Shared,
    Unfaithful,
}

impl EditError {
    pub(super) fn new(wrong: Wrong, place: Place, field: String) -> Self {
        match wrong {
            Wrong::NoSuch => EditError::NoSuch { place, field },
            Wrong::Exists(key) => EditError::Exists { place, key },
            Wrong::NotAMap => EditError::NotAMap { place, field },
            Wrong::Shared => EditError::Shared { place, field },
            Wrong::Unfaithful => EditError::Unfaithful { place },
        }
    }

    /// Where it is, where one place is known.
    pub fn place(&self) -> Option<Place> {
        match self {
            EditError::Document(error) => error.place(),
            EditError::CarriageReturn { .. } => None,
            EditError::NoSuch { place, .. }
            | EditError::Exists { place, .. }
            | EditError::NotAMap { place, .. }
            | EditError::Shared { place, .. }
            | EditError::Unfaithful { place } => Some(*place),
        }
    }
}
