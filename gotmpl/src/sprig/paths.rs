//! Paths with slashes. The `os…` ones are the same: the original's controller and most of its users run where slashes
//! are, and a template must not depend on the machine that renders it.

use super::{Outcome, S, by_runes, text};
use crate::context::Context;
use crate::function::{Args, Call, Func};

pub(super) static FUNCS: &[Func] = &[
    Func::new("base", &[S], |_, args| text(base(args.bytes(0)?))),
    Func::new("osBase", &[S], |_, args| text(base(args.bytes(0)?))),
    Func::new("dir", &[S], dir),
    Func::new("osDir", &[S], dir),
    Func::new("clean", &[S], CLEAN),
    Func::new("osClean", &[S], CLEAN),
    Func::new("ext", &[S], |_, args| text(ext(args.bytes(0)?))),
    Func::new("osExt", &[S], |_, args| text(ext(args.bytes(0)?))),
    Func::new("isAbs", &[S], |_, args| Ok(args.bytes(0)?.starts_with(b"/").into())),
    Func::new("osIsAbs", &[S], |_, args| Ok(args.bytes(0)?.starts_with(b"/").into())),
];

const CLEAN: Call = |context, args| text(clean(by_runes(context, args, 0, 16)?));

/// What follows the last slash; "." for nothing, "/" for slashes alone.
fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    path.rsplit(|byte| *byte == b'/')
        .find(|name| !name.is_empty())
        .unwrap_or(b"/")
}

fn dir(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let path = by_runes(context, args, 0, 16)?;
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    text(clean(path.get(..end).unwrap_or_default()))
}

/// From the last dot of the last element on.
fn ext(path: &[u8]) -> &[u8] {
    let place = path.iter().rposition(|byte| matches!(byte, b'.' | b'/'));
    match place.and_then(|place| path.get(place..)) {
        Some(end @ [b'.', ..]) => end,
        _ => b"",
    }
}

/// The shortest path that means the same.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let slashes = memchr::memchr_iter(b'/', path).count();
    let mut kept: Vec<&[u8]> = Vec::with_capacity(slashes + 1);
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => drop(kept.pop()),
            b".." if rooted => {}
            other => kept.push(other),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
