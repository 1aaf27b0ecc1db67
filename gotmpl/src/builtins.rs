//! The functions of the language, except `and` and `or`, which the evaluator implements.

mod compare;
mod escape;
mod index;

use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::print;
use crate::types::Type;
use crate::value::Value;

const ANY: &[Type] = &[Type::Any];
const ONE: &[Type] = &[Type::Reflect];
const TWO: &[Type] = &[Type::Reflect, Type::Reflect];

/// All of them.
pub(crate) static FUNCTIONS: &[Func] = &[
    Func::new("call", TWO, call).variadic(),
    Func::new("eq", TWO, compare::eq).variadic(),
    Func::new("ge", TWO, compare::ge),
    Func::new("gt", TWO, compare::gt),
    Func::new("html", ANY, escape::html).variadic(),
    Func::new("index", TWO, index::index).variadic(),
    Func::new("js", ANY, escape::js).variadic(),
    Func::new("le", TWO, compare::le),
    Func::new("len", ONE, index::len),
    Func::new("lt", TWO, compare::lt),
    Func::new("ne", TWO, compare::ne),
    Func::new("not", ONE, not),
    Func::new("print", ANY, print_).variadic(),
    Func::new("printf", &[Type::String, Type::Any], printf).variadic(),
    Func::new("println", ANY, println).variadic(),
    Func::new("slice", TWO, index::slice).variadic(),
    Func::new("urlquery", ANY, escape::urlquery).variadic(),
];

/// Values are never functions here, so there is nothing to call.
fn call(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    Err(FuncError::Failed(match args.any(0)? {
        Value::NoValue | Value::Nil => "call of nil",
        _ => "the value is no function",
    }))
}

fn not(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    Ok(Value::Bool(!args.any(0)?.truth()))
}

fn print_(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    Ok(Value::string(print::sprint(context, args.rest(0))?))
}

fn printf(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    Ok(Value::string(print::sprintf(context, args.bytes(0)?, args.rest(1))?))
}

fn println(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    Ok(Value::string(print::sprintln(context, args.rest(0))?))
}
