//! Documents as text, in the form that the reference writes: JSON as Go's `encoding/json`, YAML as Go's `yaml.v2`.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use serde_json::{Map, Value};

use super::emitter::Text;
use super::{go_float, key_order, wipe};

/// A value that cannot be written: its `Serialize` failed, or a key is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this object cannot be written as JSON or YAML")]
pub struct EmitError;

/// `value` as JSON with two spaces of indentation and a line break at the end. Fields stand in the order in which
/// `value` serialises them.
///
/// # Errors
/// [`EmitError`].
pub fn to_json(value: &impl Serialize) -> Result<String, EmitError> {
    let mut text = json(value, PrettyFormatter::with_indent(b"  "))?;
    text.push('\n');
    Ok(text)
}

/// `value` as JSON on one line, without a line break at the end.
///
/// # Errors
/// [`EmitError`].
pub fn to_json_compact(value: &impl Serialize) -> Result<String, EmitError> {
    json(value, CompactFormatter)
}

fn json(value: &impl Serialize, layout: impl Formatter) -> Result<String, EmitError> {
    let mut bytes = Vec::new();
    value
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut bytes,
            GoEscapes(layout),
        ))
        .map_err(|_| EmitError)?;
    String::from_utf8(bytes).map_err(|_| EmitError)
}

/// Escapes what Go escapes beyond the rules of JSON, so that the text can stand in HTML and in JavaScript.
struct GoEscapes<F>(F);

impl<F: Formatter> Formatter for GoEscapes<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, special)) = rest
            .char_indices()
            .find(|(_, c)| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'))
        {
            let (plain, tail) = rest.split_at(at);
            write!(writer, "{plain}\\u{:04x}", u32::from(special))?;
            rest = tail.strip_prefix(special).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// `value` as one YAML document: `---`, then block style with sorted keys, and a line break at the end. Text without
/// spaces, such as base64, is never folded; Go's readers, and readers of YAML 1.2, read every text back as it was.
///
/// # Errors
/// [`EmitError`].
pub fn to_yaml(value: &impl Serialize) -> Result<String, EmitError> {
    let value = serde_json::to_value(value).map_err(|_| EmitError)?;
    let mut text = Text::new();
    node(
        &mut text,
        &value,
        Position {
            indent: 0,
            inline: true,
            in_map: false,
        },
    );
    text.end_line();
    wipe(value);
    Ok(text.into_document())
}

/// Where a node is written.
#[derive(Clone, Copy)]
struct Position {
    /// The column of the keys or dashes of a collection that begins here.
    indent: usize,
    /// Whether a collection begins on the current line, after `- `.
    inline: bool,
    /// Whether this is the value of a plain `key:`; the dashes of a sequence then stand under the key.
    in_map: bool,
}

fn node(text: &mut Text, value: &Value, at: Position) {
    match value {
        Value::Object(entries) if entries.is_empty() => text.word("{}"),
        Value::Array(items) if items.is_empty() => text.word("[]"),
        Value::Object(entries) => mapping(text, entries, at),
        Value::Array(items) => sequence(text, items, at),
        Value::Null => text.word("null"),
        Value::Bool(true) => text.word("true"),
        Value::Bool(false) => text.word("false"),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => text.word(&go_float::double(float)),
            None => text.word(&number.to_string()),
        },
        // The lines of a text are indented one step more than their collection.
        Value::String(content) => text.scalar(content, at.indent, false),
    }
}

fn mapping(text: &mut Text, entries: &Map<String, Value>, at: Position) {
    for (position, key) in key_order::sorted(entries.keys()).into_iter().enumerate() {
        let Some(value) = entries.get(key) else { continue };
        text.begin_entry(at.indent, at.inline && position == 0);
        let inner = if Text::is_simple_key(key) {
            text.scalar(key, at.indent + 2, true);
            text.colon();
            Position {
                indent: at.indent + 2,
                inline: false,
                in_map: true,
            }
        } else {
            text.word("?");
            text.scalar(key, at.indent + 2, false);
            text.begin_entry(at.indent, false);
            text.word(":");
            Position {
                indent: at.indent + 2,
                inline: true,
                in_map: false,
            }
        };
        node(text, value, inner);
    }
}

fn sequence(text: &mut Text, items: &[Value], at: Position) {
    let indent = if at.in_map { at.indent - 2 } else { at.indent };
    for (position, item) in items.iter().enumerate() {
        text.begin_entry(indent, at.inline && position == 0);
        text.word("-");
        node(
            text,
            item,
            Position {
                indent: indent + 2,
                inline: true,
                in_map: false,
            },
        );
    }
}
