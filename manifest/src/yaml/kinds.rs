//! The kinds that a broken document may have for other readers, which handle its errors in different ways.

use granit_parser::{Event, Parser, StrInput};

use super::super::MAX_DEPTH;
use super::mapping::is_merge_key;

/// Kinds of which a broken document is an error: those of this project, and lists that may contain them.
const OURS: [&str; 5] = ["Secret", "SealedSecret", "List", "SecretList", "SealedSecretList"];

/// The kind of the first document of `text`, if every reader finds a kind other than [`OURS`]; empty when it is not an
/// object, or has no kind. `None` where a reader may find one of [`OURS`], and where that is unknown.
pub(in super::super) fn foreign_kind(text: &str) -> Option<String> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut survey = Survey {
        events: Parser::new_from_str_with_options(text, options),
    };
    loop {
        match survey.next()? {
            Event::StreamStart | Event::DocumentStart(..) => {}
            root => return survey.root(&root),
        }
    }
}

struct Survey<'t> {
    events: Parser<'t, StrInput<'t>>,
}

impl<'t> Survey<'t> {
    fn next(&mut self) -> Option<Event<'t>> {
        self.events.next_event()?.ok().map(|(event, _)| event)
    }

    fn root(&mut self, root: &Event<'t>) -> Option<String> {
        match root {
            Event::MappingStart(..) => self.object(),
            Event::SequenceStart(..) => {
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        Event::MappingStart(..) => drop(self.object()?),
                        Event::Alias(_) => return None,
                        other => self.skip(&other)?,
                    }
                }
                Some(String::new())
            }
            Event::Scalar(..) => Some(String::new()),
            _ => None,
        }
    }

    /// The rest of a mapping: its kind, if all readers find the same.
    fn object(&mut self) -> Option<String> {
        let (mut kinds, mut has_items) = (Vec::new(), false);
        loop {
            let key = self.next()?;
            if key == Event::MappingEnd {
                break;
            }
            // A merge may add a kind, and so may an alias or an encoded key.
            if is_merge_key(&key) || matches!(key, Event::Alias(_)) {
                return None;
            }
            let name = match &key {
                Event::Scalar(_, _, _, Some(_)) => return None,
                // Go matches keys in any case.
                Event::Scalar(text, ..) => text.to_lowercase(),
                other => {
                    self.skip(other)?;
                    String::new()
                }
            };
            let value = self.next()?;
            has_items |= name == "items";
            if name == "kind" {
                kinds.push(plain_text(&value)?);
            } else {
                self.skip(&value)?;
            }
        }
        // kubectl reads every object with items as a list of objects.
        if has_items || kinds.iter().any(|kind| OURS.contains(&kind.as_str())) {
            return None;
        }
        Some(kinds.into_iter().next().unwrap_or_default())
    }

    /// Skips the node that begins with `event`.
    fn skip(&mut self, event: &Event<'t>) -> Option<()> {
        let opens = |event: &Event<'t>| matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let mut depth = usize::from(opens(event));
        while depth > 0 {
            match self.next()? {
                event if opens(&event) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }
}

/// The text of a scalar that all readers read the same way.
fn plain_text(value: &Event<'_>) -> Option<String> {
    match value {
        Event::Scalar(text, _, _, None) => Some(text.to_string()),
        _ => None,
    }
}
