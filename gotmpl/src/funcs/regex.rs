//! Regular expressions: Go's syntax (RE2) on the `regex` crate, which matches in the same order and in linear time.

mod translate;

use std::borrow::Cow;

use regex::{Captures, Match, Regex, RegexBuilder};

use super::runes::{first_rune, runes};
use super::{I, Outcome, S, by_runes, text};
use crate::context::{Context, Limit};
use crate::func::{Args, Call, Func, FuncError};
use crate::types::Type;
use crate::unicode;
use crate::value::{List, Value};

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
    let regex = compile(context, args.bytes(0)?)?;
    let subject = Subject::new(context, args.bytes(1)?)?;
    let found = regex.find(&subject.text);
    text(found.map_or(b"".as_slice(), |found| subject.part(found.start(), found.end())))
};

const FIND_ALL: Call = |context, args| {
    let regex = compile(context, args.bytes(0)?)?;
    let subject = Subject::new(context, args.bytes(1)?)?;
    let found = all(context, &regex, &subject, args.int(2)?)?;
    if found.is_empty() {
        return Ok(Value::List(List::nil(&Type::String)));
    }
    Ok(Value::strings(
        found.iter().map(|found| subject.part(found.start(), found.end())),
    ))
};

const REPLACE: Call = |context, args| {
    let regex = compile(context, args.bytes(0)?)?;
    let template = args.bytes(2)?;
    replace(context, &regex, args.bytes(1)?, |captures, subject, out| {
        expand(template, captures, subject, out);
    })
};

const REPLACE_LITERAL: Call = |context, args| {
    let regex = compile(context, args.bytes(0)?)?;
    let by = args.bytes(2)?;
    replace(context, &regex, args.bytes(1)?, |_, _, out| out.extend_from_slice(by))
};

const SPLIT: Call = |context, args| {
    let (pattern, whole, limit) = (args.bytes(0)?, args.bytes(1)?, args.int(2)?);
    let regex = compile(context, pattern)?;
    if limit == 0 {
        return Ok(Value::List(List::nil(&Type::String)));
    }
    if !pattern.is_empty() && whole.is_empty() {
        return Ok(Value::strings([""]));
    }
    let subject = Subject::new(context, whole)?;
    let mut parts = Vec::new();
    let (mut from, mut to) = (0, 0);
    for found in all(context, &regex, &subject, limit)? {
        if limit > 0 && parts.len() as u64 == limit.unsigned_abs() - 1 {
            break;
        }
        to = found.start();
        if found.end() != 0 {
            parts.push(subject.part(from, to));
        }
        from = found.end();
    }
    if to != subject.text.len() {
        parts.push(subject.part(from, subject.text.len()));
    }
    Ok(Value::strings(parts))
};

/// The expression, paid for: making one takes far longer than most searches.
fn compile(context: &mut Context<'_>, pattern: &[u8]) -> Result<Regex, FuncError> {
    const INVALID: FuncError = FuncError::Failed("no regular expression");
    context.steps(300 + pattern.len() as u64 * 24)?;
    let translated = translate::translate(pattern).ok_or(INVALID)?;
    // Classes of Unicode and repetitions make many states out of few letters.
    context.steps(translated.weight)?;
    let built = RegexBuilder::new(&translated.pattern)
        .size_limit(MOST_STATES)
        .nest_limit(200)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Limit::Allocation.into(),
        _ => INVALID,
    })
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
        let mut text = String::new();
        let mut places = Vec::new();
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

    /// Pays for one search from a place on, which may run to the end and find something short.
    fn pay(&self, context: &mut Context<'_>, from: usize) -> Result<(), FuncError> {
        Ok(context.steps(2 + (self.text.len() - from) as u64 / 96)?)
    }
}

fn matches(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let regex = compile(context, args.bytes(0)?)?;
    let subject = Subject::new(context, args.bytes(1)?)?;
    Ok(regex.is_match(&subject.text).into())
}

/// The matches that follow each other, all for a negative limit; an empty one right behind another does not count.
fn all<'t>(
    context: &mut Context<'_>,
    regex: &Regex,
    subject: &'t Subject<'_>,
    limit: i64,
) -> Result<Vec<Match<'t>>, FuncError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut at = 0;
    let mut last_end = None;
    while found.len() < limit && at <= subject.text.len() {
        subject.pay(context, at)?;
        let Some(next) = regex.find_at(&subject.text, at) else {
            break;
        };
        let mut counts = true;
        if next.end() == at {
            counts = last_end != Some(next.start());
            at += subject.width(at).max(1);
        } else {
            at = next.end();
        }
        last_end = Some(next.end());
        if counts {
            context.allocate_items(1)?;
            found.push(next);
        }
    }
    Ok(found)
}

fn replace(
    context: &mut Context<'_>,
    regex: &Regex,
    whole: &[u8],
    by: impl Fn(&Captures<'_>, &Subject<'_>, &mut Vec<u8>),
) -> Outcome {
    let subject = Subject::new(context, whole)?;
    let mut out = Vec::new();
    let (mut at, mut last_end) = (0, 0);
    while at <= subject.text.len() {
        subject.pay(context, at)?;
        let Some(captures) = regex.captures_at(&subject.text, at) else {
            break;
        };
        let Some(found) = captures.get(0) else { break };
        let before = out.len();
        out.extend_from_slice(subject.part(last_end, found.start()));
        // Not for an empty match right behind another.
        if found.end() > last_end || found.start() == 0 {
            by(&captures, &subject, &mut out);
        }
        context.allocate(out.len() - before)?;
        last_end = found.end();
        at = found.end().max(at + subject.width(at).max(1));
    }
    out.extend_from_slice(subject.part(last_end, subject.text.len()));
    text(out)
}

/// Appends a replacement, in which `$1`, `${1}`, `$name` and `${name}` stand for groups and `$$` for a dollar sign.
fn expand(template: &[u8], captures: &Captures<'_>, subject: &Subject<'_>, out: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(dollar) = memchr::memchr(b'$', rest) {
        out.extend_from_slice(rest.get(..dollar).unwrap_or_default());
        rest = rest.get(dollar + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(rest) else {
            out.push(b'$');
            continue;
        };
        rest = after;
        let group = match group_number(name) {
            Some(number) => captures.get(number),
            None => std::str::from_utf8(name)
                .ok()
                .and_then(|name| captures.name(&translate::group_name(name))),
        };
        if let Some(group) = group {
            out.extend_from_slice(subject.part(group.start(), group.end()));
        }
    }
    out.extend_from_slice(rest);
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
