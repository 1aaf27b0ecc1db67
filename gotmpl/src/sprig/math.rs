//! Arithmetic with 64 bits, which overflows as Go's does, and with floats.

use std::fmt::Write as _;

use super::cast::{parse_int, to_float64, to_int64};
use super::{A, I, Outcome, S, decimal, strval, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::types::Type;
use crate::value::{List, Value};

pub(super) static FUNCS: &[Func] = &[
    Func::new("add", &[A], |_, args| fold(args.rest(0), 0, i64::wrapping_add)).variadic(),
    Func::new("add1", &[A], |_, args| {
        Ok(Value::Int64(to_int64(args.any(0)?).wrapping_add(1)))
    }),
    Func::new("sub", &[A, A], |_, args| {
        Ok(Value::Int64(
            to_int64(args.any(0)?).wrapping_sub(to_int64(args.any(1)?)),
        ))
    }),
    Func::new("div", &[A, A], |_, args| divide(args, i64::wrapping_div)),
    Func::new("mod", &[A, A], |_, args| divide(args, i64::wrapping_rem)),
    Func::new("mul", &[A, A], |_, args| fold(args.rest(0), 1, i64::wrapping_mul)).variadic(),
    Func::new("max", &[A, A], |_, args| fold(args.rest(0), i64::MIN, i64::max)).variadic(),
    Func::new("biggest", &[A, A], |_, args| fold(args.rest(0), i64::MIN, i64::max)).variadic(),
    Func::new("min", &[A, A], |_, args| fold(args.rest(0), i64::MAX, i64::min)).variadic(),
    Func::new("maxf", &[A, A], |_, args| fold_floats(args, larger)).variadic(),
    Func::new("minf", &[A, A], |_, args| fold_floats(args, smaller)).variadic(),
    Func::new("floor", &[A], |_, args| {
        Ok(Value::Float64(to_float64(args.any(0)?).floor()))
    }),
    Func::new("ceil", &[A], |_, args| {
        Ok(Value::Float64(to_float64(args.any(0)?).ceil()))
    }),
    Func::new("round", &[A, I, Type::Float64], round).variadic(),
    Func::new("addf", &[A], |context, args| {
        decimal::fold(context, 0.0, args.rest(0), decimal::Operation::Add)
    })
    .variadic(),
    Func::new("add1f", &[A], |context, args| {
        let one = [Value::Int(1)];
        decimal::fold(context, to_float64(args.any(0)?), &one, decimal::Operation::Add)
    }),
    Func::new("subf", &[A, A], |context, args| {
        decimals(context, args, decimal::Operation::Subtract)
    })
    .variadic(),
    Func::new("mulf", &[A, A], |context, args| {
        decimals(context, args, decimal::Operation::Multiply)
    })
    .variadic(),
    Func::new("divf", &[A, A], |context, args| {
        decimals(context, args, decimal::Operation::Divide)
    })
    .variadic(),
    Func::new("int", &[A], |_, args| Ok(Value::Int(to_int64(args.any(0)?)))),
    Func::new("int64", &[A], |_, args| Ok(Value::Int64(to_int64(args.any(0)?)))),
    Func::new("float64", &[A], |_, args| Ok(Value::Float64(to_float64(args.any(0)?)))),
    Func::new("atoi", &[S], |_, args| {
        Ok(Value::Int(
            parse_int(args.bytes(0)?, 10).unwrap_or_else(|nearest| nearest),
        ))
    }),
    Func::new("toDecimal", &[A], |context, args| {
        let digits = strval(context, args.any(0)?)?;
        Ok(Value::Int64(parse_int(&digits, 8).unwrap_or(0)))
    }),
    Func::new("until", &[I], |context, args| {
        let count = args.int(0)?;
        numbers(context, 0, count, if count < 0 { -1 } else { 1 }).map(list)
    }),
    Func::new("untilStep", &[I, I, I], |context, args| {
        numbers(context, args.int(0)?, args.int(1)?, args.int(2)?).map(list)
    }),
    Func::new("seq", &[I], seq).variadic(),
];

fn fold(values: &[Value], start: i64, step: impl Fn(i64, i64) -> i64) -> Outcome {
    Ok(Value::Int64(values.iter().map(to_int64).fold(start, step)))
}

fn fold_floats(args: Args<'_>, step: impl Fn(f64, f64) -> f64) -> Outcome {
    let first = to_float64(args.any(0)?);
    Ok(Value::Float64(args.rest(1).iter().map(to_float64).fold(first, step)))
}

/// Go's `math.Max`: a NaN wins over everything but an infinity.
fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

/// Go's `math.Min`.
fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

fn divide(args: Args<'_>, by: impl Fn(i64, i64) -> i64) -> Outcome {
    let (dividend, divisor) = (to_int64(args.any(0)?), to_int64(args.any(1)?));
    if divisor == 0 {
        return Err(FuncError::Failed("division by zero"));
    }
    Ok(Value::Int64(by(dividend, divisor)))
}

fn decimals(context: &mut Context<'_>, args: Args<'_>, operation: decimal::Operation) -> Outcome {
    decimal::fold(context, to_float64(args.any(0)?), args.rest(1), operation)
}

fn round(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (value, places) = (to_float64(args.any(0)?), args.int(1)?);
    let up_from = if args.len() > 2 { args.float64(2)? } else { 0.5 };
    let power = power_of_ten(places);
    let digit = power * value;
    let fraction = if digit.is_infinite() { f64::NAN } else { digit.fract() };
    let rounded = if fraction >= up_from {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Value::Float64(rounded / power))
}

/// Go's `math.Pow(10, exponent)`, whose last bit is not always that of the C library: squares are multiplied, with
/// mantissa and exponent apart.
fn power_of_ten(exponent: i64) -> f64 {
    let (mut left, negative) = (exponent.unsigned_abs(), exponent < 0);
    if left > 400 {
        return if negative { 0.0 } else { f64::INFINITY };
    }
    let (mut result, mut result_exponent) = (1.0f64, 0i32);
    // 10 = 0.625 · 2⁴
    let (mut square, mut square_exponent) = (0.625f64, 4i32);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
            result_exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if negative {
        result = 1.0 / result;
        result_exponent = -result_exponent;
    }
    // In two steps, so that the smallest numbers are reached without a detour through zero.
    let half = result_exponent / 2;
    result * 2f64.powi(half) * 2f64.powi(result_exponent - half)
}

/// From `start` to before `stop`; none when `step` leads away.
fn numbers(context: &mut Context<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let up = stop >= start;
    if (up && step <= 0) || (!up && step >= 0) {
        return Ok(Vec::new());
    }
    let count = stop.abs_diff(start).div_ceil(step.unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    context.allocate(count.saturating_mul(size_of::<i64>()))?;
    let mut found = Vec::with_capacity(count);
    // Go's sum overflows, and then the loop goes on from the other end.
    let mut at = start;
    while if up { at < stop } else { at > stop } {
        if found.len() % 64 == 0 {
            context.allocate_items(64)?;
        }
        // After an overflow there are more than were counted.
        context.grow_for_one(&found)?;
        found.push(at);
        at = at.wrapping_add(step);
    }
    Ok(found)
}

fn list(numbers: Vec<i64>) -> Value {
    Value::List(List::new(&Type::Int, numbers.into_iter().map(Value::Int).collect()))
}

/// `seq 2 3 9`: first, step, last. With one argument from 1, with two without a step.
fn seq(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end, beyond) = match args.len() {
        1 => (1, towards(1, args.int(0)?), args.int(0)?, towards(1, args.int(0)?)),
        2 => {
            let step = towards(args.int(0)?, args.int(1)?);
            (args.int(0)?, step, args.int(1)?, step)
        }
        3 => {
            let (start, step, end) = (args.int(0)?, args.int(1)?, args.int(2)?);
            if end < start && step > 0 {
                return text("");
            }
            (start, step, end, towards(start, end))
        }
        _ => return text(""),
    };
    let numbers = numbers(context, start, end.wrapping_add(beyond), step)?;
    let longest = numbers.len().saturating_mul(" -9223372036854775808".len());
    context.allocate(longest)?;
    let mut shown = String::with_capacity(longest);
    for (place, number) in numbers.iter().enumerate() {
        shown.push_str(if place > 0 { " " } else { "" });
        let _infallible = write!(shown, "{number}");
    }
    text(shown)
}
