//! Formats new texts and entries for their position.

use super::super::cst::Style;
use super::super::{Format, emitter};
use super::source::Page;

/// A scalar on one line, quoted like `like` where possible.
pub(super) fn scalar(page: Page<'_>, text: &str, like: &Style, flow: bool) -> String {
    if page.format == Format::Json {
        return json(text);
    }
    match like {
        Style::Double => emitter::double_quoted(text),
        Style::Single if !text.chars().any(char::is_control) => emitter::single_quoted(text),
        _ => plain(text, flow),
    }
}

/// Plain where readers of YAML 1.1 and 1.2 read the same text.
fn plain(text: &str, flow: bool) -> String {
    let written = emitter::one_line(text);
    let is_bare = written == text;
    // Inside brackets more characters have a meaning.
    if is_bare && flow && text.contains([',', '[', ']', '{', '}']) {
        emitter::double_quoted(text)
    } else {
        written
    }
}

fn json(text: &str) -> String {
    // A text can always be written as JSON.
    super::super::emit::to_json_compact(&text).unwrap_or_default()
}

fn value(page: Page<'_>, text: Option<&str>, like: &Style, flow: bool) -> String {
    text.map_or_else(|| "null".to_owned(), |text| scalar(page, text, like, flow))
}

/// Several lines as a literal block at the column `indent`, and its header with the chomping indicator. `None` for a
/// text that a literal block cannot hold.
pub(super) fn literal(text: &str, indent: usize, line_break: &str) -> Option<(&'static str, String)> {
    if !emitter::fits_literal(text) || text.starts_with([' ', '\n']) {
        return None;
    }
    let (header, lines) = match text.strip_suffix('\n') {
        None => ("|-", text),
        Some(lines) if lines.ends_with('\n') => return None,
        Some(lines) => ("|", lines),
    };
    let mut block = String::new();
    for line in lines.split('\n') {
        block.push_str(line_break);
        if !line.is_empty() {
            block.push_str(&" ".repeat(indent));
            block.push_str(line);
        }
    }
    Some((header, block))
}

/// Whether a text can be the one line of a block scalar.
pub(super) fn fits_block_line(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(' ') && emitter::fits_literal(&format!("{text}\n"))
}

/// Position of the lines of a block map.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// The column of the keys.
    pub(super) column: usize,
    /// Additional indentation of each nested map.
    pub(super) step: usize,
    pub(super) line_break: &'static str,
}

/// The lines of the entry at `path`, without the first line's indentation and the last line's break.
pub(super) fn block_entry(page: Page<'_>, path: &[String], text: Option<&str>, at: Block) -> String {
    let mut lines = String::new();
    let mut column = at.column;
    for (depth, step) in path.iter().enumerate() {
        if depth > 0 {
            column += at.step;
            lines.push_str(at.line_break);
            lines.push_str(&" ".repeat(column));
        }
        lines.push_str(&scalar(page, step, &Style::Plain, false));
        lines.push(':');
    }
    lines.push(' ');
    let block = text
        .filter(|text| text.contains('\n'))
        .and_then(|text| literal(text, column + at.step, at.line_break));
    match block {
        Some((header, block)) => lines + header + &block,
        None => lines + &value(page, text, &Style::Plain, false),
    }
}

/// Style of the entries of a flow map.
pub(super) struct Flow<'t> {
    /// The quotes of keys and values.
    pub(super) like: Style,
    /// The text after a colon.
    pub(super) gap: &'static str,
    /// For entries on lines of their own: the indentation of a line, and the additional indentation of each nested one.
    pub(super) lines: Option<(&'t str, &'t str, &'static str)>,
}

/// The entry at `path`, without a comma.
pub(super) fn flow_entry(page: Page<'_>, path: &[String], text: Option<&str>, flow: &Flow<'_>) -> String {
    nested(page, path, text, flow, 0)
}

/// A map in brackets, as the value of an entry of the flow, with the entry at `path` in it.
pub(super) fn flow_map(page: Page<'_>, path: &[String], text: Option<&str>, flow: &Flow<'_>) -> String {
    brackets(&nested(page, path, text, flow, 1), flow, 0)
}

/// The entry at `path`, its own line `depth` steps deeper than the flow's.
fn nested(page: Page<'_>, path: &[String], text: Option<&str>, flow: &Flow<'_>, depth: usize) -> String {
    let Some((step, rest)) = path.split_first() else {
        return String::new();
    };
    let value = if rest.is_empty() {
        value(page, text, &flow.like, true)
    } else {
        brackets(&nested(page, rest, text, flow, depth + 1), flow, depth)
    };
    format!("{}:{}{value}", scalar(page, step, &flow.like, true), flow.gap)
}

/// A map in brackets that holds one entry, its last line `depth` steps deeper than the flow's.
fn brackets(entry: &str, flow: &Flow<'_>, depth: usize) -> String {
    match flow.lines {
        None => format!("{{{entry}}}"),
        Some((indentation, unit, line_break)) => {
            let outer = format!("{line_break}{indentation}{}", unit.repeat(depth));
            format!("{{{outer}{unit}{entry}{outer}}}")
        }
    }
}
