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
mod function;
mod lex;
mod parse;
pub mod print;
mod registry;
mod sprig;
mod template;
mod tree;
mod types;
pub mod unicode;
mod value;

pub use context::{COSTLY_FUNCTIONS, Context, Limit, Limits, Random};
pub use error::{Error, ExecMistake, Mistake, ParseMistake, TypeMistake};
pub use function::{Args, Call, Func, FuncError};
pub use registry::Functions;
pub use template::Template;
pub use types::{Kind, Named, Type};
pub use value::{List, Map, Object, Str, Value};
