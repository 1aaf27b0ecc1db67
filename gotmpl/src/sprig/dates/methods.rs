//! The methods of times and durations that templates call: `now.Year`, `$a.Sub $b`.

use super::time::{DURATION, Duration, NameOfTime, Time};
use super::zone::Zone;
use super::{TIME, civil, duration, format};
use crate::function::{Args, Func, FuncError};
use crate::sprig::{A, I, Outcome, S, text};
use crate::types::Type;
use crate::value::Value;

const LENGTH: Type = Type::Named(&DURATION);

fn time<'a>(args: Args<'a>, index: usize) -> Result<&'a Time, FuncError> {
    args.object(index)
}

/// An argument of type `time.Duration`: an object of that type, or a number that the template writes out.
fn length(args: Args<'_>, index: usize) -> Result<i64, FuncError> {
    let number = args.any(index)?.integer().ok_or(FuncError::Signature)?;
    i64::try_from(number).map_err(|_| FuncError::Signature)
}

fn number(number: impl Into<i64>) -> Outcome {
    Ok(Value::Int(number.into()))
}

fn span(nanoseconds: i64) -> Outcome {
    Ok(Value::object(Duration(nanoseconds)))
}

fn since_epoch(args: Args<'_>, unit: i64) -> Outcome {
    let time = time(args, 0)?;
    let fraction = i64::from(time.nanoseconds) / unit;
    let units = time.seconds.wrapping_mul(duration::SECOND / unit);
    Ok(Value::Int64(units.wrapping_add(fraction)))
}

fn in_zone(args: Args<'_>, zone: Zone) -> Outcome {
    Ok(Value::object(Time {
        zone,
        ..time(args, 0)?.clone()
    }))
}

/// `AddDate 0 1 0`: years, months and days on, carried over where the month is too short.
fn add_date(args: Args<'_>) -> Outcome {
    let time = time(args, 0)?;
    let at = time.civil();
    // What lies further away than calendars reach stays where it is.
    let near = |index| args.int(index).map(|count| count.clamp(-1_000_000_000, 1_000_000_000));
    let (years, months, days) = (near(1)?, near(2)?, near(3)?);
    let shown = civil::to_seconds(
        at.year.saturating_add(years),
        i64::from(at.month) + months,
        i64::from(at.day) + days,
        at.hour.into(),
        at.minute.into(),
        at.second.into(),
    );
    Ok(Value::object(Time {
        seconds: time.zone.moment_of(shown),
        ..time.clone()
    }))
}

fn order(args: Args<'_>) -> Result<std::cmp::Ordering, FuncError> {
    let (a, b) = (time(args, 0)?, time(args, 1)?);
    Ok((a.seconds, a.nanoseconds).cmp(&(b.seconds, b.nanoseconds)))
}

pub(super) static METHODS: &[Func] = &[
    Func::new("Year", &[A], |_, args| number(time(args, 0)?.civil().year)),
    Func::new("Month", &[A], |_, args| {
        let number = time(args, 0)?.civil().month;
        Ok(Value::object(NameOfTime { number, is_month: true }))
    }),
    Func::new("Weekday", &[A], |_, args| {
        let number = time(args, 0)?.civil().weekday;
        Ok(Value::object(NameOfTime {
            number,
            is_month: false,
        }))
    }),
    Func::new("Day", &[A], |_, args| number(time(args, 0)?.civil().day)),
    Func::new("YearDay", &[A], |_, args| number(time(args, 0)?.civil().day_of_year)),
    Func::new("Hour", &[A], |_, args| number(time(args, 0)?.civil().hour)),
    Func::new("Minute", &[A], |_, args| number(time(args, 0)?.civil().minute)),
    Func::new("Second", &[A], |_, args| number(time(args, 0)?.civil().second)),
    Func::new("Nanosecond", &[A], |_, args| number(time(args, 0)?.nanoseconds)),
    Func::new("Unix", &[A], |_, args| Ok(Value::Int64(time(args, 0)?.seconds))),
    Func::new("UnixMilli", &[A], |_, args| since_epoch(args, 1_000_000)),
    Func::new("UnixMicro", &[A], |_, args| since_epoch(args, 1000)),
    Func::new("UnixNano", &[A], |_, args| since_epoch(args, 1)),
    Func::new("Format", &[A, S], |context, args| {
        super::pay_for_layout(context, args.bytes(1)?)?;
        text(format::format(time(args, 0)?, args.bytes(1)?))
    }),
    Func::new("String", &[A], |_, args| {
        text(format::format(
            time(args, 0)?,
            b"2006-01-02 15:04:05.999999999 -0700 MST",
        ))
    }),
    Func::new("UTC", &[A], |_, args| in_zone(args, Zone::Utc)),
    Func::new("Local", &[A], |context, args| {
        let zone = super::local(context);
        in_zone(args, zone)
    }),
    Func::new("IsZero", &[A], |_, args| Ok(time(args, 0)?.is_zero().into())),
    Func::new("Add", &[A, LENGTH], |_, args| {
        Ok(Value::object(time(args, 0)?.plus(length(args, 1)?)))
    }),
    Func::new("AddDate", &[A, I, I, I], |_, args| add_date(args)),
    Func::new("Sub", &[A, TIME], |_, args| span(time(args, 0)?.since(time(args, 1)?))),
    Func::new("Before", &[A, TIME], |_, args| Ok(order(args)?.is_lt().into())),
    Func::new("After", &[A, TIME], |_, args| Ok(order(args)?.is_gt().into())),
    Func::new("Equal", &[A, TIME], |_, args| Ok(order(args)?.is_eq().into())),
    Func::new("Compare", &[A, TIME], |_, args| number(order(args)? as i64)),
];

fn own(args: Args<'_>) -> Result<i64, FuncError> {
    Ok(args.object::<Duration>(0)?.0)
}

/// Whole units and the fraction apart, as Go divides.
fn in_units(args: Args<'_>, unit: i64) -> Outcome {
    let length = own(args)?;
    Ok(Value::Float64(
        (length / unit) as f64 + (length % unit) as f64 / unit as f64,
    ))
}

pub(super) static DURATION_METHODS: &[Func] = &[
    Func::new("Hours", &[A], |_, args| in_units(args, 3600 * duration::SECOND)),
    Func::new("Minutes", &[A], |_, args| in_units(args, 60 * duration::SECOND)),
    Func::new("Seconds", &[A], |_, args| in_units(args, duration::SECOND)),
    Func::new("Milliseconds", &[A], |_, args| Ok(Value::Int64(own(args)? / 1_000_000))),
    Func::new("Microseconds", &[A], |_, args| Ok(Value::Int64(own(args)? / 1000))),
    Func::new("Nanoseconds", &[A], |_, args| Ok(Value::Int64(own(args)?))),
    Func::new("String", &[A], |_, args| text(duration::show(own(args)?))),
    Func::new("Abs", &[A], |_, args| span(own(args)?.saturating_abs())),
    Func::new("Truncate", &[A, LENGTH], |_, args| {
        let (length, unit) = (own(args)?, length(args, 1)?);
        span(if unit <= 0 { length } else { length - length % unit })
    }),
    Func::new("Round", &[A, LENGTH], |_, args| {
        let (length, unit) = (own(args)?, length(args, 1)?);
        span(if unit <= 0 {
            length
        } else {
            duration::rounded(length, unit)
        })
    }),
];

pub(super) static NAME_METHODS: &[Func] = &[Func::new("String", &[A], |_, args| {
    text(crate::value::Object::text(args.object::<NameOfTime>(0)?).unwrap_or_default())
})];
