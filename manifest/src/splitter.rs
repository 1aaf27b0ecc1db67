//! Splits a source into documents, each in its language.

use zeroize::Zeroizing;

use super::budget::Budget;
use super::error::{DocumentError, Place, Spot};
use super::found::{Found, Others, Sink};
use super::{Format, json, wipe, yaml};

/// Every value of `text` that is not empty.
///
/// # Errors
/// As [`each`].
pub(super) fn values(text: &str, others: Others) -> Result<Vec<Found>, DocumentError> {
    let mut found = Vec::new();
    let read = each(text, others, &Budget::unlimited(), &mut |one| {
        found.push(one);
        Ok(())
    });
    match read {
        Ok(()) => Ok(found),
        Err(error) => {
            found.into_iter().for_each(|one| wipe(one.placed.value));
            Err(error)
        }
    }
}

/// Passes every value of `text` that is not empty to `sink`.
///
/// A text that begins like a JSON object is JSON, and its objects may be divided by `---` too; from the first part that
/// does not, the rest is YAML. Broken JSON is not read as YAML, as the reference does: YAML would fold a line break
/// inside a string into a space.
///
/// # Errors
/// The first error, and those of `sink`.
pub(super) fn each(text: &str, others: Others, budget: &Budget, sink: &mut Sink<'_>) -> Result<(), DocumentError> {
    let (mut documents, mut lines_before, mut counted) = (0, 0, 0);
    // At most one part for each mark.
    let begin = Place::new(1, Spot { line: 1, column: 1 });
    budget.charge_slots::<Part>(text.matches("---").count(), begin)?;
    for Part { from, to, format } in parts(text) {
        let before = text.get(counted..from).unwrap_or_default();
        lines_before += before.bytes().filter(|b| *b == b'\n').count();
        counted = from;
        let part = text.get(from..to).unwrap_or_default();
        match format {
            Some(Format::Json) => {
                documents = json::read(part, lines_before, documents, others, budget, sink)?;
            }
            Some(Format::Yaml) if from == 0 => yaml::read(part, documents, others, budget, sink)?,
            Some(Format::Yaml) => {
                // Empty lines stand for the lines before, so that the parser's line numbers are right.
                let padded = Zeroizing::new("\n".repeat(lines_before) + part);
                yaml::read(&padded, documents, others, budget, sink)?;
            }
            None => documents += 1,
        }
    }
    Ok(())
}

/// A byte range of a source in one language; without a language it is one empty document.
pub(super) struct Part {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) format: Option<Format>,
}

/// The ranges of the source. Only the last one can be YAML.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let (mut rest, mut parts) = (text, Vec::new());
    loop {
        let from = text.len() - rest.len();
        let (part, after) = split_at_marker(rest);
        let to = from + part.len();
        if begins_as_json(part) {
            let format = Some(Format::Json);
            parts.push(Part { from, to, format });
        } else if !part.trim_start().is_empty() {
            let all_yaml = parts.iter().all(|part: &Part| part.format.is_none());
            if all_yaml {
                parts.clear();
            }
            parts.push(Part {
                from: if all_yaml { 0 } else { from },
                to: text.len(),
                format: Some(Format::Yaml),
            });
            return parts;
        } else if from > 0 {
            // Nothing between two marks is an empty document, as in YAML; nothing before the first mark is not.
            parts.push(Part { from, to, format: None });
        }
        let Some(after) = after else { return parts };
        rest = after;
    }
}

/// `{` and then the quote of a key, or `}`.
fn begins_as_json(text: &str) -> bool {
    text.trim_start()
        .strip_prefix('{')
        .is_some_and(|inner| inner.trim_start().starts_with(['"', '}']))
}

/// The text before the first line that begins with `---`, and the text after that mark. JSON has no such line inside.
fn split_at_marker(text: &str) -> (&str, Option<&str>) {
    let at = marks(text).next().unwrap_or(text.len());
    let (before, marked) = text.split_at_checked(at).unwrap_or((text, ""));
    (before, marked.strip_prefix(MARK))
}

/// The mark between two documents.
const MARK: &str = "---";

/// Offsets of the lines of `text` that begin with the mark between two documents; `text` begins with a line.
pub(super) fn marks(text: &str) -> impl Iterator<Item = usize> {
    let is_mark = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default();
        let after = text.get(at + MARK.len()..).unwrap_or_default();
        (before.is_empty() || before.ends_with('\n')) && (after.is_empty() || after.starts_with(char::is_whitespace))
    };
    text.match_indices(MARK).map(|(at, _)| at).filter(is_mark)
}
