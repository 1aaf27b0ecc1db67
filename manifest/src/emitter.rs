//! Writes the text of a YAML document by the rules of Go's `yaml.v2` emitter, so that the same object gives the same
//! bytes: which style a scalar gets, and how each style is written.

use std::fmt::Write;

use super::resolve::{Scalar, is_timestamp, resolve};

/// Lines are folded at the first single space beyond this column.
const WIDTH: usize = 80;
/// Keys longer than this, in bytes, are written with `?`.
const LONGEST_SIMPLE_KEY: usize = 128;

/// The text so far.
pub(super) struct Text {
    out: String,
    /// Characters on the current line.
    column: usize,
}

/// A scalar that must fit on one line, in the style that Go chooses for it.
pub(super) fn one_line(content: &str) -> String {
    let mut text = Text::empty();
    // Keys are not folded, and have no block style.
    text.scalar(content, 0, true);
    text.out
}

/// A scalar in double quotes, on one line.
pub(super) fn double_quoted(content: &str) -> String {
    let mut text = Text::empty();
    text.double_quoted(content, 0, false);
    text.out
}

/// A scalar without control characters in single quotes, on one line.
pub(super) fn single_quoted(content: &str) -> String {
    format!("'{}'", content.replace('\'', "''"))
}

/// Whether a text of several lines can be written as a literal block.
pub(super) fn fits_literal(content: &str) -> bool {
    style(content, false) == Style::Literal
}

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

impl Text {
    pub(super) fn new() -> Text {
        Text {
            out: "---\n".to_owned(),
            column: 0,
        }
    }

    fn empty() -> Text {
        Text {
            out: String::new(),
            column: 0,
        }
    }

    pub(super) fn into_document(self) -> String {
        self.out
    }

    /// Ends the current line, if it is not empty.
    pub(super) fn end_line(&mut self) {
        if self.column > 0 {
            self.put('\n');
        }
    }

    /// Moves to the column of a key or a dash: on a new line, or after the dash of the current one.
    pub(super) fn begin_entry(&mut self, indent: usize, inline: bool) {
        if !inline {
            self.end_line();
        }
        while self.column < indent {
            self.put(' ');
        }
    }

    /// A word of YAML's own, after a space where one is needed.
    pub(super) fn word(&mut self, word: &str) {
        self.space();
        word.chars().for_each(|c| self.put(c));
    }

    pub(super) fn colon(&mut self) {
        self.put(':');
    }

    /// Whether a key can stand before its colon on one line.
    pub(super) fn is_simple_key(key: &str) -> bool {
        key.len() <= LONGEST_SIMPLE_KEY && !key.contains(is_break)
    }

    /// A text, with continuation lines at the column `indent`. A key before its colon stays on one line.
    pub(super) fn scalar(&mut self, content: &str, indent: usize, is_key: bool) {
        match style(content, is_key) {
            Style::Plain => {
                self.space();
                self.folded(content, indent, !is_key, |text, c| text.put(c));
            }
            Style::Single => {
                self.word("'");
                self.folded(content, indent, !is_key, |text, c| {
                    if c == '\'' {
                        text.put('\'');
                    }
                    text.put(c);
                });
                self.put('\'');
            }
            Style::Double => self.double_quoted(content, indent, !is_key),
            Style::Literal => self.literal(content, indent),
        }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    fn space(&mut self) {
        if self.column > 0 && !self.out.ends_with(' ') {
            self.put(' ');
        }
    }

    fn new_line(&mut self, indent: usize) {
        self.put('\n');
        while self.column < indent {
            self.put(' ');
        }
    }

    /// One line of text, folded at single spaces inside it.
    fn folded(&mut self, content: &str, indent: usize, folds: bool, put: impl Fn(&mut Text, char)) {
        if is_word(content) {
            self.out.push_str(content);
            self.column += content.len();
            return;
        }
        let mut after_space = true;
        let mut chars = content.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek();
            if c == ' ' && folds && !after_space && self.column > WIDTH && next.is_some_and(|next| *next != ' ') {
                self.new_line(indent);
            } else {
                put(self, c);
            }
            after_space = c == ' ';
        }
    }

    fn double_quoted(&mut self, content: &str, indent: usize, folds: bool) {
        self.word("\"");
        let mut after_space = true;
        let mut chars = content.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek();
            if c == ' ' && folds && !after_space && self.column > WIDTH && next.is_some() {
                self.new_line(indent);
                // A leading space would read as indentation.
                if next == Some(&' ') {
                    self.put('\\');
                }
            } else if c == '"' || c == '\\' || !is_printable(c) || is_break(c) {
                self.escape(c);
            } else {
                self.put(c);
            }
            after_space = c == ' ';
        }
        self.put('"');
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let before = self.out.len();
                // Writing to a String cannot fail.
                let _ = match code {
                    0..=0xFF => write!(self.out, "\\x{code:02X}"),
                    0x100..=0xFFFF => write!(self.out, "\\u{code:04X}"),
                    _ => write!(self.out, "\\U{code:08X}"),
                };
                self.column += self.out.len() - before;
                return;
            }
        };
        self.put('\\');
        self.put(short);
    }

    /// `|` with what it needs to keep the first line's spaces and the last lines' breaks.
    fn literal(&mut self, content: &str, indent: usize) {
        self.word("|");
        if content.starts_with([' ', '\n']) {
            self.put('2');
        }
        match content.strip_suffix('\n') {
            None => self.put('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.put('+'),
            Some(_) => {}
        }
        self.put('\n');
        for line in content.strip_suffix('\n').unwrap_or(content).split('\n') {
            if !line.is_empty() {
                while self.column < indent {
                    self.put(' ');
                }
                line.chars().for_each(|c| self.put(c));
            }
            self.put('\n');
        }
        if !content.ends_with('\n') {
            // The next entry, or the end of the document, brings the break.
            self.out.pop();
            self.column = 1;
        }
    }
}

/// The style that Go picks. Where it would write U+0085, U+2028 or U+2029 as they are, the text is escaped instead:
/// YAML 1.1 takes them for line breaks and YAML 1.2 does not.
fn style(content: &str, is_key: bool) -> Style {
    if content.is_empty() {
        return Style::Double;
    }
    let traits = Traits::of(content);
    if content.contains('\n') {
        let fits = !traits.special && !traits.ends_with_space && !traits.space_before_break;
        return if fits && !is_key { Style::Literal } else { Style::Double };
    }
    if resolve(content) != Scalar::Text || content == "<<" || is_timestamp(content) || is_base_60(content) {
        return Style::Double;
    }
    if traits.special {
        return Style::Double;
    }
    if traits.indicators || content.starts_with(' ') || traits.ends_with_space {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Properties of a text that exclude a style.
struct Traits {
    /// A character that can only be written escaped.
    special: bool,
    /// A character that has a meaning in a plain scalar.
    indicators: bool,
    ends_with_space: bool,
    /// A space right before a line break.
    space_before_break: bool,
}

impl Traits {
    fn of(content: &str) -> Traits {
        let mut indicators = content.starts_with("---") || content.starts_with("...");
        if is_word(content) {
            return Traits {
                special: false,
                indicators,
                ends_with_space: false,
                space_before_break: false,
            };
        }
        let mut before = None;
        let mut chars = content.chars().peekable();
        while let Some(c) = chars.next() {
            let blank_after = chars.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match (before, c) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
                ) => true,
                (None, '?' | '-') | (_, ':') => blank_after,
                (Some(before), '#') => matches!(before, ' ' | '\t' | '\0') || is_break(before),
                _ => false,
            };
            before = Some(c);
        }
        Traits {
            special: content.chars().any(|c| c != '\n' && (!is_printable(c) || is_break(c))),
            indicators,
            ends_with_space: content.ends_with(' '),
            space_before_break: content.contains(" \n"),
        }
    }
}

/// Whether there are only letters, digits and characters without a meaning anywhere in YAML. Sealed objects mostly
/// consist of such texts (base64), which need no further analysis.
fn is_word(content: &str) -> bool {
    content
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'.' | b'_'))
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The characters that Go's emitter writes as they are: the Basic Multilingual Plane without controls, marks of byte
/// order and non-characters.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// YAML 1.1's numbers to the base 60 (`190:20:30`), which Go does not read as such but quotes for others.
fn is_base_60(content: &str) -> bool {
    let unsigned = content.strip_prefix(['+', '-']).unwrap_or(content);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let first = parts
        .next()
        .is_some_and(|first| first.starts_with(|c: char| c.is_ascii_digit()) && digits(first));
    let rest: Vec<&str> = parts.collect();
    let sixtieth = |part: &&str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    first && !rest.is_empty() && rest.iter().all(sixtieth) && digits(fraction)
}
