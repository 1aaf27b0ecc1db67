//! Dictionaries: maps from text to anything. `set`, `unset` and `merge` change the map that they are given, as in Go.

use super::equal::copy_of;
use super::{A, MAP, Outcome, S, merge, pay_for_entries, strval};
use crate::context::{Context, STRING};
use crate::function::{Args, Call, Func, FuncError};
use crate::types::Type;
use crate::value::{Map, Value};

pub(super) static FUNCS: &[Func] = &[
    Func::new("dict", &[A], dict).variadic(),
    Func::new("get", &[MAP, S], |_, args| {
        Ok(args.map(0)?.get(args.bytes(1)?).unwrap_or_else(|| "".into()))
    }),
    Func::new("set", &[MAP, S, A], set),
    Func::new("unset", &[MAP, S], |_, args| {
        drop(args.map(0)?.remove(args.bytes(1)?));
        Ok(args.any(0)?.clone())
    }),
    Func::new("hasKey", &[MAP, S], |_, args| {
        Ok(args.map(0)?.contains(args.bytes(1)?).into())
    }),
    Func::new("pluck", &[S, MAP], pluck).variadic(),
    Func::new("keys", &[MAP], keys).variadic(),
    Func::new("values", &[MAP], |context, args| {
        let map = args.map(0)?;
        context.allocate_items(map.len())?;
        // The entries lie here and there, and each element is counted.
        context.steps(map.len() as u64 / 2)?;
        let values = map.entries().values().cloned().collect();
        Ok(Value::list(values))
    }),
    Func::new("pick", &[MAP, S], pick).variadic(),
    Func::new("omit", &[MAP, S], omit).variadic(),
    Func::new("merge", &[MAP, MAP], |context, args| merged(context, args, false, true)).variadic(),
    Func::new("mustMerge", &[MAP, MAP], |context, args| {
        merged(context, args, false, false)
    })
    .variadic(),
    Func::new("mergeOverwrite", &[MAP, MAP], |context, args| {
        merged(context, args, true, true)
    })
    .variadic(),
    Func::new("mustMergeOverwrite", &[MAP, MAP], |context, args| {
        merged(context, args, true, false)
    })
    .variadic(),
    Func::new("deepCopy", &[A], DEEP_COPY),
    Func::new("mustDeepCopy", &[A], DEEP_COPY),
    Func::new("dig", &[A], dig).variadic(),
];

const DEEP_COPY: Call = |context, args| copy_of(context, args.any(0)?);

/// Keys and values in turn; a last key without a value gets "".
fn dict(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    context.allocate_map(args.len() / 2 + 1)?;
    let map = Map::new(&Type::Any);
    for pair in args.rest(0).chunks(2) {
        let [key, value @ ..] = pair else { continue };
        let value = value.first().cloned().unwrap_or_else(|| "".into());
        // Printing the key, finding its place.
        context.step()?;
        let key = strval(context, key)?;
        context.allocate(STRING)?;
        let _fresh = map.insert(key, value);
    }
    Ok(Value::Map(map))
}

fn set(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    context.allocate_entries(1)?;
    if !args.map(0)?.insert(args.str(1)?.clone(), args.any(2)?.clone()) {
        return Err(FuncError::Failed("assignment to entry in nil map"));
    }
    Ok(args.any(0)?.clone())
}

fn pluck(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let key = args.bytes(0)?;
    context.allocate_items(args.len())?;
    let mut found = Vec::with_capacity(args.len());
    for index in 1..args.len() {
        found.extend(args.map(index)?.get(key));
    }
    Ok(Value::list(found))
}

fn keys(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let mut found = Vec::new();
    for index in 0..args.len() {
        let map = args.map(index)?;
        // Once as it grows, twice as it moves, and the list of it.
        context.allocate_items(map.len().saturating_mul(3))?;
        context.steps(map.len() as u64 / 2)?;
        found.extend(map.entries().keys().cloned());
    }
    Ok(Value::strings(found))
}

fn pick(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let map = args.map(0)?;
    context.allocate_map(args.len())?;
    let picked = Map::new(&Type::Any);
    for index in 1..args.len() {
        let key = args.str(index)?;
        if let Some(value) = map.get(key) {
            let _fresh = picked.insert(key.clone(), value);
        }
    }
    Ok(Value::Map(picked))
}

fn omit(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let map = args.map(0)?;
    pay_for_entries(context, map)?;
    let kept: Map = map.to_vec().into_iter().collect();
    for index in 1..args.len() {
        drop(kept.remove(args.bytes(index)?));
    }
    Ok(Value::Map(kept))
}

/// A map that is nil becomes a new one; `forgiving` gives "" where the maps do not fit together.
fn merged(context: &mut Context<'_>, args: Args<'_>, overwrite: bool, forgiving: bool) -> Outcome {
    let mut into = args.map(0)?.clone();
    for index in 1..args.len() {
        let from = args.map(index)?;
        if into.is_nil() && !from.is_nil() {
            into = Map::new(&Type::Any);
        }
        match merge::merge(context, &into, from, overwrite)? {
            merge::Fit::Merged => {}
            merge::Fit::Different if forgiving => return Ok("".into()),
            merge::Fit::Different => return Err(FuncError::Failed("the maps do not fit together")),
        }
    }
    Ok(Value::Map(into))
}

/// `dig "a" "b" default dict`: the value under a path of keys, or the default as soon as a key is missing.
fn dig(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let [path @ .., default, dict] = args.rest(0) else {
        return Err(FuncError::Failed("dig needs at least three arguments"));
    };
    if path.is_empty() {
        return Err(FuncError::Failed("dig needs at least three arguments"));
    }
    let mut at = dict.clone();
    if path.iter().any(|key| !matches!(key, Value::String(_))) {
        return Err(FuncError::Failed("the keys of dig are strings"));
    }
    for key in path {
        let (Value::String(key), Value::Map(map)) = (key, &at) else {
            return Err(FuncError::Failed("dig found no dictionary on its way"));
        };
        if *map.element_type() != Type::Any {
            return Err(FuncError::Failed("dig found no dictionary on its way"));
        }
        match map.get(key) {
            Some(value) => at = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(at)
}
