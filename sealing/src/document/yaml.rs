//! YAML: parser events ↦ values with marks. Duplicate keys, depth and the growth by aliases are checked here.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use super::error::{DocumentError, Place, Typed};
use super::mark::{Children, Entry, Mark, Placed, Turned};
use super::scalar::{Scalar, resolve};
use super::{Format, MAX_DEPTH, go_float, wipe};

/// How much may be copied for anchors and aliases in one source: bytes of text, plus [`NODE_WEIGHT`] for each node.
/// A Kubernetes object is at most 1.5 MiB.
const MAX_COPIED: usize = 4 << 20;
/// What one node counts for, beside its text.
const NODE_WEIGHT: usize = 64;

/// The documents of `text` that are not empty, with their numbers from 1.
pub(super) fn read(text: &str) -> Result<Vec<(usize, Placed)>, DocumentError> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut reader = Reader {
        text,
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        copied: 0,
        index: 0,
        inside: false,
    };
    let mut found: Vec<(usize, Placed)> = Vec::new();
    match reader.documents(&mut found) {
        Ok(()) => Ok(found),
        Err(error) => {
            found.into_iter().for_each(|(_, placed)| wipe(placed.value));
            Err(error)
        }
    }
}

struct Reader<'s> {
    text: &'s str,
    events: Parser<'s, StrInput<'s>>,
    /// The finished nodes of this document that have an anchor.
    anchors: HashMap<usize, Built>,
    /// Counts towards [`MAX_COPIED`].
    copied: usize,
    /// The number of the document that is being read, from 1.
    index: usize,
    /// Whether that document has begun and not yet ended.
    inside: bool,
}

/// A finished node, its weight and its height (1 for a scalar).
#[derive(Clone)]
struct Built {
    placed: Placed,
    weight: usize,
    height: usize,
}

impl Drop for Built {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.placed.value));
    }
}

impl Built {
    fn into_placed(mut self) -> Placed {
        Placed {
            value: std::mem::take(&mut self.placed.value),
            mark: std::mem::replace(&mut self.placed.mark, Mark::leaf(0, None)),
        }
    }
}

impl<'s> Reader<'s> {
    fn documents(&mut self, found: &mut Vec<(usize, Placed)>) -> Result<(), DocumentError> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) => {
                    self.index += 1;
                    self.inside = true;
                    self.anchors.clear();
                }
                Event::DocumentEnd => self.inside = false,
                Event::StreamStart | Event::StreamEnd => {}
                node => {
                    let built = self.node(node, span, 1)?;
                    if !built.placed.value.is_null() {
                        found.push((self.index, built.into_placed()));
                    }
                }
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<(Event<'s>, Span)>, DocumentError> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok(next)) => Ok(Some(next)),
            Some(Err(error)) => Err(self.broken(&error)),
        }
    }

    /// The next event inside a collection.
    fn expect(&mut self) -> Result<(Event<'s>, Span), DocumentError> {
        let next = self.next()?;
        next.ok_or_else(|| DocumentError::Syntax {
            place: self.place(1 + self.text.bytes().filter(|b| *b == b'\n').count()),
            format: Format::Yaml,
            reason: "it ends too early".to_owned(),
        })
    }

    fn place(&self, line: usize) -> Place {
        let document = if self.inside { self.index } else { self.index + 1 };
        Place {
            document,
            line,
            item: None,
        }
    }

    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Built, DocumentError> {
        let line = span.start.line();
        let place = self.place(line);
        if depth > MAX_DEPTH {
            return Err(DocumentError::TooDeep { place });
        }
        let (anchor, built) = match event {
            Event::Alias(id) => return self.alias(id, depth, place),
            Event::Scalar(text, style, anchor, tag) => {
                // The parser gives `~` for a value that was left out.
                let left_out = style == ScalarStyle::Plain && text == "~" && span.slice(self.text) != Some("~");
                let text = if left_out { "" } else { text.as_ref() };
                let (value, turned) = scalar(text, style, tag.as_deref(), place)?;
                let weight = NODE_WEIGHT + text.len();
                (
                    anchor,
                    Built {
                        placed: Placed {
                            value,
                            mark: Mark::leaf(line, turned),
                        },
                        weight,
                        height: 1,
                    },
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                known_tag(tag.as_deref(), "seq", place)?;
                (anchor, self.sequence(line, depth)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                known_tag(tag.as_deref(), "map", place)?;
                (anchor, self.mapping(line, depth)?)
            }
            _ => {
                let reason = "a value is missing".to_owned();
                return Err(DocumentError::Syntax {
                    place,
                    format: Format::Yaml,
                    reason,
                });
            }
        };
        if anchor != 0 {
            self.pay(built.weight, place)?;
            self.anchors.insert(anchor, built.clone());
        }
        Ok(built)
    }

    fn alias(&mut self, id: usize, depth: usize, place: Place) -> Result<Built, DocumentError> {
        let Some((weight, height)) = self.anchors.get(&id).map(|target| (target.weight, target.height)) else {
            let reason = "an alias stands inside the value that it names".to_owned();
            return Err(DocumentError::Syntax {
                place,
                format: Format::Yaml,
                reason,
            });
        };
        if depth + height - 1 > MAX_DEPTH {
            return Err(DocumentError::TooDeep { place });
        }
        self.pay(weight, place)?;
        let target = self.anchors.get(&id).cloned();
        target.ok_or(DocumentError::TooManyAliases { place })
    }

    fn pay(&mut self, weight: usize, place: Place) -> Result<(), DocumentError> {
        self.copied = self.copied.saturating_add(weight);
        if self.copied > MAX_COPIED {
            Err(DocumentError::TooManyAliases { place })
        } else {
            Ok(())
        }
    }

    fn sequence(&mut self, line: usize, depth: usize) -> Result<Built, DocumentError> {
        let (mut values, mut marks) = (Vec::new(), Vec::new());
        let (mut weight, mut height) = (NODE_WEIGHT, 0);
        loop {
            let (event, span) = self.expect()?;
            if event == Event::SequenceEnd {
                break;
            }
            let item = self.node(event, span, depth + 1)?;
            weight += item.weight;
            height = height.max(item.height);
            let Placed { value, mark } = item.into_placed();
            values.push(value);
            marks.push(mark);
        }
        let mark = Mark {
            line,
            turned: None,
            children: Children::Items(marks),
        };
        Ok(Built {
            placed: Placed {
                value: Value::Array(values),
                mark,
            },
            weight,
            height: height + 1,
        })
    }

    fn mapping(&mut self, line: usize, depth: usize) -> Result<Built, DocumentError> {
        let mut map = Mapping::default();
        let (mut weight, mut height) = (NODE_WEIGHT, 0);
        loop {
            let (event, span) = self.expect()?;
            if event == Event::MappingEnd {
                break;
            }
            let key_line = span.start.line();
            let place = self.place(key_line);
            let is_merge = is_merge_key(&event);
            let key = if is_merge { None } else { Some(self.key(event, span)?) };
            let (event, span) = self.expect()?;
            let value = self.node(event, span, depth + 1)?;
            weight += NODE_WEIGHT + value.weight + key.as_ref().map_or(0, |(key, _)| key.len());
            height = height.max(value.height);
            match key {
                Some((key, key_turned)) => {
                    let Placed { value, mark } = value.into_placed();
                    map.put(
                        key,
                        value,
                        Entry {
                            key_line,
                            key_turned,
                            value: mark,
                        },
                        place,
                    )?;
                }
                None => map.merge(value.into_placed(), place)?,
            }
        }
        Ok(Built {
            placed: map.finish(line),
            weight,
            height: height + 1,
        })
    }

    /// The text of a key. Go turns a number or a boolean into text here.
    fn key(&mut self, event: Event<'s>, span: Span) -> Result<(String, Option<Turned>), DocumentError> {
        let place = self.place(span.start.line());
        let built = self.node(event, span, MAX_DEPTH)?;
        let Placed { value, mark } = built.into_placed();
        let key = match &value {
            Value::String(text) => text.clone(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) if number.is_f64() => go_float::single(number.as_f64().unwrap_or_default()),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                wipe(value);
                return Err(DocumentError::Key { place });
            }
        };
        wipe(value);
        Ok((key, mark.turned))
    }

    fn broken(&self, error: &ScanError) -> DocumentError {
        let place = self.place(error.marker().line());
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => DocumentError::TooDeep { place },
            kind => DocumentError::Syntax {
                place,
                format: Format::Yaml,
                reason: reason(kind).to_owned(),
            },
        }
    }
}

/// The entries of a mapping while it is read.
#[derive(Default)]
struct Mapping {
    values: Map<String, Value>,
    entries: BTreeMap<String, Entry>,
    /// Keys that a merge brought: the mapping's own keys win over them.
    merged: BTreeMap<String, ()>,
}

impl Mapping {
    fn put(&mut self, key: String, value: Value, entry: Entry, place: Place) -> Result<(), DocumentError> {
        if self.values.contains_key(&key) && self.merged.remove(&key).is_none() {
            wipe(value);
            return Err(DocumentError::DuplicateKey { place, key });
        }
        if let Some(replaced) = self.values.insert(key.clone(), value) {
            wipe(replaced);
        }
        self.entries.insert(key, entry);
        Ok(())
    }

    /// `<<: *base`, or `<<: [*first, *second]` where the first one that has a key wins.
    ///
    /// A key that stands before the merge and is in it too is refused: readers disagree about which one wins.
    fn merge(&mut self, base: Placed, place: Place) -> Result<(), DocumentError> {
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
        let mut brought = BTreeMap::new();
        for (values, mut entries) in bases {
            for (key, value) in values {
                let Some(entry) = entries.remove(&key) else { continue };
                if brought.contains_key(&key) {
                    wipe(value);
                } else {
                    self.put(key.clone(), value, entry, place)?;
                    brought.insert(key, ());
                }
            }
        }
        self.merged.append(&mut brought);
        Ok(())
    }

    fn finish(self, line: usize) -> Placed {
        let mark = Mark {
            line,
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

fn is_merge_key(event: &Event<'_>) -> bool {
    let Event::Scalar(text, ScalarStyle::Plain, _, tag) = event else {
        return false;
    };
    text == "<<"
        && tag
            .as_deref()
            .is_none_or(|tag| core_tag(tag).is_some_and(|name| name == "merge"))
}

/// The name of a tag of YAML's own, such as `str`.
fn core_tag(tag: &Tag) -> Option<std::borrow::Cow<'_, str>> {
    tag.suffix_in_namespace("tag:yaml.org,2002:")
}

/// A tag that says no more than that the text is to be taken as it is.
fn is_unspecific(tag: &Tag) -> bool {
    let (handle, suffix) = tag.parts();
    format!("{handle}{suffix}") == "!"
}

fn known_tag(tag: Option<&Tag>, wanted: &str, place: Place) -> Result<(), DocumentError> {
    let known = tag.is_none_or(|tag| is_unspecific(tag) || core_tag(tag).is_some_and(|name| name == wanted));
    if known {
        Ok(())
    } else {
        Err(DocumentError::Tag { place })
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    place: Place,
) -> Result<(Value, Option<Turned>), DocumentError> {
    let as_text = || Ok((Value::String(text.to_owned()), None));
    let meaning = match tag {
        None if style == ScalarStyle::Plain => resolve(text),
        None => return as_text(),
        Some(tag) if is_unspecific(tag) => return as_text(),
        Some(tag) => match (core_tag(tag).as_deref(), resolve(text)) {
            (Some("str" | "timestamp"), _) => return as_text(),
            (Some("binary"), _) => return binary(text, place).map(|text| (Value::String(text), None)),
            (Some("null"), Scalar::Null) => Scalar::Null,
            (Some("bool"), Scalar::Bool(truth)) => Scalar::Bool(truth),
            (Some("int"), number @ (Scalar::Int(_) | Scalar::Uint(_))) => number,
            (Some("float"), number @ (Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_))) => number,
            _ => return Err(DocumentError::Tag { place }),
        },
    };
    let (value, typed, read_as) = match meaning {
        Scalar::Text => return as_text(),
        Scalar::Null => (Value::Null, Typed::Null, String::new()),
        Scalar::Bool(truth) => (Value::Bool(truth), Typed::Bool, truth.to_string()),
        Scalar::Int(number) => (Value::from(number), Typed::Int, number.to_string()),
        Scalar::Uint(number) => (Value::from(number), Typed::Int, number.to_string()),
        Scalar::Float(number) => {
            let value = json_number(number).ok_or(DocumentError::NotFinite { place })?;
            (Value::Number(value), Typed::Float, go_float::single(number))
        }
    };
    let kept = (read_as == text).then(|| Zeroizing::new(read_as));
    Ok((value, Some(Turned { typed, text: kept })))
}

/// A float as Go writes it in JSON: without a fraction when it is whole, so that it still fits an integer's field.
fn json_number(number: f64) -> Option<Number> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole and below 2^53, so the cast is exact"
    )]
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

/// `!!binary`: base64 of text, line breaks allowed. Go reads it as the text that it stands for.
fn binary(text: &str, place: Place) -> Result<String, DocumentError> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().filter(|b| !b.is_ascii_whitespace()).collect());
    let bytes = STANDARD
        .decode(digits.as_slice())
        .map_err(|_| DocumentError::Tag { place })?;
    String::from_utf8(bytes).map_err(|_| DocumentError::Tag { place })
}

/// The parser's verdict in words that hold nothing of the source.
fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "a tab where only spaces may stand",
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => "a quote is not closed",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd => "a bracket or a comma is missing or misplaced",
        ErrorKind::UnexpectedEof | ErrorKind::UnexpectedEofBlockSequence | ErrorKind::UnexpectedEofBlockMapping => {
            "it ends too early"
        }
        ErrorKind::UnknownAnchor => "an alias names an anchor that is not there",
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey | ErrorKind::ExpectedBlockMappingKey => {
            "a `key: value` line is wanted here"
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a second `: ` in a line; put the value in quotes"
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingKeyNotAllowed => "the indentation does not fit the lines above",
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate => "an unknown escape after a backslash",
        ErrorKind::UnexpectedCharacter { .. } => "a character that may not stand here; put the value in quotes",
        ErrorKind::BomInsideDocument => "a byte-order mark inside a document",
        _ => "it breaks the rules of YAML",
    }
}
