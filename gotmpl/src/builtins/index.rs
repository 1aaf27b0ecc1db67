//! `index`, `slice`, `len`.

use crate::context::Context;
use crate::function::{Args, FuncError};
use crate::types::Kind;
use crate::value::{Str, Value};

/// A number as a place in something of this length (the length itself included).
fn place(index: &Value, length: usize) -> Result<usize, FuncError> {
    let number = match index {
        Value::NoValue | Value::Nil => return Err(FuncError::Failed("cannot index slice/array with nil")),
        index => index.integer(),
    };
    let number = number.ok_or(FuncError::Failed("cannot index slice/array with a value of this type"))?;
    let place = usize::try_from(number).ok().filter(|place| *place <= length);
    place.ok_or(FuncError::Failed("index out of range"))
}

pub(super) fn index(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut item = args.any(0)?.clone();
    if item.kind() == Kind::Invalid {
        return Err(FuncError::Failed("index of untyped nil"));
    }
    for index in args.rest(1) {
        item = match &item {
            Value::List(list) => {
                let place = place(index, list.len())?;
                list.get(place).ok_or(FuncError::Failed("index out of range"))?
            }
            Value::String(text) => {
                let byte = text.get(place(index, text.len())?);
                Value::Uint8(*byte.ok_or(FuncError::Failed("index out of range"))?)
            }
            Value::Map(map) => match index {
                Value::String(key) => map.get(key).unwrap_or_else(|| Value::zero(*map.element_type())),
                Value::NoValue | Value::Nil => return Err(FuncError::Failed("value is nil; should be of type string")),
                _ => return Err(FuncError::Failed("value has a wrong type; should be string")),
            },
            Value::NoValue | Value::Nil => return Err(FuncError::Failed("index of nil pointer")),
            _ => return Err(FuncError::Failed("can't index an item of this type")),
        };
    }
    Ok(item)
}

pub(super) fn slice(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let (len, capacity) = match args.any(0)? {
        Value::NoValue | Value::Nil => return Err(FuncError::Failed("slice of untyped nil")),
        Value::String(_) if args.len() == 4 => return Err(FuncError::Failed("cannot 3-index slice a string")),
        Value::String(text) => (text.len(), text.len()),
        Value::List(list) => (list.len(), list.capacity()),
        _ => return Err(FuncError::Failed("can't slice an item of this type")),
    };
    let indexes = args.rest(1);
    if indexes.len() > 3 {
        return Err(FuncError::Failed("too many slice indexes"));
    }
    let at = |nth: usize, default: usize| match indexes.get(nth) {
        Some(index) => place(index, capacity),
        None => Ok(default),
    };
    let (from, to, limit) = (at(0, 0)?, at(1, len)?, at(2, capacity)?);
    let sliced = match args.any(0)? {
        Value::String(text) => text.get(from..to).map(|text| Value::String(Str::from(text))),
        Value::List(list) => list.slice(from, to, limit).map(Value::List),
        _ => None,
    };
    sliced.ok_or(FuncError::Failed("invalid slice index"))
}

pub(super) fn len(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let len = match args.any(0)? {
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::NoValue | Value::Nil => return Err(FuncError::Failed("len of nil pointer")),
        _ => return Err(FuncError::Failed("len of a value of this type")),
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}
