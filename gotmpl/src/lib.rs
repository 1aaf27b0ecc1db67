#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - [`Template::parse`] reads a text, [`Template::render`] and [`Template::render_strings`] make the output.
//! - [`Functions`] says which functions a template may call: the language's own, sprig's, yours ([`Func`]).
//! - [`Context`] has the time, the random source, and what a rendering may use up ([`Limits`]).
//! - [`Value`] is what Go's reflection would see; [`Object`] adds a type.
//! - [`mod@print`] is Go's `fmt`, [`unicode`] its view of UTF-8.

mod builtins;
mod context;
mod error;
mod exec;
mod fields;
mod func;
mod funcs;
mod functions;
mod lex;
mod parse;
pub mod print;
mod template;
mod tree;
mod types;
pub mod unicode;
mod value;

pub use context::{COSTLY_FUNCTIONS, Context, Limit, Limits, Random};
pub use error::{Error, ExecMistake, Mistake, ParseMistake, TypeMistake};
pub use func::{Args, Call, Func, FuncError};
pub use functions::Functions;
pub use template::Template;
pub use types::{Kind, Named, Type};
pub use value::{List, Map, Object, Str, Value};
