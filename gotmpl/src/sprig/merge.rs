//! What `merge` and `mergeOverwrite` do, which is what the `mergo` library does with maps of anything.

use super::pay_for_entries;
use crate::context::Context;
use crate::function::FuncError;
use crate::types::{Kind, Type};
use crate::value::{Map, Str, Value};

/// Whether two maps could be merged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Merged,
    /// Somewhere a pointer meets something else.
    Different,
}

/// Puts into `into` what `from` has: what `into` lacks or has empty, or (`overwrite`) everything; maps within maps are
/// merged in their turn, and otherwise shared.
pub(super) fn merge(context: &mut Context<'_>, into: &Map, from: &Map, overwrite: bool) -> Result<Fit, FuncError> {
    pay_for_entries(context, from)?;
    for (key, theirs) in from.to_vec() {
        context.step()?;
        let ours = into.get(&key);
        if is_nil(&theirs) {
            if overwrite {
                put(context, into, &key, theirs)?;
            }
            continue;
        }
        if matches!(theirs.kind(), Kind::Struct | Kind::Pointer | Kind::Map) {
            let fit = context.deeper(|context| inner(context, ours.as_ref(), &theirs, overwrite))?;
            if fit == Fit::Different {
                return Ok(fit);
            }
        }
        let fills = match &ours {
            Some(ours) if !is_empty(ours) => match theirs.kind() {
                // Lists are replaced as a whole, and maps have been merged above.
                Kind::Slice => overwrite,
                Kind::Map if ours.kind() == Kind::Map => false,
                _ => overwrite,
            },
            _ => true,
        };
        if fills {
            put(context, into, &key, theirs)?;
        }
    }
    Ok(Fit::Merged)
}

fn put(context: &mut Context<'_>, into: &Map, key: &Str, value: Value) -> Result<(), FuncError> {
    let fits = match into.element_type() {
        Type::Any => true,
        typ => value.type_of().as_ref() == Some(typ),
    };
    if !fits {
        return Err(FuncError::Failed("a value does not fit into the map"));
    }
    context.allocate_entries(1)?;
    if !into.insert(key.clone(), value) {
        return Err(FuncError::Failed("assignment to entry in nil map"));
    }
    Ok(())
}

/// The values under one key, of which theirs is a map or an object.
fn inner(context: &mut Context<'_>, ours: Option<&Value>, theirs: &Value, overwrite: bool) -> Result<Fit, FuncError> {
    match (ours, theirs) {
        (Some(Value::Map(ours)), Value::Map(theirs)) if !ours.is_nil() => merge(context, ours, theirs, overwrite),
        (Some(Value::Object(ours)), theirs) if ours.go_type().kind == Kind::Pointer => {
            let different = !overwrite && theirs.kind() != Kind::Pointer && !theirs.is_nil();
            Ok(if different { Fit::Different } else { Fit::Merged })
        }
        _ => Ok(Fit::Merged),
    }
}

/// An element that is nil: of interface type without a value. (A nil list in an element is a value.)
fn is_nil(value: &Value) -> bool {
    matches!(value, Value::Nil | Value::NoValue)
}

fn is_empty(value: &Value) -> bool {
    !value.truth()
}
