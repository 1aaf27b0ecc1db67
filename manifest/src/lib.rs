#![doc = include_str!("../README.md")]
//!
//! # Where copies of a secret live
//! A [`Document`] wipes its values when it is dropped, and [`wipe`] does so for a value that was taken out. Not wiped:
//! the source bytes (the caller's), the parsers' scratch buffers for quoted and multi-line scalars, the unfinished
//! document of a source that turns out to be broken, and the texts and typed objects that a caller makes from a value.

mod budget;
mod cst;
mod deserialize;
pub mod edit;
mod emit;
mod emitter;
mod encoding;
mod error;
mod found;
mod go_float;
mod json;
mod key_order;
mod list;
mod resolve;
mod source_map;
mod splitter;
mod string_map;
mod verbatim;
mod yaml;

use serde_json::Value;
use zeroize::Zeroize;

pub use emit::{EmitError, to_json, to_json_compact, to_yaml};
pub use encoding::{Text, decode, text_lossy};
pub use error::{DocumentError, Node, Place, Typed, escaped};
pub use string_map::Nulls;
pub use verbatim::{Lost, check_verbatim};

use budget::Budget;
use found::Others;
use source_map::Placed;

/// How deep collections may nest. Kubernetes objects stay below 20; the limit keeps recursion off the stack's end.
pub(crate) const MAX_DEPTH: usize = 100;

/// Memory limit for all values of a source that is held as a whole, in bytes.
const MOST: usize = 512 << 20;

/// The language that a document was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON objects, one after the other.
    Json,
    /// YAML 1.1 as Go reads it, documents divided by `---`.
    Yaml,
}

/// One object of a source, with the place where it stood. Wiped when dropped.
pub struct Document {
    /// The object. Always `Value::Object`.
    pub value: Value,
    /// The document's number in the source, from 1. Empty documents are skipped but counted.
    pub index: usize,
    /// The line where the object begins, from 1.
    pub line: usize,
    /// The language that it was written in.
    pub format: Format,
    /// The object's position in the `items` of a List, from 1, for an item of one.
    pub item: Option<usize>,
    /// Why only the kind of an object is known; see [`read_mixed`].
    pub broken: Option<DocumentError>,
    mark: source_map::Mark,
}

impl Document {
    /// Takes the value out; the caller then wipes it (see [`wipe`]).
    pub fn into_value(mut self) -> Value {
        std::mem::take(&mut self.value)
    }

    /// The position of the document.
    pub fn place(&self) -> Place {
        Place {
            item: self.item,
            ..Place::new(self.index, self.mark.spot)
        }
    }

    /// The position of the value at `path` (map keys, and list positions from 0 as digits), or of its deepest existing
    /// ancestor.
    pub fn place_of<S: AsRef<str>>(&self, path: &[S]) -> Place {
        Place {
            item: self.item,
            ..Place::new(self.index, self.mark.spot_of(path))
        }
    }

    fn new(index: usize, format: Format, item: Option<usize>, placed: Placed) -> Document {
        let Placed { value, mark } = placed;
        Document {
            value,
            index,
            line: mark.spot.line,
            format,
            item,
            broken: None,
            mark,
        }
    }

    fn broken(self, broken: Option<DocumentError>) -> Document {
        let mut document = self;
        document.broken = broken;
        document
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.value));
    }
}

/// Shows the place and the size only, because the value may hold a secret.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("index", &self.index)
            .field("line", &self.line)
            .field("format", &self.format)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

/// Reads every object of `source`: UTF-8 or UTF-16 with or without a byte-order mark, LF or CRLF; YAML documents divided by
/// `---`, or JSON objects one after the other. Documents that are empty or hold only comments are skipped. The `items`
/// of a `List`, `SecretList` or `SealedSecretList` come out as documents of their own.
///
/// A source that begins with an object in JSON's form is JSON, any other is YAML.
///
/// # Errors
/// The first thing that is wrong in the source, with its document and line; [`DocumentError::Empty`] when the source
/// holds no object.
pub fn read(source: &[u8]) -> Result<Vec<Document>, DocumentError> {
    let mut documents = Vec::new();
    each(source, &mut |document| documents.push(document))?;
    Ok(documents)
}

/// As [`read`], but accepts documents of other kinds that break a rule of this reader (a duplicate key, a tag, `.inf`,
/// not an object): their value has the kind only, and `Document::broken` says why. A document that may be a Secret, a
/// SealedSecret or a List in some reader is still an error.
///
/// The whole source is held in memory, so it may take 512 MiB at most: `[0, 0, …]` would take 75 times its text.
///
/// # Errors
/// As [`read`], and [`DocumentError::TooLarge`].
pub fn read_mixed(source: &[u8]) -> Result<Vec<Document>, DocumentError> {
    let mut documents = Vec::new();
    every(source, Others::Passed, &Budget::new(MOST), &mut |document| {
        documents.push(document)
    })?;
    Ok(documents)
}

/// As [`read_mixed`], object by object; see [`each`].
///
/// # Errors
/// As [`read_mixed`].
pub fn each_mixed(source: &[u8], take: &mut dyn FnMut(Document)) -> Result<(), DocumentError> {
    every(source, Others::Passed, &Budget::unlimited(), take)
}

/// As [`read`], but passes each object to `take` as soon as it is read, so that work can start early. An error in a
/// later object is returned after the objects before it.
///
/// # Errors
/// As [`read`].
pub fn each(source: &[u8], take: &mut dyn FnMut(Document)) -> Result<(), DocumentError> {
    every(source, Others::Refused, &Budget::unlimited(), take)
}

fn every(source: &[u8], others: Others, budget: &Budget, take: &mut dyn FnMut(Document)) -> Result<(), DocumentError> {
    let text = encoding::decode(source)?;
    let mut is_empty = true;
    splitter::each(&text, others, budget, &mut |one| {
        list::expand(one, others, &mut |document| {
            is_empty = false;
            take(document);
        })
    })?;
    if is_empty { Err(DocumentError::Empty) } else { Ok(()) }
}

/// Reads an untrusted source: the one object in it, within `memory` bytes.
///
/// # Errors
/// As [`read`], and [`DocumentError::Another`], [`DocumentError::TooLarge`].
pub fn read_one(source: &[u8], memory: usize) -> Result<Document, DocumentError> {
    let text = encoding::decode(source)?;
    let budget = Budget::new(memory.saturating_sub(text.copied()));
    let mut found = None;
    splitter::each(&text, Others::Refused, &budget, &mut |one| {
        let mut another = None;
        list::expand(one, Others::Refused, &mut |document| {
            if found.is_none() {
                found = Some(document);
            } else {
                another.get_or_insert(document.place());
            }
        })?;
        another.map_or(Ok(()), |place| Err(DocumentError::Another { place }))
    })?;
    found.ok_or(DocumentError::Empty)
}

/// Whether the text of `source` may contain an object of one of these kinds (words), by itself or in a list, however
/// the kind is written: with escapes (`"k\x69nd"`), with tags (`!!binary`), or by an alias. `false` is certain. It
/// costs next to nothing.
pub fn may_hold_kind(source: &str, kinds: &[&str]) -> bool {
    let says_one = || kinds.iter().any(|kind| has_word(source, kind, "List"));
    has_word(source, "kind", "") && says_one() || spells_words_otherwise(source)
}

/// Whether the word occurs, by itself or with this ending.
fn has_word(source: &str, word: &str, ending: &str) -> bool {
    let goes_on = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let mut found = source.match_indices(word);
    found.any(|(at, _)| {
        let (before, after) = source.as_bytes().split_at(at);
        let after = after.get(word.len()..).unwrap_or_default();
        let ended = after.strip_prefix(ending.as_bytes()).unwrap_or(after);
        !goes_on(before.last()) && !goes_on(ended.first())
    })
}

/// Whether words may be present in another spelling.
fn spells_words_otherwise(source: &str) -> bool {
    /// Bytes of the longest tag that names base64: each letter escaped.
    const LONGEST_TAG: usize = 96;
    let bytes = source.as_bytes();
    let at = |at: Option<usize>| at.and_then(|at| bytes.get(at));
    // A line continuation splits a word; scripts have a space before the backslash.
    let is_letter = |slash: usize| match at(Some(slash + 1)) {
        Some(b'x' | b'u' | b'U') => true,
        Some(b'\n' | b'\r') => at(slash.checked_sub(1)).is_some_and(u8::is_ascii_alphabetic),
        _ => false,
    };
    let is_odd = |tag: &[u8]| tag.windows(6).any(|part| part == b"binary") || tag.contains(&b'%');
    let tag = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = rest
            .iter()
            .take(LONGEST_TAG)
            .take_while(|byte| !byte.is_ascii_whitespace())
            .count();
        rest.get(..end).unwrap_or_default()
    };
    source.match_indices('\\').any(|(slash, _)| is_letter(slash))
        || source.match_indices('!').any(|(at, _)| is_odd(tag(at)))
        || source.contains("%TAG")
}

/// Overwrites every string in `value` with zeros before freeing it. Map keys are names, not secrets, and are left.
pub fn wipe(value: Value) {
    match value {
        Value::String(mut text) => text.zeroize(),
        Value::Array(items) => items.into_iter().for_each(wipe),
        Value::Object(entries) => entries.into_iter().for_each(|(_, value)| wipe(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
