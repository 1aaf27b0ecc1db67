//! Lists. All but `slice` copy; each has a `must` twin that fails where Go's returns an error, which is everywhere the
//! first one panics, so that both are one here.

use super::cast::to_int64;
use super::equal::deep_equal;
use super::{A, I, Outcome};
use crate::context::{Context, LIST};
use crate::function::{Args, Call, Func, FuncError};
use crate::types::Type;
use crate::value::{List, Value};

pub(super) static FUNCS: &[Func] = &[
    Func::new("list", &[A], list).variadic(),
    Func::new("tuple", &[A], list).variadic(),
    Func::new("first", &[A], FIRST),
    Func::new("mustFirst", &[A], FIRST),
    Func::new("last", &[A], LAST),
    Func::new("mustLast", &[A], LAST),
    Func::new("rest", &[A], REST),
    Func::new("mustRest", &[A], REST),
    Func::new("initial", &[A], INITIAL),
    Func::new("mustInitial", &[A], INITIAL),
    Func::new("append", &[A, A], push),
    Func::new("mustAppend", &[A, A], push),
    Func::new("push", &[A, A], push),
    Func::new("mustPush", &[A, A], push),
    Func::new("prepend", &[A, A], prepend),
    Func::new("mustPrepend", &[A, A], prepend),
    Func::new("reverse", &[A], reverse),
    Func::new("mustReverse", &[A], reverse),
    Func::new("uniq", &[A], uniq),
    Func::new("mustUniq", &[A], uniq),
    Func::new("without", &[A, A], without).variadic(),
    Func::new("mustWithout", &[A, A], without).variadic(),
    Func::new("has", &[A, A], has),
    Func::new("mustHas", &[A, A], has),
    Func::new("compact", &[A], compact),
    Func::new("mustCompact", &[A], compact),
    Func::new("slice", &[A, A], slice).variadic(),
    Func::new("mustSlice", &[A, A], slice).variadic(),
    Func::new("concat", &[A], concat).variadic(),
    Func::new("chunk", &[I, A], chunk),
    Func::new("mustChunk", &[I, A], chunk),
];

const FIRST: Call = |_, args| Ok(window(args)?.get(0).unwrap_or(Value::Nil));
const LAST: Call = |_, args| {
    let list = window(args)?;
    Ok(list
        .len()
        .checked_sub(1)
        .and_then(|last| list.get(last))
        .unwrap_or(Value::Nil))
};
const REST: Call = |context, args| without_ends(context, args, 1, 0);
const INITIAL: Call = |context, args| without_ends(context, args, 0, 1);

/// The first argument, which must be a list.
fn window<'a>(args: Args<'a>) -> Result<&'a List, FuncError> {
    as_list(args.any(0)?)
}

fn as_list(value: &Value) -> Result<&List, FuncError> {
    match value {
        Value::List(list) => Ok(list),
        _ => Err(FuncError::Failed("not a list")),
    }
}

/// The elements, paid for.
fn copied(context: &mut Context<'_>, list: &List) -> Result<Vec<Value>, FuncError> {
    context.allocate_items(list.len())?;
    Ok(list.to_vec())
}

fn list(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    context.allocate_items(args.len())?;
    Ok(Value::list(args.rest(0).to_vec()))
}

/// Without so many elements at both ends; of an empty list, nil.
fn without_ends(context: &mut Context<'_>, args: Args<'_>, front: usize, back: usize) -> Outcome {
    let list = window(args)?;
    if list.is_empty() {
        return Ok(Value::List(List::nil(&Type::Any)));
    }
    context.allocate_items(list.len())?;
    let kept = list.items().get(front..list.len() - back).unwrap_or_default().to_vec();
    Ok(Value::list(kept))
}

fn push(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (list, last) = (window(args)?, args.any(1)?);
    joined(context, [&*list.items(), std::slice::from_ref(last)])
}

fn prepend(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (list, first) = (window(args)?, args.any(1)?);
    joined(context, [std::slice::from_ref(first), &*list.items()])
}

/// The elements one after the other, paid for before room is made for all of them.
fn joined<'v>(context: &mut Context<'_>, parts: impl IntoIterator<Item = &'v [Value]> + Clone) -> Outcome {
    let count = parts
        .clone()
        .into_iter()
        .map(<[Value]>::len)
        .fold(0, usize::saturating_add);
    context.allocate_items(count)?;
    let mut items = Vec::with_capacity(count);
    parts.into_iter().for_each(|part| items.extend_from_slice(part));
    Ok(Value::list(items))
}

fn reverse(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let mut items = copied(context, window(args)?)?;
    items.reverse();
    Ok(Value::list(items))
}

/// The elements that `keeps` takes, given those kept so far.
fn filter(
    context: &mut Context<'_>,
    list: &List,
    keeps: impl Fn(&mut Context<'_>, &Value, &[Value]) -> Result<bool, FuncError>,
) -> Outcome {
    context.allocate_items(list.len())?;
    let mut kept = Vec::with_capacity(list.len());
    for item in &*list.items() {
        if keeps(context, item, &kept)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn is_in(context: &mut Context<'_>, value: &Value, items: &[Value]) -> Result<bool, FuncError> {
    for item in items {
        if deep_equal(context, value, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    filter(context, window(args)?, |context, item, kept| {
        Ok(!is_in(context, item, kept)?)
    })
}

fn without(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    filter(context, window(args)?, |context, item, _| {
        Ok(!is_in(context, item, args.rest(1))?)
    })
}

fn has(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    match args.any(1)? {
        Value::Nil | Value::NoValue => Ok(false.into()),
        haystack => Ok(is_in(context, args.any(0)?, &as_list(haystack)?.items())?.into()),
    }
}

fn compact(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let mut items = copied(context, window(args)?)?;
    items.retain(Value::truth);
    Ok(Value::list(items))
}

/// The window between two places on the same list; of an empty list, nil.
fn slice(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let list = window(args)?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let place = |index: usize, default: usize| match args.any(index) {
        Ok(value) => usize::try_from(to_int64(value)).ok(),
        Err(_) => Some(default),
    };
    let out_of_range = FuncError::Failed("slice bounds out of range");
    let (from, to) = place(1, 0).zip(place(2, list.len())).ok_or(out_of_range)?;
    list.slice(from, to, list.capacity())
        .map(Value::List)
        .ok_or(out_of_range)
}

fn concat(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    // A borrow of each, a view of each.
    context.room(args.len().saturating_mul(128))?;
    let lists: Vec<_> = args.rest(0).iter().map(as_list).collect::<Result<_, _>>()?;
    if lists.iter().all(|list| list.is_empty()) {
        return Ok(Value::List(List::nil(&Type::Any)));
    }
    let parts: Vec<_> = lists.iter().map(|list| list.items()).collect();
    joined(context, parts.iter().map(|part| &**part))
}

/// Lists of `size` elements; the original calculates in floats, which decides about odd sizes.
fn chunk(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (size, list) = (args.int(0)?, as_list(args.any(1)?)?);
    let length = list.len() as f64;
    let count = ((length - 1.0) / size as f64).floor() + 1.0;
    let wrong = FuncError::Failed("chunks cannot have this size");
    if !(0.0..=length + 1.0).contains(&count) {
        return Err(wrong);
    }
    let items = copied(context, list)?;
    context.allocate_strings(count as usize, (count as usize).saturating_mul(LIST))?;
    context.allocate_items(items.len())?;
    let mut chunks = Vec::with_capacity(count as usize);
    let mut rest = items.as_slice();
    for number in 1..=count as usize {
        let last = (length % size as f64).floor() as i64;
        let wanted = if number == count as usize && last != 0 {
            last
        } else {
            size
        };
        let wanted = usize::try_from(wanted).map_err(|_| wrong)?;
        let (chunk, others) = rest.split_at_checked(wanted).ok_or(wrong)?;
        chunks.push(Value::list(chunk.to_vec()));
        rest = others;
    }
    Ok(Value::List(List::new(&Type::List(&Type::Any), chunks)))
}
