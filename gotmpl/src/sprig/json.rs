//! JSON, as Go's `encoding/json` reads and writes it.

mod read;
mod write;

use super::{A, Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};

use write::Style;

pub(super) static FUNCS: &[Func] = &[
    Func::new("fromJson", &[S], |context, args| {
        Ok(read::read(context, args.bytes(0)?)?.value)
    }),
    Func::new("mustFromJson", &[S], |context, args| {
        let found = read::read(context, args.bytes(0)?)?;
        if found.flawed {
            Err(FuncError::Failed("no valid JSON"))
        } else {
            Ok(found.value)
        }
    }),
    Func::new("toJson", &[A], |context, args| {
        or_empty(json(context, args, Style::Compact))
    }),
    Func::new("toPrettyJson", &[A], |context, args| {
        or_empty(json(context, args, Style::Pretty))
    }),
    Func::new("toRawJson", &[A], |context, args| json(context, args, Style::Raw)),
    Func::new("mustToJson", &[A], |context, args| json(context, args, Style::Compact)),
    Func::new("mustToPrettyJson", &[A], |context, args| {
        json(context, args, Style::Pretty)
    }),
    Func::new("mustToRawJson", &[A], |context, args| json(context, args, Style::Raw)),
];

fn json(context: &mut Context<'_>, args: Args<'_>, style: Style) -> Outcome {
    text(write::write(context, args.any(0)?, style)?)
}

/// `toJson` gives "" for what JSON cannot say.
fn or_empty(outcome: Outcome) -> Outcome {
    match outcome {
        Err(FuncError::Failed(_)) => text(""),
        other => other,
    }
}
