//! Positions of all parts of a value in its source, and the scalars that are not text. Holds no text values, except the
//! exact spelling of numbers and booleans, which is wiped.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use super::error::{Spot, Typed};
use super::go_float;
use super::resolve::Scalar;

/// A value and its marks, which the readers build together.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) value: Value,
    pub(super) mark: Mark,
}

impl Placed {
    /// An object of which only the kind is known.
    pub(super) fn only_kind(spot: Spot, kind: String) -> Self {
        let kind = Some(kind).filter(|kind| !kind.is_empty());
        let entries = kind.map(|kind| ("kind".to_owned(), Value::String(kind)));
        Self {
            value: Value::Object(entries.into_iter().collect()),
            mark: Mark::leaf(spot, None),
        }
    }

    /// A sequence that begins at `spot`, of items with their marks.
    pub(super) fn list(spot: Spot, values: Vec<Value>, marks: Vec<Mark>) -> Self {
        let mark = Mark {
            spot,
            turned: None,
            children: Children::Items(marks),
        };
        Self {
            value: Value::Array(values),
            mark,
        }
    }
}

/// The marks of one node.
#[derive(Clone)]
pub(super) struct Mark {
    /// Where the node begins.
    pub(super) spot: Spot,
    /// Set for a scalar that is not text.
    pub(super) turned: Option<Turned>,
    pub(super) children: Children,
}

#[derive(Clone)]
pub(super) enum Children {
    None,
    Entries(BTreeMap<String, Box<Entry>>),
    Items(Vec<Mark>),
}

/// One entry of a map: where its key stands, and its value's marks.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key_spot: Spot,
    pub(super) key_turned: Option<Turned>,
    pub(super) value: Mark,
}

/// A scalar that is not text.
#[derive(Clone)]
pub(super) struct Turned {
    pub(super) typed: Typed,
    /// Its text where Go expects text.
    pub(super) text: Zeroizing<String>,
    /// Whether that is what was typed (`5432`, `true`, an absent value), and not another text (`yes`, `0777`, `1e3`,
    /// `null`).
    pub(super) kept: bool,
}

impl Turned {
    /// What Go gives, where it expects text, for an unquoted scalar `written` in YAML or JSON that means `meaning`;
    /// `None` when it means text.
    pub(super) fn of(meaning: &Scalar, written: &str) -> Option<Self> {
        let (typed, text) = match meaning {
            Scalar::Text => return None,
            Scalar::Null => (Typed::Null, String::new()),
            Scalar::Bool(truth) => (Typed::Bool, truth.to_string()),
            Scalar::Int(number) => (Typed::Int, number.to_string()),
            Scalar::Uint(number) => (Typed::Int, number.to_string()),
            Scalar::Float(number) => (Typed::Float, go_float::single(*number)),
        };
        Some(Self {
            typed,
            kept: text == written,
            text: Zeroizing::new(text),
        })
    }
}

impl Mark {
    pub(super) fn leaf(spot: Spot, turned: Option<Turned>) -> Mark {
        Mark {
            spot,
            turned,
            children: Children::None,
        }
    }

    /// The entry under `key`, when this is a map that has it.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.children {
            Children::Entries(entries) => entries.get(key).map(|entry| &**entry),
            Children::None | Children::Items(_) => None,
        }
    }

    /// The marks of the node at `path`.
    pub(super) fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Mark> {
        let Some((step, rest)) = path.split_first() else {
            return Some(self);
        };
        match &self.children {
            Children::Entries(entries) => entries.get(step.as_ref())?.value.at(rest),
            Children::Items(items) => items.get(step.as_ref().parse::<usize>().ok()?)?.at(rest),
            Children::None => None,
        }
    }

    /// Position of the last key of `path`, or of the deepest existing ancestor.
    pub(super) fn spot_of<S: AsRef<str>>(&self, path: &[S]) -> Spot {
        let Some((step, rest)) = path.split_first() else {
            return self.spot;
        };
        match &self.children {
            Children::Entries(entries) => entries.get(step.as_ref()).map_or(self.spot, |entry| {
                if rest.is_empty() {
                    entry.key_spot
                } else {
                    entry.value.spot_of(rest)
                }
            }),
            Children::Items(items) => step
                .as_ref()
                .parse::<usize>()
                .ok()
                .and_then(|position| items.get(position))
                .map_or(self.spot, |item| item.spot_of(rest)),
            Children::None => self.spot,
        }
    }
}
