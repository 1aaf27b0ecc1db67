//! Text: trimming, cutting, searching, replacing, quoting, splitting and joining.

use memchr::memmem;

use super::runes::{self, runes};
use super::{A, I, Outcome, S, by_runes, cut, strval, text};
use crate::context::{Context, STRING};
use crate::function::{Args, Func, FuncError};
use crate::print;
use crate::types::Type;
use crate::value::{List, Map, Value};

pub(super) static FUNCS: &[Func] = &[
    Func::new("hello", &[], |_, _| text("Hello!")),
    Func::new("trim", &[S], |context, args| {
        text(trim_space(by_runes(context, args, 0, READ)?))
    }),
    Func::new("trimAll", &[S, S], trim_all),
    Func::new("trimall", &[S, S], trim_all),
    Func::new("trimSuffix", &[S, S], |_, args| {
        let whole = args.bytes(1)?;
        text(whole.strip_suffix(args.bytes(0)?).unwrap_or(whole))
    }),
    Func::new("trimPrefix", &[S, S], |_, args| {
        let whole = args.bytes(1)?;
        text(whole.strip_prefix(args.bytes(0)?).unwrap_or(whole))
    }),
    Func::new("repeat", &[I, S], repeat),
    Func::new("substr", &[I, I, S], substr),
    Func::new("trunc", &[I, S], trunc),
    Func::new("nospace", &[S], nospace),
    Func::new("initials", &[S], |context, args| {
        text(initials(by_runes(context, args, 0, READ)?))
    }),
    Func::new("contains", &[S, S], |context, args| {
        by_runes(context, args, 0, READ)?;
        Ok(memmem::find(args.bytes(1)?, args.bytes(0)?).is_some().into())
    }),
    Func::new("hasPrefix", &[S, S], |_, args| {
        Ok(args.bytes(1)?.starts_with(args.bytes(0)?).into())
    }),
    Func::new("hasSuffix", &[S, S], |_, args| {
        Ok(args.bytes(1)?.ends_with(args.bytes(0)?).into())
    }),
    Func::new("quote", &[A], quote).variadic(),
    Func::new("squote", &[A], squote).variadic(),
    Func::new("cat", &[A], cat).variadic(),
    Func::new("indent", &[I, S], |context, args| text(indent(context, args, b"")?)),
    Func::new("nindent", &[I, S], |context, args| text(indent(context, args, b"\n")?)),
    Func::new("replace", &[S, S, S], replace),
    Func::new("plural", &[S, S, I], |_, args| {
        Ok(args.any(usize::from(args.int(2)? != 1))?.clone())
    }),
    Func::new("toString", &[A], |context, args| text(strval(context, args.any(0)?)?)),
    Func::new("split", &[S, S], |context, args| {
        numbered(context, args.bytes(1)?, args.bytes(0)?, -1)
    }),
    Func::new("splitn", &[S, I, S], |context, args| {
        numbered(context, args.bytes(2)?, args.bytes(0)?, args.int(1)?)
    }),
    Func::new("splitList", &[S, S], |context, args| {
        let parts = split(context, args.bytes(1)?, args.bytes(0)?, -1)?;
        Ok(Value::strings(parts))
    }),
    Func::new("toStrings", &[A], |context, args| {
        Ok(Value::List(to_strings(context, args.any(0)?)?))
    }),
    Func::new("join", &[S, A], join),
    Func::new("sortAlpha", &[A], sort_alpha),
];

/// Bytes a step where each rune is read.
const READ: u64 = 16;

/// Whether Go counts the rune as a space.
pub(super) fn is_space(char: char) -> bool {
    char.is_whitespace()
}

fn trim_by(whole: &[u8], drop: impl Fn(char) -> bool) -> &[u8] {
    let mut kept = runes(whole).filter(|rune| !drop(rune.char));
    let Some(first) = kept.next() else { return &[] };
    let last = kept.last().unwrap_or(first);
    whole.get(first.at..last.at + last.width).unwrap_or_default()
}

pub(super) fn trim_space(whole: &[u8]) -> &[u8] {
    trim_by(whole, is_space)
}

fn trim_all(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let whole = args.bytes(1)?;
    context.allocate(args.bytes(0)?.len().saturating_mul(4))?;
    let cut: Vec<_> = runes(args.bytes(0)?).map(|rune| rune.char).collect();
    context.steps((whole.len() as u64).saturating_mul(cut.len() as u64) / 32)?;
    text(trim_by(whole, |char| cut.contains(&char)))
}

fn repeat(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let part = args.bytes(1)?;
    let count = usize::try_from(args.int(0)?).map_err(|_| FuncError::Failed("negative count"))?;
    context.allocate(part.len().saturating_mul(count))?;
    if part.is_empty() {
        return text("");
    }
    text(part.repeat(count))
}

fn substr(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (start, end, whole) = (args.int(0)?, args.int(1)?, args.bytes(2)?);
    let len = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    if start < 0 {
        text(cut(whole, 0, end)?)
    } else if end < 0 || end > len {
        text(cut(whole, start, len)?)
    } else {
        text(cut(whole, start, end)?)
    }
}

fn trunc(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (count, whole) = (args.int(0)?, args.bytes(1)?);
    let len = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    if count < 0 && len.saturating_add(count) > 0 {
        text(cut(whole, len.saturating_add(count), len)?)
    } else if count >= 0 && len > count {
        text(cut(whole, 0, count)?)
    } else {
        text(whole)
    }
}

/// The original reads bytes as runes here: once a space is removed, non-ASCII text is read as Latin-1.
fn nospace(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let whole = by_runes(context, args, 0, READ)?;
    if !whole.iter().any(|byte| is_space(char::from(*byte))) {
        return text(whole);
    }
    let mut out = Vec::with_capacity(whole.len());
    for char in whole
        .iter()
        .map(|byte| char::from(*byte))
        .filter(|char| !is_space(*char))
    {
        runes::push(&mut out, char);
    }
    text(out)
}

/// As [`nospace`], bytes are read as runes.
fn initials(whole: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_gap = true;
    for char in whole.iter().map(|byte| char::from(*byte)) {
        let gap = is_space(char);
        if after_gap && !gap {
            runes::push(&mut out, char);
        }
        after_gap = gap;
    }
    out
}

/// Every argument but nil through `show`, with spaces between.
fn spaced(
    context: &mut Context<'_>,
    args: Args<'_>,
    show: impl Fn(&mut Context<'_>, &Value, &mut Vec<u8>) -> Result<(), FuncError>,
) -> Outcome {
    let mut out = Vec::new();
    let mut first = true;
    for value in args.rest(0) {
        if matches!(value, Value::Nil | Value::NoValue) {
            continue;
        }
        if !first {
            out.push(b' ');
        }
        first = false;
        show(context, value, &mut out)?;
    }
    text(out)
}

fn quote(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    spaced(context, args, |context, value, out| {
        let shown = strval(context, value)?;
        // An escaped byte takes up to 10 bytes (`\U0010ffff` for four, `\xff` for one).
        context.allocate(shown.len().saturating_mul(4))?;
        context.steps(shown.len() as u64 / READ)?;
        out.extend(print::quote(&shown));
        Ok(())
    })
}

fn squote(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    spaced(context, args, |context, value, out| {
        out.push(b'\'');
        out.extend(strval(context, value)?);
        out.push(b'\'');
        Ok(())
    })
}

fn cat(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    spaced(context, args, |context, value, out| {
        out.extend(strval(context, value)?);
        Ok(())
    })
}

fn indent(context: &mut Context<'_>, args: Args<'_>, start: &[u8]) -> Result<Vec<u8>, FuncError> {
    let whole = args.bytes(1)?;
    let width = usize::try_from(args.int(0)?).map_err(|_| FuncError::Failed("negative count"))?;
    let lines = memchr::memchr_iter(b'\n', whole).count() + 1;
    context.allocate(width.saturating_mul(lines))?;
    let mut out = Vec::with_capacity(start.len() + whole.len() + width * lines);
    out.extend_from_slice(start);
    for (number, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            out.push(b'\n');
        }
        out.extend(std::iter::repeat_n(b' ', width));
        out.extend_from_slice(line);
    }
    Ok(out)
}

fn replace(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (old, new, whole) = (args.bytes(0)?, args.bytes(1)?, args.bytes(2)?);
    // Nothing is found before every rune, and at the end.
    let last = old.is_empty().then_some(whole.len());
    let places = || places(whole, old).chain(last);
    let count = paid(context, whole, old, places())?;
    context.allocate(new.len().saturating_mul(count))?;
    let mut out = Vec::with_capacity(whole.len() + new.len() * count);
    let mut from = 0;
    for place in places() {
        out.extend_from_slice(whole.get(from..place).unwrap_or_default());
        out.extend_from_slice(new);
        from = place + old.len();
    }
    out.extend_from_slice(whole.get(from..).unwrap_or_default());
    text(out)
}

/// Where a text is found in another; nothing is found before every rune.
fn places<'w>(whole: &'w [u8], wanted: &'w [u8]) -> Box<dyn Iterator<Item = usize> + 'w> {
    if wanted.is_empty() {
        Box::new(runes(whole).map(|rune| rune.at))
    } else {
        Box::new(memmem::find_iter(whole, wanted))
    }
}

/// How many places there are, paid for.
fn paid(
    context: &mut Context<'_>,
    whole: &[u8],
    wanted: &[u8],
    places: impl Iterator<Item = usize>,
) -> Result<usize, FuncError> {
    if wanted.is_empty() {
        context.steps(whole.len() as u64 / READ)?;
    }
    // What is looked for is read before, twice.
    context.steps(wanted.len() as u64 / READ)?;
    let count = places.count();
    context.steps(count as u64 / 8)?;
    Ok(count)
}

/// Go's `strings.SplitN`: at most `limit` parts, all when it is negative; an empty separator splits into runes.
fn split(context: &mut Context<'_>, whole: &[u8], separator: &[u8], limit: i64) -> Result<Vec<Vec<u8>>, FuncError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 || separator.is_empty() && whole.is_empty() {
        return Ok(Vec::new());
    }
    let first = usize::from(separator.is_empty());
    let places = || places(whole, separator).skip(first).take(limit - 1);
    let count = paid(context, whole, separator, places())?;
    context.allocate_strings(count + 1, whole.len())?;
    // The parts, before each is a string.
    context.allocate((count + 1).saturating_mul(size_of::<Vec<u8>>()))?;
    context.steps(count as u64 * 3 / 2)?;
    let mut parts = Vec::with_capacity(count + 1);
    let mut from = 0;
    for place in places() {
        parts.push(whole.get(from..place).unwrap_or_default().to_vec());
        from = place + separator.len();
    }
    parts.push(whole.get(from..).unwrap_or_default().to_vec());
    Ok(parts)
}

/// The parts under `_0`, `_1`, … in a `map[string]string`.
fn numbered(context: &mut Context<'_>, whole: &[u8], separator: &[u8], limit: i64) -> Outcome {
    let map = Map::new(&Type::String);
    let parts = split(context, whole, separator, limit)?;
    context.allocate_map(parts.len())?;
    context.allocate(parts.len().saturating_mul(STRING))?;
    context.steps(parts.len() as u64 * 2)?;
    for (number, part) in parts.into_iter().enumerate() {
        let _fresh = map.insert(format!("_{number}"), Value::string(part));
    }
    Ok(Value::Map(map))
}

/// What `join` and its kin make of a value: a list's elements that are not nil, each in text; any other value alone. A
/// `[]string` is given back itself, as in Go, so that sorting it sorts the original.
pub(super) fn to_strings(context: &mut Context<'_>, value: &Value) -> Result<List, FuncError> {
    let list = match value {
        Value::List(list) if *list.element_type() == Type::String => return Ok(list.clone()),
        Value::List(list) => list.clone(),
        Value::Nil | Value::NoValue => List::nil(&Type::Any),
        other => List::new(&Type::Any, vec![other.clone()]),
    };
    context.allocate_list(list.len())?;
    let items = list.items();
    let mut shown = Vec::with_capacity(items.len());
    for item in items.iter().filter(|item| !matches!(item, Value::Nil | Value::NoValue)) {
        context.steps(2)?;
        shown.push(match item {
            Value::String(_) => item.clone(),
            other => {
                context.allocate(STRING)?;
                Value::string(strval(context, other)?)
            }
        });
    }
    Ok(List::new(&Type::String, shown))
}

fn join(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let separator = args.bytes(0)?;
    let parts = to_strings(context, args.any(1)?)?;
    let length = parts.items().iter().fold(0usize, |sum, part| match part {
        Value::String(part) => sum.saturating_add(part.len()).saturating_add(separator.len()),
        _ => sum,
    });
    context.allocate(length)?;
    context.steps(parts.len() as u64 / 16)?;
    let mut out = Vec::with_capacity(length);
    for (number, part) in parts.items().iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(separator);
        }
        if let Value::String(part) = part {
            out.extend_from_slice(part);
        }
    }
    text(out)
}

fn sort_alpha(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let list = match args.any(0)? {
        list @ Value::List(_) => to_strings(context, list)?,
        other => return Ok(Value::strings([strval(context, other)?])),
    };
    let count = list.len() as u64;
    context.steps(count / 16)?;
    let bytes = list.items().iter().fold(0u64, |sum, item| match item {
        Value::String(text) => sum.saturating_add(text.len() as u64),
        _ => sum,
    });
    // Each is compared with as many others as the list can be halved.
    let comparisons = u64::from(count.max(2).ilog2());
    context.steps(count.saturating_mul(comparisons) / 8)?;
    context.steps(bytes.saturating_mul(comparisons) / 1024)?;
    list.sort_by(|a, b| match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    Ok(Value::List(list))
}
