//! Dates, times and durations.
//!
//! The present is the rendering's own [`Context::now`], whose zone is the local one. Zones come from the data that is
//! compiled in, so that a template gives the same on every machine.

mod civil;
mod duration;
mod format;
mod layout;
mod methods;
mod parse;
mod time;
mod zone;

use super::{A, Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Call, Func, FuncError};
use crate::types::Type;
use crate::value::Value;

pub(super) use time::Time;
use zone::Zone;

const TIME: Type = Type::Named(&time::TIME);

pub(super) static FUNCS: &[Func] = &[
    Func::new("now", &[], |context, _| Ok(Value::object(now(context)))).nondeterministic(),
    Func::new("date", &[S, A], |context, args| {
        let zone = local(context);
        formatted(context, args.bytes(0)?, args.any(1)?, zone)
    })
    .nondeterministic(),
    Func::new("htmlDate", &[A], |context, args| {
        let zone = local(context);
        formatted(context, b"2006-01-02", args.any(0)?, zone)
    })
    .nondeterministic(),
    Func::new("dateInZone", &[S, A, S], DATE_IN_ZONE).nondeterministic(),
    Func::new("date_in_zone", &[S, A, S], DATE_IN_ZONE).nondeterministic(),
    Func::new("htmlDateInZone", &[A, S], |context, args| {
        let zone = named(context, args.bytes(1)?);
        formatted(context, b"2006-01-02", args.any(0)?, zone)
    })
    .nondeterministic(),
    Func::new("dateModify", &[S, TIME], DATE_MODIFY),
    Func::new("date_modify", &[S, TIME], DATE_MODIFY),
    Func::new("mustDateModify", &[S, TIME], MUST_DATE_MODIFY),
    Func::new("must_date_modify", &[S, TIME], MUST_DATE_MODIFY),
    Func::new("toDate", &[S, S], |context, args| {
        Ok(Value::object(parsed(context, args)?.unwrap_or_else(Time::zero)))
    }),
    Func::new("mustToDate", &[S, S], |context, args| {
        parsed(context, args)?
            .map(Value::object)
            .ok_or(FuncError::Failed("the text is no date of this form"))
    }),
    Func::new("unixEpoch", &[TIME], |_, args| {
        text(args.object::<Time>(0)?.seconds.to_string())
    }),
    Func::new("ago", &[A], ago).nondeterministic(),
    Func::new("duration", &[A], |_, args| {
        let seconds = match args.any(0)? {
            Value::String(text) => super::cast::parse_int(text, 10).unwrap_or_else(|nearest| nearest),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        text(duration::show(seconds.wrapping_mul(duration::SECOND)))
    }),
    Func::new("durationRound", &[A], duration_round).nondeterministic(),
];

/// A layout and a text in it as a time.
fn parsed(context: &mut Context<'_>, args: Args<'_>) -> Result<Option<Time>, FuncError> {
    let (layout, value) = (args.bytes(0)?, args.bytes(1)?);
    context.steps(4 + (layout.len() + value.len()) as u64 / 4)?;
    Ok(parse::parse(layout, value, &local(context)))
}

const DATE_IN_ZONE: Call = |context, args| {
    let zone = named(context, args.bytes(2)?);
    formatted(context, args.bytes(0)?, args.any(1)?, zone)
};

const DATE_MODIFY: Call = |_, args| {
    let time = args.object::<Time>(1)?;
    let by = duration::parse(args.bytes(0)?);
    by.map_or_else(|| args.any(1).cloned(), |by| Ok(Value::object(time.plus(by))))
};

const MUST_DATE_MODIFY: Call = |_, args| {
    let by = duration::parse(args.bytes(0)?).ok_or(FuncError::Failed("no duration"))?;
    Ok(Value::object(args.object::<Time>(1)?.plus(by)))
};

fn now(context: &Context<'_>) -> Time {
    let now = context.now();
    Time {
        seconds: now.timestamp().as_second(),
        nanoseconds: u32::try_from(now.timestamp().subsec_nanosecond()).unwrap_or(0),
        zone: local(context),
    }
    .with_nonnegative_fraction(now.timestamp().as_nanosecond())
}

fn local(context: &Context<'_>) -> Zone {
    Zone::Local(context.now().time_zone().clone())
}

/// An unknown zone is UTC.
fn named(context: &Context<'_>, name: &[u8]) -> Zone {
    Zone::named(name, &local(context)).unwrap_or(Zone::Utc)
}

/// The moment that a value stands for: a time, or seconds since 1970; the present for everything else.
fn moment(context: &Context<'_>, value: &Value) -> Time {
    let at = |seconds: i64| Time {
        seconds,
        nanoseconds: 0,
        zone: local(context),
    };
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => at(*seconds),
        Value::Object(object) => object
            .as_any()
            .downcast_ref::<Time>()
            .cloned()
            .unwrap_or_else(|| now(context)),
        _ => now(context),
    }
}

fn pay_for_layout(context: &mut Context<'_>, layout: &[u8]) -> Result<(), FuncError> {
    context.allocate(layout.len().saturating_mul(4))?;
    Ok(context.steps(2 + layout.len() as u64 / 2)?)
}

fn formatted(context: &mut Context<'_>, layout: &[u8], value: &Value, zone: Zone) -> Outcome {
    pay_for_layout(context, layout)?;
    let time = Time {
        zone,
        ..moment(context, value)
    };
    text(format::format(&time, layout))
}

fn ago(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let passed = now(context).since(&moment(context, args.any(0)?));
    text(duration::show(duration::rounded(passed, duration::SECOND)))
}

/// The largest unit alone: `2d`, `5mo`.
fn duration_round(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let length = match args.any(0)? {
        Value::String(text) => duration::parse(text).unwrap_or(0),
        Value::Int64(nanoseconds) => *nanoseconds,
        Value::Object(object) => match object.as_any().downcast_ref::<Time>() {
            Some(time) => now(context).since(time),
            None => 0,
        },
        _ => 0,
    };
    let length = length.unsigned_abs();
    let hour = 3_600_000_000_000;
    for (unit, name) in [
        (hour * 24 * 365, "y"),
        (hour * 24 * 30, "mo"),
        (hour * 24, "d"),
        (hour, "h"),
        (hour / 60, "m"),
        (hour / 3600, "s"),
    ] {
        if length > unit {
            return text(format!("{}{name}", length / unit));
        }
    }
    text("0s")
}
