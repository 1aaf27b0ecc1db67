//! Byte positions of all nodes of a source, so that one part of the text can change and the rest stays.
//!
//! Nothing here interprets values: [`super::read`] does, and has read the text without an error before.

mod json;
mod yaml;

use std::ops::Range;

use super::{Format, splitter};

/// The nodes of one document that is not empty.
#[derive(Debug)]
pub(super) struct Tree {
    /// The document's number in the source, from 1.
    pub(super) index: usize,
    /// The language that it is written in.
    pub(super) format: Format,
    pub(super) root: Node,
}

/// One node. Offsets count bytes of the source.
#[derive(Debug)]
pub(super) struct Node {
    /// From its first byte to the end of its last one, without anchor, tag, line breaks and comments around it. For a
    /// block collection: its entries. For a missing value: the position to insert one.
    pub(super) span: Range<usize>,
    pub(super) form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    Scalar(Style),
    /// `*name`.
    Alias,
    Map(Map),
    List(Vec<Node>),
}

/// How a scalar is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// A block scalar: `|` or `>`, then the indicators. The span begins there.
    Block {
        header: Range<usize>,
    },
    /// An absent value (`key:`).
    LeftOut,
}

#[derive(Debug)]
pub(super) struct Map {
    /// `{…}`, not lines.
    pub(super) flow: bool,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The start of the entry: the key, or the `?` before it.
    pub(super) start: usize,
    /// The key's text; `None` for a merge (`<<`) and for an alias.
    pub(super) key: Option<String>,
    pub(super) key_span: Range<usize>,
    pub(super) key_style: Style,
    /// Whether a colon follows the key.
    pub(super) colon: bool,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn map(&self) -> Option<&Map> {
        match &self.form {
            Form::Map(map) => Some(map),
            Form::Scalar(_) | Form::Alias | Form::List(_) => None,
        }
    }

    /// The item at `position` (from 0) of a list.
    pub(super) fn item(&self, position: usize) -> Option<&Node> {
        match &self.form {
            Form::List(items) => items.get(position),
            Form::Scalar(_) | Form::Alias | Form::Map(_) => None,
        }
    }
}

impl Map {
    /// The entry with this key in this map itself, not one that a merge adds.
    pub(super) fn entry(&self, key: &str) -> Option<(usize, &Entry)> {
        let mut entries = self.entries.iter().enumerate();
        entries.find(|(_, entry)| entry.key.as_deref() == Some(key))
    }
}

/// The nodes of all documents of `text` that are not empty, in order. `None` for a text that cannot be read.
pub(super) fn trees(text: &str) -> Option<Vec<Tree>> {
    let mut trees = Vec::new();
    let mut documents = 0;
    for part in splitter::parts(text) {
        match part.format {
            Some(Format::Json) => {
                for root in json::roots(text, part.from, part.to)? {
                    documents += 1;
                    trees.push(Tree {
                        index: documents,
                        format: Format::Json,
                        root,
                    });
                }
            }
            Some(Format::Yaml) => yaml::trees(text, part.from, documents, &mut trees)?,
            None => documents += 1,
        }
    }
    Some(trees)
}
