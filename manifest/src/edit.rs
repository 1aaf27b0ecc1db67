//! Changes in the text of a source that touch only the bytes of the changed nodes.
//!
//! The strict reader gives the meaning of the text, and `cst` the position of each node; a change is inserted
//! at these offsets. The new text is read again, and must mean exactly what was intended, in this document and in every
//! other one; otherwise no text is returned. This finds anchors, aliases and tags that a change would affect.

mod append_documents;
mod entries;
mod error;
mod format;
mod remove_documents;
mod source;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use append_documents::append;
use entries::Splice;
pub use error::EditError;
use error::Wrong;
pub use remove_documents::remove;

use super::cst::{self, Node, Tree};
use super::found::{Found, Others};
use super::splitter;
use super::{Document, DocumentError, encoding, wipe};

/// One change in an object. Paths are map keys, starting at the object; a path that leads through a list is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets the field at `path` to this text, or to null. Creates maps above it that are missing or null.
    Set {
        /// Where.
        path: Vec<String>,
        /// The text; `None` for null.
        text: Option<String>,
    },
    /// Removes the field at `path`.
    Remove {
        /// Where.
        path: Vec<String>,
    },
    /// Renames the field at `path`; its value and its position stay.
    Rename {
        /// Where.
        path: Vec<String>,
        /// The new key.
        to: String,
    },
}

impl Change {
    /// [`Change::Set`] with a text.
    pub fn set<S: Into<String>>(path: impl IntoIterator<Item = S>, text: impl Into<String>) -> Self {
        Change::Set {
            path: path.into_iter().map(Into::into).collect(),
            text: Some(text.into()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &[String] {
        match self {
            Change::Set { path, .. } | Change::Remove { path } | Change::Rename { path, .. } => path,
        }
    }
}

/// The changes in one object of a source, applied one after the other.
#[derive(Debug, Clone)]
pub struct Edit<'d> {
    /// The object, as it was read from the same source.
    pub document: &'d Document,
    /// What to change in it.
    pub changes: Vec<Change>,
}

/// The text of `source` with these changes; every other byte stays: comments, order, quoting, anchors, line breaks,
/// encoding, a byte-order mark, other documents. At most one edit for each document.
///
/// # Errors
/// [`EditError`]; then no text is returned.
pub fn edit(source: &[u8], edits: &[Edit<'_>]) -> Result<Vec<u8>, EditError> {
    let decoded = encoding::decode(source)?;
    refuse_lone_carriage_returns(&decoded)?;
    let mut intended = splitter::values(&decoded, Others::Passed)?;
    let outcome = intend(&mut intended, edits).and_then(|()| changed(&decoded, edits));
    let outcome = outcome.and_then(|text| {
        let unfaithful = unfaithful(&text, &intended, edits)?;
        unfaithful.map_or_else(|| Ok(decoded.encode(&text)), Err)
    });
    wipe_all(intended);
    outcome
}

/// YAML ends a line here, and editors and Git do not: a change of whole lines would include too much.
fn refuse_lone_carriage_returns(text: &str) -> Result<(), EditError> {
    let lone = text.split('\n').position(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.contains('\r')
    });
    lone.map_or(Ok(()), |line| Err(EditError::CarriageReturn { line: line + 1 }))
}

fn wipe_all(found: Vec<Found>) {
    found.into_iter().for_each(|one| wipe(one.placed.value));
}

/// Applies the changes to the values.
fn intend(found: &mut [Found], edits: &[Edit<'_>]) -> Result<(), EditError> {
    let mut by_index: BTreeMap<usize, &mut Found> = found.iter_mut().map(|one| (one.index, one)).collect();
    for edit in edits {
        let whole = by_index
            .get_mut(&edit.document.index)
            .map(|found| &mut found.placed.value);
        let object = match edit.document.item {
            None => whole,
            Some(item) => whole
                .and_then(|list| list.get_mut("items"))
                .and_then(|items| items.get_mut(item - 1)),
        };
        let object = object.ok_or_else(|| edit.fault(Wrong::Unfaithful, &[]))?;
        for change in &edit.changes {
            make(object, change).map_err(|wrong| edit.fault(wrong, change.path()))?;
        }
    }
    Ok(())
}

/// Applies one change to a value.
fn make(object: &mut Value, change: &Change) -> Result<(), Wrong> {
    let Some((last, above)) = change.path().split_last() else {
        return Err(Wrong::NotAMap);
    };
    let mut value = object;
    for step in above {
        let makes = matches!(change, Change::Set { .. });
        let map = map_of(value, makes)?;
        value = if makes {
            map.entry(step.clone()).or_insert(Value::Null)
        } else {
            map.get_mut(step).ok_or(Wrong::NoSuch)?
        };
    }
    let map = map_of(value, matches!(change, Change::Set { .. }))?;
    match change {
        Change::Set { text, .. } => {
            let value = text.clone().map_or(Value::Null, Value::String);
            map.insert(last.clone(), value).into_iter().for_each(wipe);
        }
        Change::Remove { .. } => wipe(map.remove(last).ok_or(Wrong::NoSuch)?),
        Change::Rename { to, .. } if map.contains_key(to) => return Err(Wrong::Exists(to.clone())),
        Change::Rename { to, .. } => {
            let value = map.remove(last).ok_or(Wrong::NoSuch)?;
            map.insert(to.clone(), value);
        }
    }
    Ok(())
}

fn map_of(value: &mut Value, makes: bool) -> Result<&mut Map<String, Value>, Wrong> {
    if value.is_null() && makes {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Err(Wrong::NoSuch),
        _ => Err(Wrong::NotAMap),
    }
}

/// Applies the changes to the text. Each round applies as many changes of a document as do not overlap.
fn changed(text: &str, edits: &[Edit<'_>]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    let mut pending: Vec<(&Edit<'_>, &[Change])> = edits.iter().map(|edit| (edit, edit.changes.as_slice())).collect();
    loop {
        pending.retain(|(_, changes)| !changes.is_empty());
        let Some(&(first, _)) = pending.first() else {
            return Ok(text);
        };
        let unfaithful = || first.fault(Wrong::Unfaithful, &[]);
        let trees = cst::trees(&text).ok_or_else(unfaithful)?;
        let trees: BTreeMap<usize, Tree> = trees.into_iter().map(|tree| (tree.index, tree)).collect();
        let mut splices = Vec::new();
        for (edit, changes) in &mut pending {
            let (format, root) = edit.root(&trees)?;
            let page = source::Page { text: &text, format };
            let made = entries::round(page, root, changes).map_err(|(wrong, path)| edit.fault(wrong, path))?;
            splices.extend(made.splices);
            *changes = changes.get(made.changes..).unwrap_or_default();
        }
        text = spliced(&text, splices).ok_or_else(unfaithful)?;
    }
}

/// Applies the splices; `None` when two of them overlap.
fn spliced(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| splice.range.start);
    let mut made = String::with_capacity(text.len() + 1024);
    let mut at = 0;
    for Splice { range, with } in splices {
        made.push_str(text.get(at..range.start)?);
        made.push_str(&with);
        at = range.end;
    }
    made.push_str(text.get(at..)?);
    Some(made)
}

/// The first difference between the new text and the intended values, if there is one.
fn unfaithful(text: &str, intended: &[Found], edits: &[Edit<'_>]) -> Result<Option<EditError>, EditError> {
    let edited = |index: usize| edits.iter().find(|edit| edit.document.index == index).or(edits.first());
    let fault = |index: usize| edited(index).map(|edit| edit.fault(Wrong::Unfaithful, &[]));
    let found = match splitter::values(text, Others::Passed) {
        Ok(found) => found,
        Err(error) => return Ok(fault(error.place().map_or(0, |place| place.document))),
    };
    let same = |(a, b): (&Found, &Found)| a.index == b.index && a.placed.value == b.placed.value;
    let differs = if found.len() == intended.len() {
        found.iter().zip(intended).position(|pair| !same(pair))
    } else {
        Some(0)
    };
    let index = differs.map(|at| intended.get(at).map_or(0, |found| found.index));
    wipe_all(found);
    Ok(index.and_then(fault))
}

impl Edit<'_> {
    fn fault(&self, wrong: Wrong, path: &[String]) -> EditError {
        let place = self.document.place_of(path);
        EditError::new(wrong, place, path.join("."))
    }

    /// The object's node, and the language that it is written in.
    fn root<'t>(&self, trees: &'t BTreeMap<usize, Tree>) -> Result<(super::Format, &'t Node), EditError> {
        let shared = || self.fault(Wrong::Shared, &[]);
        let tree = trees.get(&self.document.index).ok_or_else(shared)?;
        let node = match self.document.item {
            None => Some(&tree.root),
            Some(item) => tree
                .root
                .map()
                .and_then(|list| list.entry("items"))
                .and_then(|(_, items)| items.value.item(item - 1)),
        };
        Ok((tree.format, node.ok_or_else(shared)?))
    }
}

impl From<DocumentError> for EditError {
    fn from(error: DocumentError) -> Self {
        EditError::Document(error)
    }
}
