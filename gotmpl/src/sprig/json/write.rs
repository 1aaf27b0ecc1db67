//! Values → JSON.

use crate::context::Context;
use crate::function::FuncError;
use crate::sprig::dates::Time;
use crate::sprig::runes::{push, runes};
use crate::types::Kind;
use crate::value::{Object, Value};

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// On one line, with `<`, `>` and `&` escaped.
    Compact,
    /// Indented by two spaces, escaped as well.
    Pretty,
    /// On one line, without escapes for HTML.
    Raw,
}

/// # Errors
/// [`FuncError::Failed`] for what JSON cannot say (NaN, complex numbers), and limits.
pub(super) fn write(context: &mut Context<'_>, value: &Value, style: Style) -> Result<Vec<u8>, FuncError> {
    let mut writer = Writer {
        context,
        out: Vec::new(),
        style,
        indent: 0,
    };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer<'w, 'c> {
    context: &'w mut Context<'c>,
    out: Vec<u8>,
    style: Style,
    indent: usize,
}

const UNSUPPORTED: FuncError = FuncError::Failed("JSON has no such value");

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), FuncError> {
        self.context.step()?;
        match value {
            Value::NoValue | Value::Nil => self.add(b"null"),
            Value::Bool(value) => self.add(if *value { b"true" } else { b"false" }),
            Value::Float64(value) => self.float(*value),
            Value::Complex128(..) => Err(UNSUPPORTED),
            Value::String(text) => self.string(text),
            Value::List(list) if list.is_nil() => self.add(b"null"),
            Value::List(list) => self.nested(b"[", list.items().iter(), b"]", |writer, item| writer.value(item)),
            Value::Map(map) if map.is_nil() => self.add(b"null"),
            Value::Map(map) => self.nested(b"{", map.entries().iter(), b"}", |writer, (key, item)| {
                writer.entry(key, item)
            }),
            Value::Object(object) => self.object(object.as_ref()),
            number => {
                let number = number.integer().ok_or(UNSUPPORTED)?;
                self.add(number.to_string().as_bytes())
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), FuncError> {
        self.context.grow(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn nested<T>(
        &mut self,
        open: &[u8],
        items: impl ExactSizeIterator<Item = T>,
        close: &[u8],
        mut each: impl FnMut(&mut Self, T) -> Result<(), FuncError>,
    ) -> Result<(), FuncError> {
        self.add(open)?;
        let empty = items.len() == 0;
        self.indent += 1;
        // The depth that a value may have is that of the context, which Writer holds; so it is counted here by hand.
        if self.indent > MAX_DEPTH {
            return Err(crate::context::Limit::Depth.into());
        }
        for (number, item) in items.enumerate() {
            if number > 0 {
                self.add(b",")?;
            }
            self.new_line()?;
            each(self, item)?;
        }
        self.indent -= 1;
        if !empty {
            self.new_line()?;
        }
        self.add(close)
    }

    fn new_line(&mut self) -> Result<(), FuncError> {
        if self.style != Style::Pretty {
            return Ok(());
        }
        let pad = "  ".repeat(self.indent);
        self.add(b"\n")?;
        self.add(pad.as_bytes())
    }

    fn entry(&mut self, key: &[u8], item: &Value) -> Result<(), FuncError> {
        self.string(key)?;
        self.add(if self.style == Style::Pretty { b": " } else { b":" })?;
        self.value(item)
    }

    fn object(&mut self, object: &dyn Object) -> Result<(), FuncError> {
        self.context.steps(OBJECT)?;
        if let Some(time) = object.as_any().downcast_ref::<Time>() {
            let shown = time.to_json().ok_or(UNSUPPORTED)?;
            return self.string(shown.as_bytes());
        }
        if let Some(number) = object.integer() {
            return self.add(number.to_string().as_bytes());
        }
        match object.text() {
            Some(text) if object.go_type().kind == Kind::Pointer || object.fields().is_empty() => self.string(&text),
            _ => self.nested(b"{", object.fields().into_iter(), b"}", |writer, (name, item)| {
                writer.entry(name.as_bytes(), &item)
            }),
        }
    }

    /// The shortest digits, with an exponent where the number is very small or large.
    fn float(&mut self, value: f64) -> Result<(), FuncError> {
        if !value.is_finite() {
            return Err(UNSUPPORTED);
        }
        let size = value.abs();
        if size == 0.0 || (1e-6..1e21).contains(&size) {
            return self.add(value.to_string().as_bytes());
        }
        let shown = format!("{value:e}");
        let shown = if size >= 1.0 { shown.replace('e', "e+") } else { shown };
        self.add(shown.as_bytes())
    }

    fn string(&mut self, text: &[u8]) -> Result<(), FuncError> {
        let html = self.style != Style::Raw;
        // An escape takes up to six bytes, and what grows is there twice while it moves.
        self.context.room(text.len().saturating_mul(18))?;
        self.context.grow(text.len())?;
        self.context.steps(text.len() as u64 / BYTES_A_STEP)?;
        let before = self.out.len();
        self.out.push(b'"');
        for rune in runes(text) {
            match rune.char {
                '"' => self.out.extend(b"\\\""),
                '\\' => self.out.extend(b"\\\\"),
                '\n' => self.out.extend(b"\\n"),
                '\r' => self.out.extend(b"\\r"),
                '\t' => self.out.extend(b"\\t"),
                '\u{8}' => self.out.extend(b"\\b"),
                '\u{c}' => self.out.extend(b"\\f"),
                '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => self.escape(rune.char),
                '<' | '>' | '&' if html => self.escape(rune.char),
                char::REPLACEMENT_CHARACTER if rune.width == 1 => self.out.extend(b"\\ufffd"),
                char => push(&mut self.out, char),
            }
        }
        self.out.push(b'"');
        self.context
            .grow((self.out.len() - before).saturating_sub(text.len()))?;
        Ok(())
    }

    fn escape(&mut self, char: char) {
        let digit = |shift: u32| char::from_digit(u32::from(char) >> shift & 15, 16).unwrap_or('0') as u8;
        self.out.extend([b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
    }
}

/// Steps for an object, whose text is made first: a time has its zone looked up.
const OBJECT: u64 = 10;

/// Texts are read rune by rune.
const BYTES_A_STEP: u64 = 16;

/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 200;
