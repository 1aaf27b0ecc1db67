//! Go's `text/template` in Rust: the language, its way of printing, and its values, faithfully and within limits.
//!
//! The crate is pure: it reads no clock, no environment, no file and no random source of its own. Time and randomness
//! are arguments ([`Context`]), and so is what a rendering may use up ([`Limits`]). No error carries a value.

mod builtins;
mod context;
mod error;
mod exec;
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

pub use context::{Context, Limit, Limits, Random};
pub use error::{Error, ExecMistake, Mistake, ParseMistake, TypeMistake};
pub use func::{Args, Call, Func, FuncError};
pub use functions::Functions;
pub use template::Template;
pub use types::{Kind, Named, Type};
pub use value::{List, Map, Object, Str, Value};
