//! Defaults, choices, failing on purpose, and questions about types.

use super::equal::deep_equal;
use super::{A, B, Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::value::Value;

pub(super) static FUNCS: &[Func] = &[
    Func::new("default", &[A, A], |_, args| {
        let given = args.rest(1).first().filter(|given| given.truth());
        Ok(given.unwrap_or(args.any(0)?).clone())
    })
    .variadic(),
    Func::new("empty", &[A], |_, args| Ok((!args.any(0)?.truth()).into())),
    Func::new("coalesce", &[A], |_, args| {
        Ok(args
            .rest(0)
            .iter()
            .find(|value| value.truth())
            .cloned()
            .unwrap_or(Value::Nil))
    })
    .variadic(),
    Func::new("all", &[A], |_, args| Ok(args.rest(0).iter().all(Value::truth).into())).variadic(),
    Func::new("any", &[A], |_, args| Ok(args.rest(0).iter().any(Value::truth).into())).variadic(),
    Func::new("ternary", &[A, A, B], |_, args| {
        Ok(args.any(usize::from(!args.bool(2)?))?.clone())
    }),
    // The message is a value of the template, so it is not in the error.
    Func::new("fail", &[S], |_, _| Err(FuncError::Failed("the template says so"))),
    Func::new("typeOf", &[A], |_, args| text(type_name(args.any(0)?))),
    Func::new("typeIs", &[S, A], |_, args| {
        Ok((args.bytes(0)? == type_name(args.any(1)?).as_bytes()).into())
    }),
    Func::new("typeIsLike", &[S, A], type_is_like),
    Func::new("kindOf", &[A], |_, args| text(args.any(0)?.kind().to_string())),
    Func::new("kindIs", &[S, A], |_, args| {
        Ok((args.bytes(0)? == args.any(1)?.kind().to_string().as_bytes()).into())
    }),
    Func::new("deepEqual", &[A, A], |context, args| {
        Ok(deep_equal(context, args.any(0)?, args.any(1)?)?.into())
    }),
];

fn type_name(value: &Value) -> String {
    value
        .type_of()
        .map_or_else(|| "<nil>".to_owned(), |typ| typ.to_string())
}

fn type_is_like(_: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let name = type_name(args.any(1)?);
    let wanted = args.bytes(0)?;
    let plain = name.strip_prefix('*').unwrap_or(&name);
    Ok((wanted == name.as_bytes() || wanted == plain.as_bytes()).into())
}
