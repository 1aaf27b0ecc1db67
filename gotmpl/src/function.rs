//! How functions are added to templates.
//!
//! A function is a `static` [`Func`]: its name, the Go types of its parameters, and a Rust function.
//!
//! ```
//! use gotmpl::{Args, Context, Func, FuncError, Type, Value};
//!
//! /// `func(count int, str string) string`
//! static REPEAT: Func = Func::new("repeat", &[Type::Int, Type::String], repeat);
//!
//! fn repeat(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
//!     let count = usize::try_from(args.int(0)?).map_err(|_| FuncError::Failed("negative count"))?;
//!     let text = args.bytes(1)?;
//!     // What may grow is paid for before it is made.
//!     context.allocate(text.len().saturating_mul(count))?;
//!     Ok(Value::string(text.repeat(count)))
//! }
//! ```
//!
//! The engine checks arguments against the signature as Go does (their number; literals typed by the parameter; nil
//! only where the type has a nil), so a function gets what it declared. Optional properties of a function:
//! [`Func::variadic`] (the last parameter any number of times), [`Func::nondeterministic`].
//!
//! A function that loops calls [`Context::step`] (or [`Context::steps`]), and one that creates something larger than
//! its arguments calls [`Context::allocate`] before. The engine charges one step for a call, and the bytes of a
//! returned string.

use std::fmt;
use std::rc::Rc;

use thiserror::Error;

use crate::context::{Context, Limit};
use crate::types::Type;
use crate::value::{List, Map, Object, Str, Value};

/// The Rust function of a [`Func`]: checked arguments to a result.
pub type Call = fn(&mut Context<'_>, Args<'_>) -> Result<Value, FuncError>;

/// A function (or a method, see [`Object::method`]) of templates.
#[derive(Clone, Copy)]
pub struct Func {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Type],
    pub(crate) variadic: bool,
    pub(crate) nondeterministic: bool,
    pub(crate) call: Call,
}

impl Func {
    /// A function with this name and these parameters.
    pub const fn new(name: &'static str, params: &'static [Type], call: Call) -> Func {
        Func {
            name,
            params,
            variadic: false,
            nondeterministic: false,
            call,
        }
    }

    /// Makes the last parameter variadic: Go's `...`, any number of arguments, also zero.
    pub const fn variadic(mut self) -> Func {
        self.variadic = true;
        self
    }

    /// Marks a function whose result may vary: it reads the clock or the random source.
    pub const fn nondeterministic(mut self) -> Func {
        self.nondeterministic = true;
        self
    }

    /// The name that templates call it by.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The Go types of the parameters; a method's first is its receiver.
    pub fn params(&self) -> &'static [Type] {
        self.params
    }

    /// Whether the last parameter takes any number of arguments.
    pub fn is_variadic(&self) -> bool {
        self.variadic
    }

    /// Calls it without checking the arguments, which the engine does first.
    ///
    /// # Errors
    /// Those of the function.
    pub fn call(&self, context: &mut Context<'_>, args: &[Value]) -> Result<Value, FuncError> {
        (self.call)(context, Args(args))
    }

    /// Whether the result may vary between renderings.
    pub fn is_nondeterministic(&self) -> bool {
        self.nondeterministic
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "func {}", self.name)
    }
}

/// The arguments of a call, those of a variadic parameter one after the other.
///
/// The typed readers return [`FuncError::Signature`] only where the function reads an argument that it did not declare.
#[derive(Clone, Copy)]
pub struct Args<'a>(pub(crate) &'a [Value]);

impl<'a> Args<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All arguments from this index on; empty when there are fewer.
    pub fn rest(&self, from: usize) -> &'a [Value] {
        self.0.get(from..).unwrap_or_default()
    }

    /// Any value.
    pub fn any(&self, index: usize) -> Result<&'a Value, FuncError> {
        self.0.get(index).ok_or(FuncError::Signature)
    }

    /// A string.
    pub fn str(&self, index: usize) -> Result<&'a Str, FuncError> {
        match self.any(index)? {
            Value::String(text) => Ok(text),
            _ => Err(FuncError::Signature),
        }
    }

    /// The bytes of a string.
    pub fn bytes(&self, index: usize) -> Result<&'a [u8], FuncError> {
        self.str(index).map(Str::as_bytes)
    }

    /// A bool.
    pub fn bool(&self, index: usize) -> Result<bool, FuncError> {
        match self.any(index)? {
            Value::Bool(value) => Ok(*value),
            _ => Err(FuncError::Signature),
        }
    }

    /// An `int` or an `int64`.
    pub fn int(&self, index: usize) -> Result<i64, FuncError> {
        match self.any(index)? {
            Value::Int(value) | Value::Int64(value) => Ok(*value),
            _ => Err(FuncError::Signature),
        }
    }

    /// A `uint32`.
    pub fn uint32(&self, index: usize) -> Result<u32, FuncError> {
        match self.any(index)? {
            Value::Uint32(value) => Ok(*value),
            _ => Err(FuncError::Signature),
        }
    }

    /// A `float64`.
    pub fn float64(&self, index: usize) -> Result<f64, FuncError> {
        match self.any(index)? {
            Value::Float64(value) => Ok(*value),
            _ => Err(FuncError::Signature),
        }
    }

    /// A list.
    pub fn list(&self, index: usize) -> Result<&'a List, FuncError> {
        match self.any(index)? {
            Value::List(list) => Ok(list),
            _ => Err(FuncError::Signature),
        }
    }

    /// A map.
    pub fn map(&self, index: usize) -> Result<&'a Map, FuncError> {
        match self.any(index)? {
            Value::Map(map) => Ok(map),
            _ => Err(FuncError::Signature),
        }
    }

    /// An object of a Rust type.
    pub fn object<T: Object>(&self, index: usize) -> Result<&'a T, FuncError> {
        match self.any(index)? {
            Value::Object(object) => {
                let object: &'a Rc<dyn Object> = object;
                object.as_any().downcast_ref().ok_or(FuncError::Signature)
            }
            _ => Err(FuncError::Signature),
        }
    }
}

/// Why a function failed. Contains only fixed text of this program, so no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FuncError {
    /// What Go reports as `error calling f: …`: the function returned an error or panicked.
    #[error("{0}")]
    Failed(&'static str),
    /// The rendering exceeded one of its limits.
    #[error(transparent)]
    Limit(#[from] Limit),
    /// The function read an argument that its signature does not have: a mistake in the function.
    #[error("the function and its signature do not agree")]
    Signature,
}
