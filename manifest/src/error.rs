//! What can be wrong with a source, and where.

use std::fmt;

/// Where something stands in a source. Prints as `document 2, line 14` or `document 1, line 30, item 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The document's number in the source, from 1.
    pub document: usize,
    /// The line in the source, from 1.
    pub line: usize,
    /// The column in that line, in characters from 1. Not printed: the line is enough for people.
    pub column: usize,
    /// The place in the `items` of a List, from 1.
    pub item: Option<usize>,
}

impl Place {
    pub(super) fn new(document: usize, spot: Spot) -> Self {
        Self {
            document,
            line: spot.line,
            column: spot.column,
            item: None,
        }
    }
}

/// A line and a column in a source, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document {}, line {}", self.document, self.line)?;
        self.item.map_or(Ok(()), |item| write!(f, ", item {item}"))
    }
}

/// The kind of a node that stands where another kind is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A mapping (JSON: object).
    Map,
    /// A sequence (JSON: array).
    List,
    /// A scalar: text, a number, a boolean or null.
    Scalar,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Node::Map => "a map",
            Node::List => "a list",
            Node::Scalar => "a single value",
        })
    }
}

/// What an unquoted scalar is read as when it is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// `null`, `~`.
    Null,
    /// `yes`, `off`, `true`, …
    Bool,
    /// `0777`, `0x1F`, `1_000`, `5432`, …
    Int,
    /// `1e3`, `1.50`, `.inf`, …
    Float,
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Typed::Null => "null",
            Typed::Bool => "a boolean",
            Typed::Int | Typed::Float => "a number",
        })
    }
}

/// Why a source cannot be read. Texts carry places and key names, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// There is no object in the source: it is empty, or holds comments, empty documents and empty Lists only.
    #[error("the input is empty: it holds no Kubernetes object")]
    Empty,
    /// The source begins as UTF-16, and holds half a character.
    #[error("line {line}: the input is not UTF-16 text, though it begins as such")]
    NotUtf16 {
        /// The line of the first half, from 1.
        line: usize,
    },
    /// The source is not UTF-8.
    #[error("line {line}: the input is not UTF-8 text")]
    NotUtf8 {
        /// The line of the first byte that is not UTF-8, from 1.
        line: usize,
    },
    /// The source breaks the rules of its language.
    #[error("{place}: not valid {}: {reason}", language(*format))]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// The language that it was read as.
        format: super::Format,
        /// What is wrong; never text of the source.
        reason: String,
    },
    /// A document, or an item of a List, is not an object.
    #[error("{place}: a Kubernetes object is wanted here, but this is {found}")]
    NotAnObject {
        /// Where it stands.
        place: Place,
        /// What stands there.
        found: Node,
    },
    /// A key is given twice in one map. (The reference silently takes the last.)
    #[error("{place}: the key {} is given twice", quoted(key))]
    DuplicateKey {
        /// Where the second one stands.
        place: Place,
        /// The key.
        key: String,
    },
    /// Collections nest deeper than any Kubernetes object.
    #[error("{place}: nested deeper than {} levels", super::MAX_DEPTH)]
    TooDeep {
        /// Where the limit was passed.
        place: Place,
    },
    /// Aliases unfold to more than any Kubernetes object can hold.
    #[error("{place}: the aliases of this document unfold to too much text")]
    TooManyAliases {
        /// Where the limit was passed.
        place: Place,
    },
    /// The source holds more than the reader may take memory for.
    #[error("{place}: there are more values here than one source may hold")]
    TooLarge {
        /// Where the limit was passed.
        place: Place,
    },
    /// A second object where one is expected.
    #[error("{place}: exactly one object is expected, and this is another")]
    Another {
        /// Where it begins.
        place: Place,
    },
    /// A YAML tag that no Kubernetes reader knows, or that does not fit its value.
    #[error("{place}: this YAML tag is not supported here")]
    Tag {
        /// Where the tagged value stands.
        place: Place,
    },
    /// A character that ends a line in YAML 1.1, as kubectl, Helm and Flux read it, and none in YAML 1.2: what follows it in a
    /// comment is a line of its own for some.
    #[error(
        "{place}: the character U+{:04X} ends a line for some readers of YAML and not for others: leave it out, or write \\{} in double quotes",
        u32::from(*character),
        match character { '\u{85}' => 'N', '\u{2028}' => 'L', _ => 'P' }
    )]
    LineBreak {
        /// Where it stands.
        place: Place,
        /// U+0085, U+2028 or U+2029.
        character: char,
    },
    /// A number that JSON cannot hold (`.inf`, `.nan`).
    #[error("{place}: this is read as a number that has no value in JSON; put it in quotes to keep it as text")]
    NotFinite {
        /// Where it stands.
        place: Place,
    },
    /// A map key that is not a scalar, or is null.
    #[error("{place}: a map key must be text (a template's {{{{ }}}} must be filled in first)")]
    Key {
        /// Where it stands.
        place: Place,
    },
    /// A scalar in a place for text that YAML reads as something else, so that the text would change.
    #[error(
        "{place}: the value of {} is not quoted, so it is read as {typed} and the text would change: put it in quotes",
        quoted(field)
    )]
    Unquoted {
        /// Where it stands.
        place: Place,
        /// The path of the value, with dots.
        field: String,
        /// What it is read as.
        typed: Typed,
    },
    /// A key in a map of texts that YAML reads as something else, so that the key would change.
    #[error(
        "{place}: a key of {} is not quoted, so it is read as {typed} and the key would change to {}: put it in quotes",
        quoted(field),
        quoted(key)
    )]
    UnquotedKey {
        /// Where it stands.
        place: Place,
        /// The path of the map, with dots.
        field: String,
        /// What the key would become.
        key: String,
        /// What it is read as.
        typed: Typed,
    },
    /// A field has another type than its object wants.
    #[error("{place}: {}{}", field_name(field), reason)]
    Field {
        /// Where the field stands.
        place: Place,
        /// Its path, with dots; empty for the object itself.
        field: String,
        /// What is wrong; never text of the source.
        reason: String,
    },
}

impl DocumentError {
    /// Whether the text keeps the rules of its language, so that what follows can be read.
    pub(super) fn leaves_the_rest(&self) -> bool {
        matches!(
            self,
            DocumentError::DuplicateKey { .. }
                | DocumentError::Tag { .. }
                | DocumentError::NotFinite { .. }
                | DocumentError::Key { .. }
        )
    }

    /// The place of the fault, where one is known.
    pub fn place(&self) -> Option<Place> {
        match self {
            DocumentError::Empty | DocumentError::NotUtf16 { .. } | DocumentError::NotUtf8 { .. } => None,
            DocumentError::Syntax { place, .. }
            | DocumentError::NotAnObject { place, .. }
            | DocumentError::DuplicateKey { place, .. }
            | DocumentError::TooDeep { place }
            | DocumentError::TooManyAliases { place }
            | DocumentError::TooLarge { place }
            | DocumentError::Another { place }
            | DocumentError::Tag { place }
            | DocumentError::NotFinite { place }
            | DocumentError::LineBreak { place, .. }
            | DocumentError::Key { place }
            | DocumentError::Unquoted { place, .. }
            | DocumentError::UnquotedKey { place, .. }
            | DocumentError::Field { place, .. } => Some(*place),
        }
    }
}

fn language(format: super::Format) -> &'static str {
    match format {
        super::Format::Json => "JSON",
        super::Format::Yaml => "YAML",
    }
}

fn field_name(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("{}: ", quoted(field))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", escaped(name))
}

/// A name for a message: control characters escaped, cut where it is too long to be a name.
pub fn escaped(name: &str) -> String {
    const LONGEST: usize = 300;
    let escaped: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    let rest = if name.chars().nth(LONGEST).is_some() { "…" } else { "" };
    escaped + rest
}
