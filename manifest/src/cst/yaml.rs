//! Nodes of YAML documents: the parser's events with their spans, and what the spans do not contain (the colon, the
//! header of a block scalar).

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use super::super::yaml::key_text;
use super::super::{Format, MAX_DEPTH};
use super::{Entry, Form, Map, Node, Style, Tree};

/// Adds the nodes of the documents of `text` from the offset `from` on; `documents_before` precede it.
pub(super) fn trees(text: &str, from: usize, documents_before: usize, trees: &mut Vec<Tree>) -> Option<()> {
    let part = text.get(from..)?;
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut walk = Walk {
        text,
        from,
        events: Parser::new_from_str_with_options(part, options),
    };
    let mut index = documents_before;
    while let Some(next) = walk.events.next_event() {
        let (event, span) = next.ok()?;
        match event {
            Event::DocumentStart(..) => index += 1,
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            node => {
                let root = walk.node(&node, &span, 1)?;
                if !matches!(root.form, Form::Scalar(_)) {
                    let format = Format::Yaml;
                    trees.push(Tree { index, format, root });
                }
            }
        }
    }
    Some(())
}

struct Walk<'t> {
    text: &'t str,
    /// Base of the parser's offsets.
    from: usize,
    events: Parser<'t, StrInput<'t>>,
}

impl<'t> Walk<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.events.next_event()?.ok()
    }

    fn offsets(&self, span: &Span) -> Option<std::ops::Range<usize>> {
        Some(self.from + span.start.byte_offset()?..self.from + span.end.byte_offset()?)
    }

    fn node(&mut self, event: &Event<'t>, span: &Span, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut span = self.offsets(span)?;
        let form = match event {
            Event::Alias(_) => Form::Alias,
            Event::Scalar(text, style, _, _) => {
                let style = match style {
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block { header: 0..0 },
                    // The parser reports a missing value as `~`.
                    ScalarStyle::Plain if span.is_empty() && (text.is_empty() || text == "~") => Style::LeftOut,
                    _ => Style::Plain,
                };
                Form::Scalar(style)
            }
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                loop {
                    let (event, item_span) = self.next()?;
                    if event == Event::SequenceEnd {
                        self.close(&mut span, &item_span, *style, items.last())?;
                        break Form::List(items);
                    }
                    items.push(self.node(&event, &item_span, depth + 1)?);
                }
            }
            Event::MappingStart(style, ..) => {
                let mut entries: Vec<Entry> = Vec::new();
                loop {
                    let (event, key_span) = self.next()?;
                    if event == Event::MappingEnd {
                        self.close(&mut span, &key_span, *style, entries.last().map(|entry| &entry.value))?;
                        let flow = *style == StructureStyle::Flow;
                        break Form::Map(Map { flow, entries });
                    }
                    entries.push(self.entry(&event, &key_span, depth)?);
                }
            }
            _ => return None,
        };
        if let (Form::Map(Map { flow: false, entries }), Some(first)) = (&form, first_start(&form)) {
            span.start = first.min(span.start);
            debug_assert!(!entries.is_empty());
        }
        Some(Node { span, form })
    }

    /// The end of a collection: its bracket, or the end of its last node.
    fn close(
        &self,
        span: &mut std::ops::Range<usize>,
        end: &Span,
        style: StructureStyle,
        last: Option<&Node>,
    ) -> Option<()> {
        span.end = match last {
            Some(last) if style == StructureStyle::Block => last.span.end,
            _ => self.offsets(end)?.end,
        };
        Some(())
    }

    fn entry(&mut self, event: &Event<'t>, span: &Span, depth: usize) -> Option<Entry> {
        let key_node = self.node(event, span, depth + 1)?;
        let (key, key_style) = match (event, &key_node.form) {
            (Event::Scalar(text, ScalarStyle::Plain, _, None), _) if text == "<<" => (None, Style::Plain),
            (Event::Scalar(text, typed, _, tag), Form::Scalar(style)) => {
                (key_text(text, *typed, tag.as_deref()), style.clone())
            }
            _ => (None, Style::Plain),
        };
        let behind_key = key_node.span.end;
        let (event, value_span) = self.next()?;
        let mut value = self.node(&event, &value_span, depth + 1)?;
        let mark = self.skip(behind_key);
        let colon = self.text.as_bytes().get(mark) == Some(&b':');
        let behind_colon = if colon { mark + 1 } else { behind_key };
        match &mut value.form {
            Form::Scalar(style @ Style::Block { .. }) => {
                let header = self.header(self.skip_properties(behind_colon))?;
                value.span = header.start..self.block_end(&header, value.span.clone())?;
                *style = Style::Block { header };
            }
            Form::Scalar(Style::LeftOut) => {
                let place = value.span.start.max(behind_colon);
                value.span = place..place;
            }
            _ => {}
        }
        Some(Entry {
            start: self.entry_start(key_node.span.start),
            key,
            key_span: key_node.span,
            key_style,
            colon,
            value,
        })
    }

    /// The `?` before a key, or the key.
    fn entry_start(&self, key: usize) -> usize {
        let before = self.text.get(..key).unwrap_or_default().trim_end_matches([' ', '\t']);
        match before.strip_suffix('?') {
            Some(rest) if before.len() < key && (rest.is_empty() || rest.ends_with([' ', '\t', '\n', '{', ','])) => {
                rest.len()
            }
            _ => key,
        }
    }

    /// The next offset that is not white space or in a comment.
    fn skip(&self, from: usize) -> usize {
        let mut at = from;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                Some(b'#') if at > from => {
                    let rest = self.text.get(at..).unwrap_or_default();
                    at += rest.find('\n').unwrap_or(rest.len());
                }
                _ => return at,
            }
        }
    }

    /// The next offset after white space, comments, anchors and tags.
    fn skip_properties(&self, from: usize) -> usize {
        let mut at = self.skip(from);
        while let Some(b'&' | b'!') = self.text.as_bytes().get(at) {
            let rest = self.text.get(at..).unwrap_or_default();
            at += rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
            at = self.skip(at);
        }
        at
    }

    /// `|` or `>` with the indicators after it.
    fn header(&self, at: usize) -> Option<std::ops::Range<usize>> {
        let signs = self.text.get(at..)?.strip_prefix(['|', '>'])?;
        let length = signs.find(|c: char| !matches!(c, '+' | '-' | '0'..='9'))?;
        Some(at..at + 1 + length)
    }

    /// The end of a block scalar's last line, without its line break.
    fn block_end(&self, header: &std::ops::Range<usize>, content: std::ops::Range<usize>) -> Option<usize> {
        let signs = self.text.get(header.clone())?;
        let raw = self.text.get(header.end..content.end.max(header.end))?;
        // The parser's span includes the indentation of the next node.
        let lines = raw.trim_end_matches([' ', '\t']);
        let kept = if signs.contains('+') {
            let line = lines.strip_suffix('\n').unwrap_or(lines);
            line.strip_suffix('\r').unwrap_or(line)
        } else {
            lines.trim_end_matches(['\r', '\n', ' ', '\t'])
        };
        // A scalar without lines ends with its header's line.
        Some(header.end + kept.len())
    }
}

fn first_start(form: &Form) -> Option<usize> {
    match form {
        Form::Map(map) => map.entries.first().map(|entry| entry.start),
        Form::Scalar(_) | Form::Alias | Form::List(_) => None,
    }
}
