//! Long texts made to fit: `wrap` and `abbrev`. All widths are in bytes, as in the original.

use memchr::{memchr, memrchr};

use super::{I, Outcome, S, cut, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};

pub(super) static FUNCS: &[Func] = &[
    Func::new("wrap", &[I, S], |context, args| {
        wrap(context, args.int(0)?, b"\n", args.bytes(1)?, false)
    }),
    Func::new("wrapWith", &[I, S, S], |context, args| {
        let separator = args.bytes(1)?;
        let separator = if separator.is_empty() { b"\n" } else { separator };
        wrap(context, args.int(0)?, separator, args.bytes(2)?, true)
    }),
    Func::new("abbrev", &[I, S], |_, args| {
        let (width, whole) = (args.int(0)?, args.bytes(1)?);
        if width < 4 {
            text(whole)
        } else {
            text(abbreviated(whole, 0, width)?)
        }
    }),
    Func::new("abbrevboth", &[I, I, S], abbrevboth),
];

/// Breaks at spaces so that no line is longer than `width`; words longer than that are broken only when `anywhere`.
fn wrap(context: &mut Context<'_>, width: i64, separator: &[u8], whole: &[u8], anywhere: bool) -> Outcome {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    context.grow((whole.len() / width).saturating_mul(separator.len()))?;
    let part = |from: usize, to: usize| whole.get(from..to).unwrap_or_default();
    let mut out = Vec::with_capacity(whole.len() + whole.len() / 16);
    let mut at = 0;
    while whole.len() - at > width {
        context.step()?;
        if whole.get(at) == Some(&b' ') {
            at += 1;
            continue;
        }
        let end = at + width;
        let stop = if let Some(space) = memrchr(b' ', part(at, end + 1)) {
            Some((at + space, at + space + 1))
        } else if anywhere {
            Some((end, end))
        } else {
            memchr(b' ', part(end, whole.len())).map(|space| (end + space, end + space + 1))
        };
        let Some((stop, next)) = stop else { break };
        out.extend_from_slice(part(at, stop));
        out.extend_from_slice(separator);
        at = next;
    }
    out.extend_from_slice(part(at, whole.len()));
    text(out)
}

fn abbrevboth(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (left, right, whole) = (args.int(0)?, args.int(1)?, args.bytes(2)?);
    if right < 4 || left > 0 && right < 7 {
        return text(whole);
    }
    text(abbreviated(whole, left, right)?)
}

/// At most `width` bytes (at least 4), from about `offset` on, with `...` for what is left out.
fn abbreviated(whole: &[u8], offset: i64, width: i64) -> Result<Vec<u8>, FuncError> {
    let len = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    if len <= width {
        return Ok(whole.to_vec());
    }
    let kept = width - 3;
    let offset = if offset > len { len } else { offset };
    let offset = if len.saturating_sub(offset) < kept {
        len - kept
    } else {
        offset
    };
    if offset <= 4 {
        return Ok([cut(whole, 0, kept)?, b"..."].concat());
    }
    if width < 7 {
        return Ok(Vec::new());
    }
    if offset + kept < len {
        let inner = if kept < 4 {
            Vec::new()
        } else {
            abbreviated(cut(whole, offset, len)?, 0, kept)?
        };
        return Ok([b"...", inner.as_slice()].concat());
    }
    Ok([b"...", cut(whole, len - kept, len)?].concat())
}
