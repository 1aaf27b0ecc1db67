//! Regular expressions: Go's syntax (RE2), compiled by `regex-automata`, which prefers the same match.

mod search;
mod translate;

use std::borrow::Cow;

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::primitives::PatternID;
use regex_automata::util::syntax;

use super::runes::{first_rune, runes};
use super::{I, Outcome, S, by_runes, text};
use crate::context::{Context, Limit};
use crate::function::{Args, Call, Func, FuncError};
use crate::types::Type;
use crate::unicode;
use crate::value::{List, Value};

use search::Search;

pub(super) static FUNCS: &[Func] = &[
    // A pattern that is none matches nothing.
    Func::new("regexMatch", &[S, S], |context, args| match matches(context, args) {
        Err(FuncError::Failed(_)) => Ok(false.into()),
        other => other,
    }),
    Func::new("mustRegexMatch", &[S, S], matches),
    Func::new("regexFind", &[S, S], FIND),
    Func::new("mustRegexFind", &[S, S], FIND),
    Func::new("regexFindAll", &[S, S, I], FIND_ALL),
    Func::new("mustRegexFindAll", &[S, S, I], FIND_ALL),
    Func::new("regexReplaceAll", &[S, S, S], REPLACE),
    Func::new("mustRegexReplaceAll", &[S, S, S], REPLACE),
    Func::new("regexReplaceAllLiteral", &[S, S, S], REPLACE_LITERAL),
    Func::new("mustRegexReplaceAllLiteral", &[S, S, S], REPLACE_LITERAL),
    Func::new("regexSplit", &[S, S, I], SPLIT),
    Func::new("mustRegexSplit", &[S, S, I], SPLIT),
    Func::new("regexQuoteMeta", &[S], |context, args| {
        let mut out = Vec::new();
        for byte in by_runes(context, args, 0, 16)? {
            if br"\.+*?()|[]{}^$".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        text(out)
    }),
];

const FIND: Call = |context, args| {
    let nfa = compile(context, args.bytes(0)?, WhichCaptures::Implicit)?;
    let subject = Subject::new(context, args.bytes(1)?)?;
    let mut search = Search::new(context, &nfa, 2)?;
    search.run(context, &subject.text, 0)?;
    let (start, end) = search.group(0).unwrap_or_default();
    text(subject.part(start, end))
};

const FIND_ALL: Call = |context, args| {
    let nfa = compile(context, args.bytes(0)?, WhichCaptures::Implicit)?;
    let subject = Subject::new(context, args.bytes(1)?)?;
    let found = all(context, &nfa, &subject, args.int(2)?)?;
    if found.is_empty() {
        return Ok(Value::List(List::nil(&Type::String)));
    }
    Ok(Value::strings(
        found.iter().map(|(start, end)| subject.part(*start, *end)),
    ))
};

const REPLACE: Call = |context, args| {
    let by = args.bytes(2)?;
    if !by.contains(&b'$') {
        return REPLACE_LITERAL(context, args);
    }
    let nfa = compile(context, args.bytes(0)?, WhichCaptures::All)?;
    context.steps(by.len() as u64 / 4)?;
    context.allocate(by.len().saturating_mul(size_of::<Part<'_>>() / 2))?;
    let slots = nfa.group_info().slot_len();
    replace(context, &nfa, slots, args.bytes(1)?, &parts(by, &nfa))
};

const REPLACE_LITERAL: Call = |context, args| {
    let nfa = compile(context, args.bytes(0)?, WhichCaptures::Implicit)?;
    replace(context, &nfa, 2, args.bytes(1)?, &[Part::Text(args.bytes(2)?)])
};

const SPLIT: Call = |context, args| {
    let (pattern, whole, limit) = (args.bytes(0)?, args.bytes(1)?, args.int(2)?);
    let nfa = compile(context, pattern, WhichCaptures::Implicit)?;
    if limit == 0 {
        return Ok(Value::List(List::nil(&Type::String)));
    }
    if !pattern.is_empty() && whole.is_empty() {
        return Ok(Value::strings([""]));
    }
    let subject = Subject::new(context, whole)?;
    let found = all(context, &nfa, &subject, limit)?;
    // The parts are places first, and then strings, for which their number has been paid.
    context.allocate_strings(1, whole.len())?;
    context.allocate((found.len() + 1).saturating_mul(size_of::<&[u8]>()))?;
    let mut parts = Vec::with_capacity(found.len() + 1);
    let (mut from, mut to) = (0, 0);
    for (start, end) in found {
        if limit > 0 && parts.len() as u64 == limit.unsigned_abs() - 1 {
            break;
        }
        to = start;
        if end != 0 {
            parts.push(subject.part(from, to));
        }
        from = end;
    }
    if to != subject.text.len() {
        parts.push(subject.part(from, subject.text.len()));
    }
    Ok(Value::strings(parts))
};

/// The automaton of an expression, paid for: making one takes far longer than most searches.
fn compile(context: &mut Context<'_>, pattern: &[u8], captures: WhichCaptures) -> Result<NFA, FuncError> {
    const INVALID: FuncError = FuncError::Failed("no regular expression");
    context.steps(350 + pattern.len() as u64 * 28)?;
    let translated = translate::translate(pattern).ok_or(INVALID)?;
    // Classes of Unicode and repetitions make many states out of few letters.
    context.steps(translated.weight)?;
    let built = NFA::compiler()
        .syntax(syntax::Config::new().nest_limit(200))
        .configure(
            thompson::Config::new()
                .nfa_size_limit(Some(MOST_STATES))
                .which_captures(captures),
        )
        .build(&translated.pattern);
    let nfa = built.map_err(|error| match error.size_limit() {
        Some(_) => Limit::Allocation.into(),
        None => INVALID,
    })?;
    context.allocate(nfa.memory_usage())?;
    Ok(nfa)
}

/// Bytes of a compiled expression.
const MOST_STATES: usize = 1 << 20;

/// What is searched: text, whose bytes that are no UTF-8 are U+FFFD, as Go's engine sees them.
struct Subject<'s> {
    bytes: &'s [u8],
    text: Cow<'s, str>,
    /// Where each byte of the text is in the original, when they differ.
    places: Option<Vec<usize>>,
}

impl<'s> Subject<'s> {
    fn new(context: &mut Context<'_>, bytes: &'s [u8]) -> Result<Subject<'s>, FuncError> {
        context.steps(bytes.len() as u64 / 64)?;
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Ok(Subject {
                bytes,
                text: Cow::Borrowed(text),
                places: None,
            });
        }
        context.allocate(bytes.len().saturating_mul(3 + 3 * size_of::<usize>()))?;
        // As large as was paid for: vectors that double would take twice as much.
        let mut text = String::with_capacity(bytes.len() * 3);
        let mut places = Vec::with_capacity(bytes.len() * 3 + 1);
        for rune in runes(bytes) {
            text.push(rune.char);
            places.resize(text.len(), rune.at);
        }
        places.push(bytes.len());
        Ok(Subject {
            bytes,
            text: Cow::Owned(text),
            places: Some(places),
        })
    }

    /// The original's bytes between two places of the text.
    fn part(&self, from: usize, to: usize) -> &'s [u8] {
        let place = |at: usize| match &self.places {
            Some(places) => places.get(at).copied().unwrap_or(self.bytes.len()),
            None => at,
        };
        self.bytes.get(place(from)..place(to)).unwrap_or_default()
    }

    /// How many bytes the character at a place takes; 0 at the end.
    fn width(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        first_rune(rest).map_or(0, |rune| rune.width)
    }
}

fn matches(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let nfa = compile(context, args.bytes(0)?, WhichCaptures::Implicit)?;
    let subject = Subject::new(context, args.bytes(1)?)?;
    let found = Search::new(context, &nfa, 0)?.run(context, &subject.text, 0)?;
    Ok(found.into())
}

/// The bounds of the matches that follow each other, all for a negative limit; an empty one right behind another does
/// not count.
fn all(
    context: &mut Context<'_>,
    nfa: &NFA,
    subject: &Subject<'_>,
    limit: i64,
) -> Result<Vec<(usize, usize)>, FuncError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut search = Search::new(context, nfa, 2)?;
    let mut found = Vec::new();
    let mut at = 0;
    let mut last_end = None;
    while found.len() < limit && at <= subject.text.len() {
        context.steps(2)?;
        if !search.run(context, &subject.text, at)? {
            break;
        }
        let (start, end) = search.group(0).unwrap_or_default();
        let mut counts = true;
        if end == at {
            counts = last_end != Some(start);
            at += subject.width(at).max(1);
        } else {
            at = end;
        }
        last_end = Some(end);
        if counts {
            context.grow_for_one(&found)?;
            context.allocate_strings(1, end - start)?;
            found.push((start, end));
        }
    }
    Ok(found)
}

fn replace(context: &mut Context<'_>, nfa: &NFA, slots: usize, whole: &[u8], replacement: &[Part<'_>]) -> Outcome {
    let subject = Subject::new(context, whole)?;
    let mut search = Search::new(context, nfa, slots)?;
    let mut out = Vec::new();
    let (mut at, mut last_end) = (0, 0);
    while at <= subject.text.len() {
        context.steps(2)?;
        if !search.run(context, &subject.text, at)? {
            break;
        }
        let (start, end) = search.group(0).unwrap_or_default();
        context.grow(start - last_end)?;
        out.extend_from_slice(subject.part(last_end, start));
        // Not for an empty match right behind another.
        if end > last_end || start == 0 {
            context.steps(replacement.len() as u64 / 16)?;
            let written = || replacement.iter().map(|part| part.bytes(&search, &subject));
            context.grow(written().map(<[u8]>::len).fold(0, usize::saturating_add))?;
            written().for_each(|bytes| out.extend_from_slice(bytes));
        }
        last_end = end;
        at = end.max(at + subject.width(at).max(1));
    }
    out.extend_from_slice(subject.part(last_end, subject.text.len()));
    text(out)
}

/// A part of a replacement.
enum Part<'r> {
    Text(&'r [u8]),
    /// What a group matched.
    Group(usize),
}

impl<'r> Part<'r> {
    fn bytes(&self, search: &Search<'_>, subject: &Subject<'r>) -> &'r [u8] {
        match self {
            Part::Text(text) => text,
            Part::Group(number) => {
                let (start, end) = search.group(*number).unwrap_or_default();
                subject.part(start, end)
            }
        }
    }
}

/// A replacement, in which `$1`, `${1}`, `$name` and `${name}` stand for groups and `$$` for a dollar sign. A group that
/// does not exist stands for nothing.
fn parts<'r>(replacement: &'r [u8], nfa: &NFA) -> Vec<Part<'r>> {
    let mut parts = Vec::new();
    let mut rest = replacement;
    while let Some((before, after)) = memchr::memchr(b'$', rest).and_then(|dollar| rest.split_at_checked(dollar)) {
        let (dollar, after) = after.split_at_checked(1).unwrap_or((after, b""));
        parts.push(Part::Text(before));
        rest = after;
        if let Some(after) = rest.strip_prefix(b"$") {
            parts.push(Part::Text(dollar));
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(rest) else {
            parts.push(Part::Text(dollar));
            continue;
        };
        rest = after;
        let number = group_number(name).or_else(|| {
            let name = translate::group_name(std::str::from_utf8(name).ok()?);
            nfa.group_info().to_index(PatternID::ZERO, &name)
        });
        parts.extend(
            number
                .filter(|number| *number < nfa.group_info().group_len(PatternID::ZERO))
                .map(Part::Group),
        );
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    parts
}

/// The name that follows a dollar sign, and what follows it.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"{");
    let start = inner.unwrap_or(text);
    let belongs = |char: char| unicode::is_letter(char) || unicode::is_digit(char) || char == '_';
    let length: usize = runes(start)
        .take_while(|rune| belongs(rune.char))
        .map(|rune| rune.width)
        .sum();
    let (name, after) = start.split_at_checked(length)?;
    if name.is_empty() {
        return None;
    }
    match inner {
        Some(_) => Some((name, after.strip_prefix(b"}")?)),
        None => Some((name, after)),
    }
}

/// A number without zeros in front; any other name is that of a group.
fn group_number(name: &[u8]) -> Option<usize> {
    if name.len() > 1 && name.starts_with(b"0") {
        return None;
    }
    let digits = std::str::from_utf8(name)
        .ok()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number < 100_000_000)
}
