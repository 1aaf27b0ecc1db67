//! The entries of a mapping while it is read: duplicate keys and merges (`<<`).

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, ScalarStyle};
use serde_json::{Map, Value};

use super::super::error::{DocumentError, Place, Spot};
use super::super::source_map::{Children, Entry, Mark, Placed};
use super::super::{Format, wipe};
use super::scalar::core_tag;

/// The entries of a mapping while it is read.
#[derive(Default)]
pub(super) struct Mapping {
    values: Map<String, Value>,
    entries: BTreeMap<String, Box<Entry>>,
    /// Keys from a merge: the mapping's own keys win over them.
    merged: BTreeSet<String>,
}

impl Mapping {
    pub(super) fn put(&mut self, key: String, value: Value, entry: Entry, place: Place) -> Result<(), DocumentError> {
        if self.values.contains_key(&key) && !self.merged.remove(&key) {
            wipe(value);
            return Err(DocumentError::DuplicateKey { place, key });
        }
        if let Some(replaced) = self.values.insert(key.clone(), value) {
            wipe(replaced);
        }
        self.entries.insert(key, Box::new(entry));
        Ok(())
    }

    /// `<<: *base`, or `<<: [*first, *second]` where the first one that has a key wins.
    ///
    /// A key before the merge that is also in it is refused: readers disagree about which one wins.
    pub(super) fn merge(&mut self, base: Placed, place: Place) -> Result<(), DocumentError> {
        let bases = match (base.value, base.mark.children) {
            (Value::Object(values), Children::Entries(entries)) => vec![(values, entries)],
            (Value::Array(values), Children::Items(marks)) => {
                let mut bases = Vec::new();
                for (value, mark) in values.into_iter().zip(marks) {
                    match (value, mark.children) {
                        (Value::Object(values), Children::Entries(entries)) => bases.push((values, entries)),
                        (other, _) => {
                            wipe(other);
                            return Err(merge_of_something_else(place));
                        }
                    }
                }
                bases
            }
            (other, _) => {
                wipe(other);
                return Err(merge_of_something_else(place));
            }
        };
        let mut brought = BTreeSet::new();
        for (values, mut entries) in bases {
            for (key, value) in values {
                let Some(entry) = entries.remove(&key) else { continue };
                if !brought.insert(key.clone()) {
                    wipe(value);
                    continue;
                }
                self.put(key, value, *entry, place)?;
            }
        }
        // `append` would copy all that earlier merges brought.
        self.merged.extend(brought);
        Ok(())
    }

    pub(super) fn finish(self, spot: Spot) -> Placed {
        let mark = Mark {
            spot,
            turned: None,
            children: Children::Entries(self.entries),
        };
        Placed {
            value: Value::Object(self.values),
            mark,
        }
    }
}

fn merge_of_something_else(place: Place) -> DocumentError {
    let reason = "`<<` takes a map, or a list of maps".to_owned();
    DocumentError::Syntax {
        place,
        format: Format::Yaml,
        reason,
    }
}

pub(super) fn is_merge_key(event: &Event<'_>) -> bool {
    let Event::Scalar(text, ScalarStyle::Plain, _, tag) = event else {
        return false;
    };
    text == "<<"
        && tag
            .as_deref()
            .is_none_or(|tag| core_tag(tag).is_some_and(|name| name == "merge"))
}
