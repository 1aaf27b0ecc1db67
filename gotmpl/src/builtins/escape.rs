//! `html`, `js`, `urlquery`: the arguments as `print` prints them, escaped.

use crate::context::Context;
use crate::function::{Args, FuncError};
use crate::print;
use crate::unicode;
use crate::value::{Str, Value};

/// Bytes processed one by one in about the time of a step.
const BYTES_A_STEP: u64 = 16;

/// What is to be escaped. A lone string needs no printing.
fn printed(context: &mut Context<'_>, args: Args<'_>) -> Result<Str, FuncError> {
    if let [Value::String(text)] = args.rest(0) {
        return Ok(text.clone());
    }
    // Nil prints here as a result does, and not as `print` prints it.
    let shown = args.rest(0).iter().map(|value| match value {
        Value::Nil | Value::NoValue => "<no value>".into(),
        value => value.clone(),
    });
    let shown: Vec<_> = shown.collect();
    Ok(Str::from(print::sprint(context, &shown)?))
}

pub(super) fn html(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let text = printed(context, args)?;
    context.grow(text.len().saturating_mul(2))?;
    context.steps(text.len() as u64 / BYTES_A_STEP)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let special = |byte: &u8| matches!(byte, 0 | b'"' | b'\'' | b'&' | b'<' | b'>');
    while let Some(place) = rest.iter().position(special) {
        let (plain, after) = rest.split_at(place);
        let (byte, after) = after.split_at(1);
        out.extend_from_slice(plain);
        out.extend_from_slice(match byte {
            b"\"" => b"&#34;",
            b"'" => b"&#39;",
            b"&" => b"&amp;",
            b"<" => b"&lt;",
            b">" => b"&gt;",
            _ => "\u{fffd}".as_bytes(),
        });
        rest = after;
    }
    out.extend_from_slice(rest);
    Ok(Value::string(out))
}

pub(super) fn js(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let text = printed(context, args)?;
    context.allocate(text.len().saturating_mul(6))?;
    context.steps(text.len() as u64 / BYTES_A_STEP)?;
    let mut out = Vec::with_capacity(text.len());
    for (c, bytes) in unicode::chars(&text) {
        match c.unwrap_or(char::REPLACEMENT_CHARACTER) {
            c @ ('\\' | '\'' | '"') => out.extend([b'\\', c as u8]),
            c @ ('<' | '>' | '&' | '=' | '\0'..' ') => {
                out.extend(b"\\u00");
                out.extend(print::hexadecimal(c as u8));
            }
            // A byte that is not UTF-8 counts as U+FFFD, which is printable, and stays as it is.
            c if c.is_ascii() || unicode::is_printable(c) => out.extend_from_slice(bytes),
            c => out.extend(format!("\\u{:04X}", u32::from(c)).bytes()),
        }
    }
    Ok(Value::string(out))
}

pub(super) fn urlquery(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let text = printed(context, args)?;
    context.allocate(text.len().saturating_mul(3))?;
    context.steps(text.len() as u64 / BYTES_A_STEP)?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text.iter() {
        match byte {
            b' ' => out.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            byte if byte.is_ascii_alphanumeric() => out.push(*byte),
            byte => {
                out.push(b'%');
                out.extend(print::hexadecimal(*byte));
            }
        }
    }
    Ok(Value::string(out))
}
