//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::context::Context;
use crate::function::{Args, FuncError};
use crate::types::Kind;
use crate::value::Value;

const BAD_TYPE: FuncError = FuncError::Failed("invalid type for comparison");
const INCOMPATIBLE: FuncError = FuncError::Failed("incompatible types for comparison");
const NOT_COMPARABLE: FuncError = FuncError::Failed("non-comparable type");

/// The kinds among which values are compared.
#[derive(PartialEq, Clone, Copy)]
enum Basic {
    Bool,
    Integer { signed: bool },
    Float,
    Complex,
    String,
}

fn basic(value: &Value) -> Option<Basic> {
    Some(match value.kind() {
        Kind::Bool => Basic::Bool,
        Kind::Int | Kind::Int64 => Basic::Integer { signed: true },
        Kind::Uint8 | Kind::Uint32 | Kind::Uint64 => Basic::Integer { signed: false },
        Kind::Float64 => Basic::Float,
        Kind::Complex128 => Basic::Complex,
        Kind::String => Basic::String,
        _ => return None,
    })
}

fn equal(a: &Value, b: &Value) -> Result<bool, FuncError> {
    // Signed and unsigned numbers are compared by their value.
    if let (Some(a), Some(b)) = (a.integer(), b.integer()) {
        return Ok(a == b);
    }
    if basic(a) != basic(b) {
        let both = a.kind() != Kind::Invalid && b.kind() != Kind::Invalid;
        return if both { Err(INCOMPATIBLE) } else { Ok(false) };
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Float64(a), Value::Float64(b)) => Ok(a == b),
        (Value::Complex128(a, b), Value::Complex128(c, d)) => Ok(a == c && b == d),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        _ => equal_others(a, b),
    }
}

/// Lists, maps and objects: with nil only, but for objects.
fn equal_others(a: &Value, b: &Value) -> Result<bool, FuncError> {
    let kinds = [a.kind(), b.kind()];
    if a.kind() != b.kind() && !kinds.contains(&Kind::Invalid) {
        return Err(NOT_COMPARABLE);
    }
    if a.is_nil() || b.is_nil() {
        return Ok(a.is_nil() == b.is_nil());
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.go_type().kind == Kind::Pointer => Ok(Rc::ptr_eq(a, b)),
        (Value::Object(a), Value::Object(b)) => Ok(a.go_type() == b.go_type() && a.equals(b.as_ref())),
        _ => Err(NOT_COMPARABLE),
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, FuncError> {
    let (basic_a, basic_b) = (basic(a).ok_or(BAD_TYPE)?, basic(b).ok_or(BAD_TYPE)?);
    if let (Some(a), Some(b)) = (a.integer(), b.integer()) {
        return Ok(a < b);
    }
    if basic_a != basic_b {
        return Err(INCOMPATIBLE);
    }
    match (a, b) {
        (Value::Float64(a), Value::Float64(b)) => Ok(a.partial_cmp(b) == Some(Ordering::Less)),
        (Value::String(a), Value::String(b)) => Ok(a < b),
        _ => Err(BAD_TYPE),
    }
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, FuncError> {
    Ok(less(a, b)? || equal(a, b)?)
}

fn bool(result: Result<bool, FuncError>) -> Result<Value, FuncError> {
    result.map(Value::Bool)
}

/// Whether the first is equal to any of the others.
pub(super) fn eq(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let first = args.any(0)?;
    if args.len() == 1 {
        return Err(FuncError::Failed("missing argument for comparison"));
    }
    for other in args.rest(1) {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    bool(equal(args.any(0)?, args.any(1)?).map(|equal| !equal))
}

pub(super) fn lt(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    bool(less(args.any(0)?, args.any(1)?))
}

pub(super) fn le(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    bool(less_or_equal(args.any(0)?, args.any(1)?))
}

/// Not less or equal: also for NaN.
pub(super) fn gt(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    bool(less_or_equal(args.any(0)?, args.any(1)?).map(|less| !less))
}

/// Not less.
pub(super) fn ge(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    bool(less(args.any(0)?, args.any(1)?).map(|less| !less))
}
