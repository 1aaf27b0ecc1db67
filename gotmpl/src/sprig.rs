//! The functions that sprig 3.3 brings, but for the three that look at the machine (`env`, `expandenv`,
//! `getHostByName`): 208 of them, by subject.
//!
//! They behave as the originals do, with their quirks, so that a template gives the same here as there. Where Go leaves
//! the order of a map open (`keys`, `values`), it is that of the keys here.

mod cases;
mod cast;
mod certificates;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod digests;
mod encoding;
mod equal;
mod json;
mod keys;
mod lines;
mod lists;
mod math;
mod merge;
mod passwords;
mod paths;
mod random;
mod regex;
mod runes;
mod semver;
mod strings;
mod url;

use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::print;
use crate::types::Type;
use crate::value::{Map, Str, Value};

/// What a function gives.
type Outcome = Result<Value, FuncError>;

// The types of parameters that occur again and again.
const A: Type = Type::Any;
const B: Type = Type::Bool;
const I: Type = Type::Int;
const S: Type = Type::String;
const MAP: Type = Type::Map(&Type::Any);

/// Every function, subject by subject.
pub(crate) static SUBJECTS: &[&[Func]] = &[
    cases::FUNCS,
    certificates::FUNCS,
    dates::FUNCS,
    defaults::FUNCS,
    dicts::FUNCS,
    digests::FUNCS,
    encoding::FUNCS,
    json::FUNCS,
    keys::FUNCS,
    lines::FUNCS,
    lists::FUNCS,
    math::FUNCS,
    passwords::FUNCS,
    paths::FUNCS,
    random::FUNCS,
    regex::FUNCS,
    semver::FUNCS,
    strings::FUNCS,
    url::FUNCS,
];

fn text(bytes: impl Into<Str>) -> Outcome {
    Ok(Value::string(bytes))
}

/// An argument that is to be read rune by rune, paid for: a step for so many bytes, beside what the engine takes for
/// handing them over.
fn by_runes<'a>(
    context: &mut Context<'_>,
    args: Args<'a>,
    index: usize,
    bytes_a_step: u64,
) -> Result<&'a [u8], FuncError> {
    let whole = args.bytes(index)?;
    context.steps(whole.len() as u64 / bytes_a_step)?;
    Ok(whole)
}

/// Bytes of a key that take a step when a map is searched for it: it is compared with some ten others.
const KEY_BYTES_A_STEP: u64 = 256;

/// Pays for a copy of a map's entries, and for finding their places in another map.
fn pay_for_entries(context: &mut Context<'_>, map: &Map) -> Result<(), FuncError> {
    context.allocate_map(map.len())?;
    // Beside the map there is for a while a list of its entries.
    context.allocate_items(map.len().saturating_mul(2))?;
    let bytes: u64 = map.entries().keys().map(|key| key.len() as u64).sum();
    Ok(context.steps(bytes / KEY_BYTES_A_STEP)?)
}

/// A value as text: Go's `%v`.
fn strval(context: &mut Context<'_>, value: &Value) -> Result<Vec<u8>, FuncError> {
    match value {
        Value::String(text) => {
            context.allocate(text.len())?;
            context.steps(text.len() as u64 / 1024)?;
            Ok(text.to_vec())
        }
        other => {
            context.step()?;
            Ok(print::sprint(context, std::slice::from_ref(other))?)
        }
    }
}

/// Go's `whole[from:to]`, which panics where the places do not fit.
fn cut(whole: &[u8], from: i64, to: i64) -> Result<&[u8], FuncError> {
    let places = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    places
        .and_then(|(from, to)| whole.get(from..to))
        .ok_or(FuncError::Failed("slice bounds out of range"))
}
