//! One change → the splices of the text.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::Format;
use super::super::cst::{Entry, Form, Map, Node, Style};
use super::Change;
use super::error::Wrong;
use super::format::{self, Block, Flow};
use super::source::Page;

/// A replacement of one range of the text.
#[derive(Debug, PartialEq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

impl Splice {
    fn insertion(place: usize, with: String) -> Self {
        Self {
            range: place..place,
            with,
        }
    }
}

/// The result of one round in one document.
pub(super) struct Round {
    pub(super) splices: Vec<Splice>,
    /// Number of changes applied.
    pub(super) changes: usize,
}

/// The first changes that can be applied together: replacements of values, or one change of another kind.
pub(super) fn round<'c>(page: Page<'_>, root: &Node, changes: &'c [Change]) -> Result<Round, (Wrong, &'c [String])> {
    let mut splices = Vec::new();
    let mut replaced = BTreeSet::new();
    for change in changes {
        let way = Way::find(root, change.path()).map_err(|wrong| (wrong, change.path()))?;
        let replaces = matches!((change, &way), (Change::Set { .. }, Way::Entry { .. }));
        if !replaced.is_empty() && (!replaces || replaced.contains(change.path())) {
            break;
        }
        splices.extend(splices_for(page, change, &way).map_err(|wrong| (wrong, change.path()))?);
        replaced.insert(change.path());
        if !replaces {
            break;
        }
    }
    Ok(Round {
        splices,
        changes: replaced.len(),
    })
}

fn splices_for(page: Page<'_>, change: &Change, way: &Way<'_>) -> Result<Vec<Splice>, Wrong> {
    match (change, way) {
        (Change::Set { text, .. }, Way::Entry { map, entry, .. }) => {
            replace(page, map, entry, text.as_deref()).map(|splice| vec![splice])
        }
        (
            Change::Set { text, path },
            Way::Missing {
                maps,
                depth,
                lacking,
                below,
            },
        ) => {
            let (path, text) = (path.get(*depth..).unwrap_or_default(), text.as_deref());
            let inserted = match (lacking, below) {
                (Some(map), _) if map.flow => flow_insert(page, maps, map, path, text),
                (Some(map), _) => block_insert(page, maps, map, path, text),
                (None, Some(below)) => fill(page, maps, below, path, text),
                (None, None) => None,
            };
            inserted.ok_or(Wrong::NotAMap)
        }
        (Change::Remove { .. }, Way::Entry { map, position, .. }) => {
            remove(page, map, *position).ok_or(Wrong::Unfaithful)
        }
        (Change::Rename { to, .. }, Way::Entry { map, entry, .. }) => {
            let with = format::scalar(page, to, &entry.key_style, map.flow);
            let range = entry.key_span.clone();
            Ok(vec![Splice { range, with }])
        }
        // The entry exists, but comes from elsewhere in the text.
        (Change::Remove { .. } | Change::Rename { .. }, Way::Missing { .. }) => Err(Wrong::Shared),
    }
}

/// How much of a path exists in the text.
enum Way<'t> {
    /// All of it.
    Entry {
        map: &'t Map,
        position: usize,
        entry: &'t Entry,
    },
    /// The steps from `depth` on are missing.
    Missing {
        /// The maps along the path, outermost first.
        maps: Vec<&'t Node>,
        depth: usize,
        /// The last of `maps`, when it has entries.
        lacking: Option<&'t Map>,
        /// The entry whose value is null, or an empty map: the last of `maps`.
        below: Option<&'t Entry>,
    },
}

impl<'t> Way<'t> {
    fn find(root: &'t Node, path: &[String]) -> Result<Self, Wrong> {
        let (mut node, mut below, mut maps) = (root, None, Vec::new());
        for (depth, step) in path.iter().enumerate() {
            let map = match &node.form {
                Form::Map(map) => map,
                Form::Alias => return Err(Wrong::Shared),
                Form::List(_) => return Err(Wrong::NotAMap),
                Form::Scalar(_) => {
                    let lacking = None;
                    return Ok(Way::Missing {
                        maps,
                        depth,
                        lacking,
                        below,
                    });
                }
            };
            let Some((position, entry)) = map.entry(step) else {
                maps.push(node);
                let lacking = Some(map).filter(|map| !map.entries.is_empty());
                return Ok(Way::Missing {
                    maps,
                    depth,
                    lacking,
                    below,
                });
            };
            if depth + 1 == path.len() {
                return Ok(Way::Entry { map, position, entry });
            }
            maps.push(node);
            (node, below) = (&entry.value, Some(entry));
        }
        Err(Wrong::NotAMap)
    }
}

/// Replaces a scalar.
fn replace(page: Page<'_>, map: &Map, entry: &Entry, text: Option<&str>) -> Result<Splice, Wrong> {
    let value = &entry.value;
    let style = match &value.form {
        Form::Scalar(style) => style,
        Form::Alias => &Style::Plain,
        Form::Map(_) | Form::List(_) => return Err(Wrong::NotAMap),
    };
    let written = match text {
        Some(text) => format::scalar(page, text, style, map.flow),
        None => "null".to_owned(),
    };
    let with = match style {
        Style::Block { header } => text
            .and_then(|text| block(page, entry, header, text))
            .unwrap_or(written),
        Style::LeftOut => {
            let gap = if page.slice(0, value.span.start).ends_with([' ', '\t']) {
                ""
            } else {
                " "
            };
            format!("{}{gap}{written}", if entry.colon { "" } else { ":" })
        }
        Style::Plain | Style::Single | Style::Double => written,
    };
    let range = value.span.clone();
    Ok(Splice { range, with })
}

/// A new text as a block scalar, like the one it replaces; a comment in the header line stays.
fn block(page: Page<'_>, entry: &Entry, header: &Range<usize>, text: &str) -> Option<String> {
    let span = &entry.value.span;
    let line_end = page.line_end(header.end).min(span.end);
    let lines = page.slice(line_end, span.end);
    let first = lines.split('\n').find(|line| !line.trim().is_empty());
    let indent = match first {
        Some(line) => line.chars().take_while(|c| *c == ' ').count(),
        None => page.column(entry.start) + 2,
    };
    let line_break = page.line_break(header.end);
    let behind = page.slice(header.end, line_end);
    if text.contains('\n') {
        let (header, block) = format::literal(text, indent, line_break)?;
        return Some(format!("{header}{behind}{block}"));
    }
    let sign = page.slice(header.start, header.start + 1);
    let line = format!("{line_break}{}{text}", " ".repeat(indent));
    format::fits_block_line(text).then(|| format!("{sign}-{behind}{line}"))
}

/// Additional indentation of the entries of the last of these maps.
fn step(page: Page<'_>, maps: &[&Node]) -> usize {
    let mut columns = maps.iter().rev().filter_map(|node| {
        let map = node.map().filter(|map| !map.flow)?;
        Some(page.column(map.entries.first()?.start))
    });
    match (columns.next(), columns.next()) {
        (Some(inner), Some(outer)) if inner > outer => inner - outer,
        _ => 2,
    }
}

/// Appends an entry to a block map.
fn block_insert(page: Page<'_>, maps: &[&Node], map: &Map, path: &[String], text: Option<&str>) -> Option<Vec<Splice>> {
    let (first, last) = (map.entries.first()?, map.entries.last()?);
    let line_break = page.line_break(last.value.span.end);
    let at = Block {
        column: page.column(first.start),
        step: step(page, maps),
        line_break,
    };
    let lines = format::block_entry(page, path, text, at);
    let with = format!("{line_break}{}{lines}", " ".repeat(at.column));
    Some(vec![Splice::insertion(page.line_end(last.value.span.end), with)])
}

/// Turns the value of `below`, which is null or an empty map, into a map.
fn fill(page: Page<'_>, maps: &[&Node], below: &Entry, path: &[String], text: Option<&str>) -> Option<Vec<Splice>> {
    let span = &below.value.span;
    // When the empty map is the last of the maps, its parent is the one before.
    let around = match below.value.form {
        Form::Map(_) => maps.split_last()?.1,
        _ => maps,
    };
    let outer = around.last()?;
    if outer.map()?.flow {
        let flow = flow_style(page, outer, below)?;
        let map = format::flow_map(page, path, text, &flow);
        let gap = match (&below.value.form, below.colon) {
            (Form::Scalar(Style::LeftOut), false) => ": ",
            (Form::Scalar(Style::LeftOut), true) => " ",
            _ => "",
        };
        return Some(vec![Splice {
            range: span.clone(),
            with: format!("{gap}{map}"),
        }]);
    }
    let step = step(page, around);
    let line_break = page.line_break(span.end);
    if page.begins_line(span.start) && !span.is_empty() {
        let column = page.column(span.start);
        let at = Block {
            column,
            step,
            line_break,
        };
        let with = format::block_entry(page, path, text, at);
        return Some(vec![Splice {
            range: span.clone(),
            with,
        }]);
    }
    let column = page.column(below.start) + step;
    let at = Block {
        column,
        step,
        line_break,
    };
    let lines = format::block_entry(page, path, text, at);
    Some(vec![
        Splice {
            range: page.without_blanks_before(span.start)..span.end,
            with: String::new(),
        },
        Splice::insertion(
            page.line_end(span.end),
            format!("{line_break}{}{lines}", " ".repeat(column)),
        ),
    ])
}

/// The style of the entries next to `sibling` in the flow map `node`.
fn flow_style<'t>(page: Page<'t>, node: &Node, sibling: &Entry) -> Option<Flow<'t>> {
    let lines = page.begins_line(sibling.start).then(|| {
        let own = page.indentation(sibling.start);
        let outer = page.indentation(node.span.start);
        let unit = own.strip_prefix(outer).filter(|unit| !unit.is_empty()).unwrap_or("  ");
        (own, unit, page.line_break(sibling.start))
    });
    // Only JSON allows no space here.
    let tight =
        page.format == Format::Json && !page.slice(sibling.key_span.end, sibling.value.span.start).contains(' ');
    Some(Flow {
        like: if sibling.key_style == Style::Double {
            Style::Double
        } else {
            Style::Plain
        },
        gap: if tight { "" } else { " " },
        lines,
    })
}

/// Appends an entry to a flow map.
fn flow_insert(page: Page<'_>, maps: &[&Node], map: &Map, path: &[String], text: Option<&str>) -> Option<Vec<Splice>> {
    let (node, last) = (maps.last()?, map.entries.last()?);
    let flow = flow_style(page, node, last)?;
    let entry = format::flow_entry(page, path, text, &flow);
    let (end, bracket) = (last.value.span.end, node.span.end - 1);
    let comma = comma(page, end, bracket);
    let behind = comma.map_or(end, |comma| comma + 1);
    let Some((indentation, _, line_break)) = flow.lines else {
        return Some(vec![match comma {
            Some(comma) => Splice::insertion(comma + 1, format!(" {entry}")),
            None => Splice::insertion(end, format!(",{}{entry}", flow.gap)),
        }]);
    };
    // A comment after the last entry stays on its line.
    let line_end = page.line_end(behind);
    let at = if line_end < bracket { line_end } else { behind };
    let closing = if comma.is_some() { "," } else { "" };
    let mut splices = Vec::new();
    if comma.is_none() {
        splices.push(Splice::insertion(end, ",".to_owned()));
    }
    splices.push(Splice::insertion(
        at,
        format!("{line_break}{indentation}{entry}{closing}"),
    ));
    Some(splices)
}

/// The comma between two offsets, outside comments.
fn comma(page: Page<'_>, from: usize, to: usize) -> Option<usize> {
    let mut comment = false;
    page.slice(from, to).bytes().enumerate().find_map(|(at, byte)| {
        match byte {
            b'#' => comment = true,
            b'\n' => comment = false,
            b',' if !comment => return Some(from + at),
            _ => {}
        }
        None
    })
}

/// Whether only blanks and comments precede the offset `at` in `rest`.
fn is_next(rest: &str, at: usize) -> bool {
    let before = rest.get(..at).unwrap_or_default();
    before
        .lines()
        .all(|line| line.split('#').next().unwrap_or_default().trim().is_empty())
}

fn remove(page: Page<'_>, map: &Map, position: usize) -> Option<Vec<Splice>> {
    let entry = map.entries.get(position)?;
    let next = map.entries.get(position + 1);
    let end = entry.value.span.end;
    let cut = |from: usize, to: usize| Splice {
        range: from..to,
        with: String::new(),
    };
    if map.flow {
        let before = position.checked_sub(1).and_then(|before| map.entries.get(before));
        return Some(match (next, before) {
            (Some(next), _) => vec![match comma(page, end, next.start) {
                // A comment on its own line belongs to the next entry.
                Some(comma) if page.slice(page.next_line(comma), next.start).contains('#') => {
                    if page.begins_line(entry.start) {
                        cut(page.line_start(entry.start), page.next_line(comma))
                    } else {
                        cut(entry.start, page.line_end(comma))
                    }
                }
                _ => cut(entry.start, next.start),
            }],
            (None, Some(before)) => {
                // Only the comma and blanks between the two are removed: there may be a comment.
                let comma = comma(page, before.value.span.end, entry.start)?;
                let blank = page.slice(comma + 1, entry.start).trim().is_empty();
                if blank {
                    vec![cut(comma, end)]
                } else {
                    vec![cut(comma, comma + 1), cut(entry.start, end)]
                }
            }
            (None, None) => {
                let rest = page.slice(end, page.text.len());
                // A map without entries has no comma.
                match comma(page, end, page.text.len()).filter(|comma| is_next(rest, comma - end)) {
                    Some(comma) => vec![cut(entry.start, end), cut(comma, comma + 1)],
                    None => vec![cut(entry.start, end)],
                }
            }
        });
    }
    if map.entries.len() == 1 {
        return Some(vec![Splice {
            range: entry.start..end,
            with: "{}".to_owned(),
        }]);
    }
    if !page.begins_line(entry.start) {
        return Some(vec![cut(entry.start, next?.start)]);
    }
    let (from, to) = (page.line_start(entry.start), page.next_line(end));
    let last_line = !page.slice(from, to).ends_with('\n');
    if last_line && from > 0 {
        // The text still has no line break at its end.
        return Some(vec![cut(page.line_end(page.line_start(from - 1)), to)]);
    }
    Some(vec![cut(from, to)])
}
