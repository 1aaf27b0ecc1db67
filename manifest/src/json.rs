//! JSON: a stream of objects → values with marks. Checks duplicate keys and depth.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::budget::{Budget, ENTRY, ITEM, MAP};
use super::error::{DocumentError, Place, Spot};
use super::found::{Found, Others, Sink, only};
use super::resolve::resolve;
use super::source_map::{Children, Entry, Mark, Placed, Turned};
use super::yaml::{foreign_kind, read_without_broken};
use super::{Format, MAX_DEPTH};

/// Passes the values of `text` to `sink`. `lines_before` and `documents_before` precede it in the source; returns the
/// number of documents up to its end.
pub(super) fn read(
    text: &str,
    lines_before: usize,
    documents_before: usize,
    others: Others,
    budget: &Budget,
    sink: &mut Sink<'_>,
) -> Result<usize, DocumentError> {
    let state = State {
        breaks: Cell::new(lines_before),
        ..State::default()
    };
    let mut bytes = Bytes {
        rest: text.as_bytes(),
        state: &state,
    };
    let mut index = documents_before;
    loop {
        let mut source = serde_json::Deserializer::from_reader(&mut bytes);
        // There is a next value as long as the end is not reached.
        let error = loop {
            if source.end().is_ok() {
                return Ok(index);
            }
            index += 1;
            let root = Node {
                state: &state,
                budget,
                depth: 1,
            };
            match root.deserialize(&mut source) {
                Ok(placed) => sink(found(index, placed, None))?,
                Err(error) => break fault(&state, &error, lines_before, index),
            }
        };
        let is_passed = others == Others::Passed && error.leaves_the_rest();
        let root = state.root.get().filter(|_| is_passed);
        let Some((begin, from, own)) = root.and_then(|(begin, from)| Some((begin, from, value_at(text.get(from..)?)?)))
        else {
            return Err(error);
        };
        // JSON is YAML; for JSON that is not, the kind is unknown.
        if let Some(kind) = foreign_kind(own) {
            sink(found(index, Placed::only_kind(begin, kind), Some(error)))?;
        } else {
            let padded = Zeroizing::new("\n".repeat(begin.line - 1) + &" ".repeat(begin.column - 1) + own);
            budget.charge(2 * padded.len(), Place::new(index, begin))?;
            let read =
                |text: &str| only(|sink| self::read(text, 0, index - 1, Others::Refused, budget, sink).map(drop));
            let (placed, broken_items) = read_without_broken(&padded, error.clone(), read).ok_or(error)?;
            sink(Found {
                broken_items,
                ..found(index, placed, None)
            })?;
        }
        bytes.skip((from + own.len()).saturating_sub(state.read.get()));
    }
}

fn found(index: usize, placed: Placed, broken: Option<DocumentError>) -> Found {
    Found {
        index,
        format: Format::Json,
        placed,
        broken,
        broken_items: BTreeMap::new(),
    }
}

/// The value that `text` begins with, if it is JSON.
fn value_at(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    text.get(..values.byte_offset())
}

fn fault(state: &State, error: &serde_json::Error, lines_before: usize, index: usize) -> DocumentError {
    let at = |spot| Place::new(index, spot);
    match state.fault.take() {
        Some(Fault::Duplicate { spot, key }) => DocumentError::DuplicateKey { place: at(spot), key },
        Some(Fault::TooDeep { spot }) => DocumentError::TooDeep { place: at(spot) },
        Some(Fault::TooLarge { spot }) => DocumentError::TooLarge { place: at(spot) },
        None => {
            let reason = match error.classify() {
                Category::Eof => "it ends too early".to_owned(),
                // The parser's own messages are constants: they contain nothing of the source.
                Category::Syntax => error
                    .to_string()
                    .split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                Category::Data | Category::Io => "it breaks the rules of JSON".to_owned(),
            };
            DocumentError::Syntax {
                place: at(Spot {
                    line: lines_before + error.line().max(1),
                    column: error.column().max(1),
                }),
                format: Format::Json,
                reason,
            }
        }
    }
}

/// State shared by the readers of one source.
#[derive(Default)]
struct State {
    /// Line breaks before the last byte read.
    breaks: Cell<usize>,
    /// Characters of its line up to that byte.
    column: Cell<usize>,
    last: Cell<u8>,
    /// Whether that byte is inside a string, and whether a backslash precedes the next one.
    inside_text: Cell<bool>,
    escaped: Cell<bool>,
    /// The last number, boolean or null as written, so far.
    word: RefCell<Zeroizing<String>>,
    /// Bytes read, and the offset of the last outermost object or list.
    read: Cell<usize>,
    root: Cell<Option<(Spot, usize)>>,
    /// Where the last text began.
    text: Cell<Option<Spot>>,
    fault: RefCell<Option<Fault>>,
}

enum Fault {
    Duplicate { spot: Spot, key: String },
    TooDeep { spot: Spot },
    TooLarge { spot: Spot },
}

impl State {
    /// Position of the last byte read.
    fn spot(&self) -> Spot {
        Spot {
            line: self.breaks.get() + 1,
            column: self.column.get().max(1),
        }
    }

    /// Start of the last string read.
    fn text_spot(&self) -> Spot {
        self.text.get().unwrap_or_else(|| self.spot())
    }

    /// Counts one more byte.
    fn pass(&self, byte: u8) {
        self.read.set(self.read.get() + 1);
        let before = self.last.replace(byte);
        if before == b'\n' {
            self.breaks.set(self.breaks.get() + 1);
            self.column.set(0);
        }
        // Continuation bytes of UTF-8 do not count.
        if byte & 0xC0 != 0x80 {
            self.column.set(self.column.get() + 1);
        }
        let inside = self.inside_text.get();
        if !inside && is_of_word(byte) {
            let mut word = self.word.borrow_mut();
            if !is_of_word(before) {
                word.clear();
            }
            word.push(char::from(byte));
        }
        if byte == b'"' && !self.escaped.get() {
            self.inside_text.set(!inside);
            if !inside {
                self.text.set(Some(self.spot()));
            }
        }
        self.escaped.set(inside && byte == b'\\' && !self.escaped.get());
    }

    /// Records why reading stops: serde's own error would contain the value.
    fn stop<E: serde::de::Error>(&self, fault: Fault) -> E {
        self.fault.replace(Some(fault));
        E::custom("stopped")
    }
}

/// Whether the byte occurs in numbers, booleans and null.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// The source, one byte at a time, so that the line is known whenever the parser reports an error.
struct Bytes<'a> {
    rest: &'a [u8],
    state: &'a State,
}

impl Bytes<'_> {
    fn skip(&mut self, count: usize) {
        let (skipped, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        skipped.iter().for_each(|byte| self.state.pass(*byte));
        self.rest = rest;
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (Some(slot), Some((byte, rest))) = (buffer.first_mut(), self.rest.split_first()) else {
            return Ok(0);
        };
        self.state.pass(*byte);
        *slot = *byte;
        self.rest = rest;
        Ok(1)
    }
}

/// Reads one value at a depth.
#[derive(Clone, Copy)]
struct Node<'a> {
    state: &'a State,
    budget: &'a Budget,
    depth: usize,
}

impl Node<'_> {
    fn pay<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        if self.budget.pay(bytes) {
            return Ok(());
        }
        Err(self.state.stop(Fault::TooLarge {
            spot: self.state.spot(),
        }))
    }

    fn text(self, value: String) -> Placed {
        Placed {
            value: Value::String(value),
            mark: Mark::leaf(self.state.spot(), None),
        }
    }

    /// The last scalar read that is not a string.
    fn word(self, value: Value) -> Placed {
        let word = self.state.word.borrow();
        Placed {
            value,
            mark: Mark::leaf(self.state.spot(), Turned::of(&resolve(&word), &word)),
        }
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.state.stop(Fault::TooDeep {
                spot: self.state.spot(),
            }));
        }
        if self.depth == 1 {
            let from = self.state.read.get().saturating_sub(1);
            self.state.root.set(Some((self.state.spot(), from)));
        }
        Ok(Node {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Placed;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Placed, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Placed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Placed, E> {
        Ok(self.word(Value::Null))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Placed, E> {
        Ok(self.word(Value::Bool(truth)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Placed, E> {
        Ok(self.word(Value::from(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Placed, E> {
        Ok(self.word(Value::from(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Placed, E> {
        Ok(self.word(Value::from(number)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Placed, E> {
        self.pay(text.len())?;
        Ok(self.text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Placed, A::Error> {
        let spot = self.state.spot();
        let inner = self.deeper()?;
        let (mut values, mut marks) = (Vec::new(), Vec::new());
        while let Some(Placed { value, mark }) = source.next_element_seed(inner)? {
            self.pay(ITEM)?;
            values.push(value);
            marks.push(mark);
        }
        Ok(Placed::list(spot, values, marks))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Placed, A::Error> {
        let spot = self.state.spot();
        let inner = self.deeper()?;
        let mut values = Map::new();
        let mut entries = BTreeMap::new();
        while let Some(key) = source.next_key::<String>()? {
            let key_spot = self.state.text_spot();
            self.pay(2 * key.len() + ENTRY + if values.is_empty() { MAP } else { 0 })?;
            if values.contains_key(&key) {
                return Err(self.state.stop(Fault::Duplicate { spot: key_spot, key }));
            }
            let Placed { value, mark } = source.next_value_seed(inner)?;
            entries.insert(
                key.clone(),
                Box::new(Entry {
                    key_spot,
                    key_turned: None,
                    value: mark,
                }),
            );
            values.insert(key, value);
        }
        let mark = Mark {
            spot,
            turned: None,
            children: Children::Entries(entries),
        };
        Ok(Placed {
            value: Value::Object(values),
            mark,
        })
    }
}
