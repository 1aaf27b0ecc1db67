//! Deep equality and deep copies: Go's `reflect.DeepEqual` and what `deepCopy` does.

use super::{KEY_BYTES_A_STEP, pay_for_entries, semver};
use crate::context::Context;
use crate::function::FuncError;
use crate::value::{List, Map, Value};

/// Whether both have the same type and, all the way down, the same content. A list or a map that is nil is not equal to
/// one that is empty, and NaN to nothing.
pub(super) fn deep_equal(context: &mut Context<'_>, a: &Value, b: &Value) -> Result<bool, FuncError> {
    context.step()?;
    if a.type_of() != b.type_of() {
        return Ok(false);
    }
    Ok(match (a, b) {
        (Value::Nil | Value::NoValue, Value::Nil | Value::NoValue) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Float64(a), Value::Float64(b)) => a == b,
        (Value::Complex128(a, c), Value::Complex128(b, d)) => a == b && c == d,
        (Value::String(a), Value::String(b)) => {
            context.steps(a.len() as u64 / 4096)?;
            a == b
        }
        (Value::List(a), Value::List(b)) => return context.deeper(|context| equal_lists(context, a, b)),
        (Value::Map(a), Value::Map(b)) => return context.deeper(|context| equal_maps(context, a, b)),
        (Value::Object(a), Value::Object(b)) => {
            context.steps(a.size() as u64 / 4096)?;
            a.deeply_equals(b.as_ref())
        }
        (a, b) => a.integer() == b.integer(),
    })
}

fn equal_lists(context: &mut Context<'_>, a: &List, b: &List) -> Result<bool, FuncError> {
    if a.is_nil() != b.is_nil() || a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.items().iter().zip(b.items().iter()) {
        if !deep_equal(context, a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(context: &mut Context<'_>, a: &Map, b: &Map) -> Result<bool, FuncError> {
    if a.is_nil() != b.is_nil() || a.len() != b.len() {
        return Ok(false);
    }
    if a.is_same(b) {
        return Ok(true);
    }
    for (key, a) in a.entries().iter() {
        context.steps(key.len() as u64 / KEY_BYTES_A_STEP)?;
        match b.get(key) {
            Some(b) if deep_equal(context, a, &b)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// A value that shares no list and no map with the original.
fn deep_copy(context: &mut Context<'_>, value: &Value) -> Result<Value, FuncError> {
    context.step()?;
    match value {
        Value::List(list) if !list.is_nil() => {
            // The elements, and their copies.
            context.allocate_list(list.len().saturating_mul(2))?;
            let copies = each(context, list.to_vec())?;
            Ok(Value::List(List::new(list.element_type(), copies)))
        }
        Value::Map(map) if !map.is_nil() => {
            pay_for_entries(context, map)?;
            let (keys, values): (Vec<_>, Vec<_>) = map.to_vec().into_iter().unzip();
            let copy = Map::new(map.element_type());
            for (key, value) in keys.into_iter().zip(each(context, values)?) {
                let _fresh = copy.insert(key, value);
            }
            Ok(Value::Map(copy))
        }
        Value::Object(object) => Ok(semver::copied(object.as_ref()).unwrap_or_else(|| value.clone())),
        other => Ok(other.clone()),
    }
}

/// `deepCopy`: nil alone cannot be copied, as in the original.
pub(super) fn copy_of(context: &mut Context<'_>, value: &Value) -> Result<Value, FuncError> {
    match value {
        Value::Nil | Value::NoValue => Err(FuncError::Failed("nil cannot be copied")),
        other => deep_copy(context, other),
    }
}

fn each(context: &mut Context<'_>, values: Vec<Value>) -> Result<Vec<Value>, FuncError> {
    let copy = |context: &mut Context<'_>| -> Result<_, FuncError> {
        values.iter().map(|value| deep_copy(context, value)).collect()
    };
    context.deeper::<_, FuncError>(copy)
}
