//! YAML: parser events → values with marks. Checks duplicate keys, depth and growth by aliases.

mod items;
mod kinds;
mod mapping;
mod reason;
mod scalar;

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::Value;
use zeroize::Zeroizing;

use super::budget::{Budget, ENTRY, ITEM, MAP};
use super::error::{DocumentError, Place, Spot};
use super::found::{Broken, Found, Others, Sink, only};
use super::source_map::{Entry, Mark, Placed, Turned};
use super::{Format, MAX_DEPTH, may_hold_kind, wipe};
pub(super) use items::read_without_broken;
pub(super) use kinds::foreign_kind;
use mapping::{Mapping, is_merge_key};
use reason::reason;
use scalar::{known_tag, scalar};

/// Limit for copies by anchors and aliases in one source: bytes of text, plus [`NODE_WEIGHT`] for each node. A
/// Kubernetes object is at most 1.5 MiB.
const MAX_COPIED: usize = 4 << 20;
/// Weight of a node without its text.
const NODE_WEIGHT: usize = 64;

/// Passes the documents of `text` that are not empty to `sink`. `documents_before` precede it in the source.
pub(super) fn read(
    text: &str,
    documents_before: usize,
    others: Others,
    budget: &Budget,
    sink: &mut Sink<'_>,
) -> Result<(), DocumentError> {
    check_line_breaks(text, documents_before, others)?;
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
        budget,
        index: documents_before,
        inside: false,
        start: None,
        others,
    };
    reader.documents(sink)
}

/// The kinds of this project's objects.
const OURS: [&str; 2] = ["Secret", "SealedSecret"];

/// Checks that readers of YAML 1.1 and 1.2 agree on line ends, where the text may contain an object of this project.
fn check_line_breaks(text: &str, documents_before: usize, others: Others) -> Result<(), DocumentError> {
    let Some((at, character)) = text
        .char_indices()
        .find(|(_, character)| matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}'))
    else {
        return Ok(());
    };
    if others == Others::Passed && !may_hold_kind(text, &OURS) {
        return Ok(());
    }
    let lines = || text.get(..at).unwrap_or_default().split('\n');
    let documents = lines().skip(1).filter(|line| line.starts_with("---")).count();
    let spot = Spot {
        line: lines().count(),
        column: lines().next_back().map_or(0, |line| line.chars().count()) + 1,
    };
    Err(DocumentError::LineBreak {
        place: Place::new(documents_before + documents + 1, spot),
        character,
    })
}

/// A key's text as a reader of the map gets it: `on` is `true`. `None` for a node that cannot be a key.
pub(super) fn key_text(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<String> {
    let place = Place::new(0, Spot { line: 0, column: 0 });
    match scalar(text, style, tag, place).ok()? {
        (Value::String(text), _) => Some(text),
        (_, turned) => Some(turned?.text.to_string()),
    }
}

struct Reader<'s> {
    text: &'s str,
    events: Parser<'s, StrInput<'s>>,
    /// The finished nodes of this document that have an anchor.
    anchors: HashMap<usize, Built>,
    /// Counts towards [`MAX_COPIED`].
    copied: usize,
    budget: &'s Budget,
    /// The number of the current document, from 1.
    index: usize,
    /// Whether that document has begun and not yet ended.
    inside: bool,
    /// Its start, in bytes.
    start: Option<usize>,
    others: Others,
}

/// A finished node, its weight, the memory that it takes, and its height (1 for a scalar).
#[derive(Clone)]
struct Built {
    placed: Placed,
    weight: usize,
    memory: usize,
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
            mark: std::mem::replace(&mut self.placed.mark, Mark::leaf(Spot { line: 0, column: 0 }, None)),
        }
    }
}

impl<'s> Reader<'s> {
    fn documents(&mut self, sink: &mut Sink<'_>) -> Result<(), DocumentError> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) => {
                    self.index += 1;
                    self.inside = true;
                    self.start = span.start.byte_offset();
                    self.anchors.clear();
                }
                Event::DocumentEnd => self.inside = false,
                Event::StreamStart | Event::StreamEnd => {}
                node => {
                    let begin = spot(&span.start);
                    let (placed, broken, broken_items) = match self.node(node, span, 1) {
                        Ok(built) => (built.into_placed(), None, Broken::new()),
                        Err(error) => self.without_broken(begin, error)?,
                    };
                    if !placed.value.is_null() {
                        sink(Found {
                            index: self.index,
                            format: Format::Yaml,
                            placed,
                            broken,
                            broken_items,
                        })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The stand-in for a document of another kind that breaks a rule, or whose items of other kinds do; moves the
    /// events past it.
    fn without_broken(
        &mut self,
        begin: Spot,
        error: DocumentError,
    ) -> Result<(Placed, Option<DocumentError>, Broken), DocumentError> {
        let start = self
            .start
            .filter(|_| self.others == Others::Passed && error.leaves_the_rest());
        let Some(rest) = start.and_then(|start| self.text.get(start..)) else {
            return Err(error);
        };
        let kind = foreign_kind(rest);
        let Some(end) = self.behind() else { return Err(error) };
        if let Some(kind) = kind {
            return Ok((Placed::only_kind(begin, kind), Some(error), Broken::new()));
        }
        let lines = self
            .text
            .get(..self.text.len() - rest.len())
            .unwrap_or_default()
            .matches('\n')
            .count();
        let own = self.text.get(self.text.len() - rest.len()..end).unwrap_or_default();
        let padded = Zeroizing::new("\n".repeat(lines) + own);
        self.budget.charge(2 * padded.len(), self.place(begin))?;
        let again = |text: &str| only(|sink| read(text, self.index - 1, Others::Refused, self.budget, sink));
        let (placed, broken) = read_without_broken(&padded, error.clone(), again).ok_or(error)?;
        Ok((placed, None, broken))
    }

    /// Skips the document; returns its end, in bytes.
    fn behind(&mut self) -> Option<usize> {
        loop {
            let (event, span) = self.events.next_event()?.ok()?;
            if event == Event::DocumentEnd {
                self.inside = false;
                return span.start.byte_offset();
            }
        }
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
            place: self.place(Spot {
                line: 1 + self.text.bytes().filter(|b| *b == b'\n').count(),
                column: 1,
            }),
            format: Format::Yaml,
            reason: "it ends too early".to_owned(),
        })
    }

    fn place(&self, spot: Spot) -> Place {
        let document = if self.inside { self.index } else { self.index + 1 };
        Place::new(document, spot)
    }

    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Built, DocumentError> {
        let spot = spot(&span.start);
        let place = self.place(spot);
        if depth > MAX_DEPTH {
            return Err(DocumentError::TooDeep { place });
        }
        let (anchor, built) = match event {
            Event::Alias(id) => return self.alias(id, depth, place),
            Event::Scalar(text, style, anchor, tag) => {
                // The parser reports an absent value as `~`.
                let left_out = style == ScalarStyle::Plain && text == "~" && span.slice(self.text) != Some("~");
                let text = if left_out { "" } else { text.as_ref() };
                let (value, turned) = scalar(text, style, tag.as_deref(), place)?;
                let weight = NODE_WEIGHT + text.len();
                self.budget.charge(text.len(), place)?;
                (
                    anchor,
                    Built {
                        placed: Placed {
                            value,
                            mark: Mark::leaf(spot, turned),
                        },
                        weight,
                        memory: text.len(),
                        height: 1,
                    },
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                known_tag(tag.as_deref(), "seq", place)?;
                (anchor, self.sequence(spot, depth)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                known_tag(tag.as_deref(), "map", place)?;
                (anchor, self.mapping(spot, depth)?)
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
            self.budget.charge(ENTRY + built.memory, place)?;
            self.anchors.insert(anchor, built.clone());
        }
        Ok(built)
    }

    fn alias(&mut self, id: usize, depth: usize, place: Place) -> Result<Built, DocumentError> {
        let target = self.anchors.get(&id);
        let Some((weight, memory, height)) = target.map(|target| (target.weight, target.memory, target.height)) else {
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
        self.budget.charge(memory, place)?;
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

    fn sequence(&mut self, spot: Spot, depth: usize) -> Result<Built, DocumentError> {
        let (mut values, mut marks) = (Vec::new(), Vec::new());
        let (mut weight, mut memory, mut height) = (NODE_WEIGHT, 0, 0);
        loop {
            let (event, span) = self.expect()?;
            if event == Event::SequenceEnd {
                break;
            }
            let place = self.place(spot);
            let item = self.node(event, span, depth + 1)?;
            self.budget.charge(ITEM, place)?;
            weight += item.weight;
            memory += ITEM + item.memory;
            height = height.max(item.height);
            let Placed { value, mark } = item.into_placed();
            values.push(value);
            marks.push(mark);
        }
        Ok(Built {
            placed: Placed::list(spot, values, marks),
            weight,
            memory,
            height: height + 1,
        })
    }

    fn mapping(&mut self, begin: Spot, depth: usize) -> Result<Built, DocumentError> {
        let mut map = Mapping::default();
        let (mut weight, mut memory, mut height) = (NODE_WEIGHT, 0, 0);
        loop {
            let (event, span) = self.expect()?;
            if event == Event::MappingEnd {
                break;
            }
            let key_spot = spot(&span.start);
            let place = self.place(key_spot);
            let is_merge = is_merge_key(&event);
            let key = if is_merge { None } else { Some(self.key(event, span)?) };
            let (event, span) = self.expect()?;
            let value = self.node(event, span, depth + 1)?;
            let key_length = key.as_ref().map_or(0, |(key, _)| key.len());
            let taken = ENTRY + 2 * key_length + if memory == 0 { MAP } else { 0 };
            self.budget.charge(taken, place)?;
            weight += NODE_WEIGHT + value.weight + key_length;
            memory += taken + value.memory;
            height = height.max(value.height);
            match key {
                Some((key, key_turned)) => {
                    let Placed { value, mark } = value.into_placed();
                    map.put(
                        key,
                        value,
                        Entry {
                            key_spot,
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
            placed: map.finish(begin),
            weight,
            memory,
            height: height + 1,
        })
    }

    /// The text of a key. Go turns a number or a boolean into text here.
    fn key(&mut self, event: Event<'s>, span: Span) -> Result<(String, Option<Turned>), DocumentError> {
        let place = self.place(spot(&span.start));
        if !matches!(event, Event::Scalar(..) | Event::Alias(_)) {
            return Err(DocumentError::Key { place });
        }
        let built = self.node(event, span, MAX_DEPTH)?;
        let Placed { value, mark } = built.into_placed();
        let key = match (&value, &mark.turned) {
            (Value::String(text), _) => text.clone(),
            (Value::Bool(_) | Value::Number(_), Some(turned)) => turned.text.to_string(),
            _ => {
                wipe(value);
                return Err(DocumentError::Key { place });
            }
        };
        wipe(value);
        Ok((key, mark.turned))
    }

    fn broken(&self, error: &ScanError) -> DocumentError {
        let place = self.place(spot(error.marker()));
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

/// The parser counts columns from 0.
fn spot(marker: &Marker) -> Spot {
    Spot {
        line: marker.line(),
        column: marker.col() + 1,
    }
}
