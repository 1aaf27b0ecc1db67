//! gotmpl, the subject of the comparison with Go.

use gotmpl::{Context, Functions, Limits, Mistake, Random, Template};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::RngCore;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::oracle::{Answer, Rendering};

/// A time that has nothing in common with the beginning of the epoch, down to the nanosecond.
const OTHER: Timestamp = Timestamp::constant(1_234_567_891, 234_567_891);

pub(super) struct Subject {
    functions: Functions,
}

/// Its answer, in a form that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SubjectAnswer {
    Output(Vec<u8>),
    Failure {
        parse: bool,
        line: u64,
        function: Option<String>,
        /// For readers of the report.
        words: String,
    },
}

struct Seeded(StdRng);

impl Random for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) -> bool {
        self.0.fill_bytes(buffer);
        true
    }
}

impl Subject {
    pub(super) fn new() -> Subject {
        Subject {
            functions: Functions::with_sprig(),
        }
    }

    /// `None` when a limit ended it, or when the answer depends on the time, which differs in Go.
    pub(super) fn render(&self, rendering: &Rendering) -> Option<SubjectAnswer> {
        let present = Timestamp::now();
        let answer = self.render_at(rendering, present)?;
        for other in [Timestamp::UNIX_EPOCH, OTHER] {
            if self.render_at(rendering, other)? != answer {
                return None;
            }
        }
        Some(answer)
    }

    fn render_at(&self, rendering: &Rendering, now: Timestamp) -> Option<SubjectAnswer> {
        let now = now.to_zoned(TimeZone::UTC);
        let mut random = Seeded(StdRng::seed_from_u64(7));
        let mut context = Context::new(&now, &mut random, Limits::default());
        let data = rendering
            .data
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()));
        let rendered = Template::parse("t", &rendering.template, &self.functions)
            .and_then(|template| template.render_strings(data, &mut context));
        match rendered {
            Ok(output) => Some(SubjectAnswer::Output(output)),
            Err(error) if error.limit().is_some() => None,
            Err(error) => Some(SubjectAnswer::Failure {
                parse: matches!(error.mistake, Mistake::Parse(_)),
                line: error.line as u64,
                function: error.function().map(str::to_owned),
                words: error.to_string(),
            }),
        }
    }
}

impl SubjectAnswer {
    /// Whether it is Go's answer as far as it must be: the same output, or a failure at the same stage, in the same line
    /// and, where a function failed, of the same function.
    ///
    /// Left out is `slice` beyond the end of a list, where Go shows the room that its allocator left.
    pub(super) fn agrees(&self, theirs: &Answer) -> bool {
        let sliced = |function: &Option<String>| {
            function
                .as_deref()
                .is_some_and(|name| matches!(name, "slice" | "mustSlice"))
        };
        match (self, theirs) {
            (_, Answer::Silence) => true,
            (SubjectAnswer::Failure { function, .. }, _) if sliced(function) => true,
            (SubjectAnswer::Output(ours), Answer::Output(theirs)) => ours == theirs,
            (
                SubjectAnswer::Failure {
                    parse, line, function, ..
                },
                Answer::Failure(theirs),
            ) => {
                let stage = if *parse { "parse" } else { "execute" };
                let same_function = theirs.function.is_none() || theirs.function == *function;
                stage == theirs.stage && *line == theirs.line && same_function
            }
            _ => false,
        }
    }
}
