//! Removes items of other kinds that break a rule from the text of a list.

use std::ops::Range;

use granit_parser::{Event, Parser, Span, StrInput};
use zeroize::Zeroizing;

use super::super::MAX_DEPTH;
use super::super::error::{DocumentError, Place, Spot};
use super::super::found::Broken;
use super::super::source_map::Placed;
use super::kinds::foreign_kind;

/// Limit of broken items that are removed from one list; each costs another pass.
const MOST: usize = 64;

/// Reads a text that is one list, in which `error` was found, without the items of other kinds that break a rule.
/// `read` reads a text with the same positions.
pub(in super::super) fn read_without_broken(
    text: &str,
    mut error: DocumentError,
    read: impl Fn(&str) -> Result<Placed, DocumentError>,
) -> Option<(Placed, Broken)> {
    let mut text = Zeroizing::new(text.to_owned());
    let mut broken = Broken::new();
    while broken.len() < MOST && error.leaves_the_rest() {
        let Place { line, column, .. } = error.place()?;
        let (index, range, kind) = foreign_item(&text, Spot { line, column })?;
        text = Zeroizing::new(masked(&text, range)?);
        if broken.insert(index, (kind, error)).is_some() {
            return None;
        }
        match read(&text) {
            Ok(placed) => return Some((placed, broken)),
            Err(next) => error = next,
        }
    }
    None
}

/// The item at `spot` in a text whose first document is a plain `kind: List`: its number from 0, its bytes and its
/// kind, if no reader can take it for one of ours.
fn foreign_item(text: &str, spot: Spot) -> Option<(usize, Range<usize>, String)> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut survey = Survey(Parser::new_from_str_with_options(text, options));
    let (index, range, column) = survey.item_at(spot)?;
    // The first line of an item in block style stands behind its mark, and the others below it.
    let alone = " ".repeat(column) + text.get(range.clone())?;
    let kind = foreign_kind(&alone).filter(|kind| !kind.is_empty())?;
    Some((index, range, kind))
}

/// Replaces an item by an empty map and blanks, so that all other positions stay.
fn masked(text: &str, item: Range<usize>) -> Option<String> {
    let (before, rest) = text.split_at_checked(item.start)?;
    let (item, after) = rest.split_at_checked(item.end.checked_sub(item.start)?)?;
    // In flow style a line may end behind the first brace; in block style the first key has no line break in it.
    let close = if item.starts_with('{') {
        item.rfind('}')?
    } else {
        item.char_indices().nth(1)?.0
    };
    let blank = |(at, sign): (usize, char)| match sign {
        _ if at == 0 => '{',
        _ if at == close => '}',
        '\n' | '\r' => sign,
        _ => ' ',
    };
    let blanked: String = item.char_indices().map(blank).collect();
    Some([before, &blanked, after].concat())
}

struct Survey<'t>(Parser<'t, StrInput<'t>>);

impl<'t> Survey<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.0.next_event()?.ok()
    }

    fn item_at(&mut self, spot: Spot) -> Option<(usize, Range<usize>, usize)> {
        while !matches!(self.next()?.0, Event::MappingStart(..)) {}
        let (mut kinds, mut lists, mut found) = (0, 0, None);
        loop {
            let (key, _) = self.next()?;
            let name = match &key {
                Event::MappingEnd => break,
                // A merge, an alias or a tag may add what is not visible here.
                Event::Scalar(text, _, _, None) if text != "<<" => text.to_lowercase(),
                _ => return None,
            };
            let (value, span) = self.next()?;
            match (name.as_str(), &value) {
                ("kind", Event::Scalar(kind, _, _, None)) if kind == "List" => kinds += 1,
                ("kind", _) => return None,
                ("items", Event::SequenceStart(..)) => {
                    lists += 1;
                    found = self.item(spot)?;
                }
                ("items", _) => return None,
                _ => drop(self.end_of(&value, span)?),
            }
        }
        (kinds == 1 && lists == 1).then_some(found)?
    }

    /// The item at `spot`, of the sequence that has begun.
    fn item(&mut self, spot: Spot) -> Option<Option<(usize, Range<usize>, usize)>> {
        let mut found = None;
        for index in 0.. {
            let (event, begin) = self.next()?;
            if event == Event::SequenceEnd {
                break;
            }
            let end = self.end_of(&event, begin)?;
            let from = (begin.start.line(), begin.start.col() + 1);
            let to = (end.end.line(), end.end.col() + 1);
            if (from..to).contains(&(spot.line, spot.column)) && matches!(event, Event::MappingStart(..)) {
                let range = begin.start.byte_offset()?..end.end.byte_offset()?;
                found = Some((index, range, begin.start.col()));
            }
        }
        Some(found)
    }

    /// End of the node that begins with `event`.
    fn end_of(&mut self, event: &Event<'t>, span: Span) -> Option<Span> {
        let opens = |event: &Event<'t>| matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let (mut depth, mut last) = (usize::from(opens(event)), span);
        while depth > 0 {
            let (event, span) = self.next()?;
            last = span;
            match event {
                event if opens(&event) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                _ => {}
            }
        }
        Some(last)
    }
}
