//! The values of templates: Go's, with the Go type of each.
//!
//! Lists and maps are references, as Go's slices and maps are: a clone shares the content, and a change is seen
//! through every clone. Strings are bytes. Values live within one rendering and one thread.

mod list;
mod map;
mod object;
mod text;

use std::fmt;
use std::rc::Rc;

use crate::types::{Kind, Type};

pub use list::List;
pub use map::Map;
pub use object::Object;
pub use text::Str;

/// A value of a template.
///
/// Its [`fmt::Debug`] names the type and never the content: values are secrets.
#[derive(Clone)]
pub enum Value {
    /// No value at all: a missing key of a map, the result of an empty pipeline. It prints as `<no value>`. Only
    /// functions of the language see it; others get [`Value::Nil`].
    NoValue,
    /// Go's untyped nil in an `interface {}`.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `int64`.
    Int64(i64),
    /// `uint8`.
    Uint8(u8),
    /// `uint32`.
    Uint32(u32),
    /// `uint64`.
    Uint64(u64),
    /// `float64`.
    Float64(f64),
    /// `complex128`: real and imaginary part.
    Complex128(f64, f64),
    /// `string`.
    String(Str),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A value of a declared type: a time, a version, a certificate.
    Object(Rc<dyn Object>),
}

impl Value {
    /// A string.
    pub fn string(bytes: impl Into<Str>) -> Value {
        Value::String(bytes.into())
    }

    /// A list of type `[]interface {}`, as `list` makes it.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(&Type::Any, items))
    }

    /// A list of type `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Value {
        Value::List(List::new(&Type::String, items.into_iter().map(Value::string).collect()))
    }

    /// An object.
    pub fn object(object: impl Object) -> Value {
        Value::Object(Rc::new(object))
    }

    /// The type of the value; `None` for nil and for no value.
    pub fn type_of(&self) -> Option<Type> {
        Some(match self {
            Value::NoValue | Value::Nil => return None,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Int64(_) => Type::Int64,
            Value::Uint8(_) => Type::Uint8,
            Value::Uint32(_) => Type::Uint32,
            Value::Uint64(_) => Type::Uint64,
            Value::Float64(_) => Type::Float64,
            Value::Complex128(..) => Type::Complex128,
            Value::String(_) => Type::String,
            Value::List(list) => Type::List(list.element_type()),
            Value::Map(map) => Type::Map(map.element_type()),
            Value::Object(object) => Type::Named(object.go_type()),
        })
    }

    /// The kind of the value, [`Kind::Invalid`] for nil and for no value: Go's `reflect.ValueOf(v).Kind()`.
    pub fn kind(&self) -> Kind {
        self.type_of().map_or(Kind::Invalid, Type::kind)
    }

    /// The zero value of this type.
    pub fn zero(typ: Type) -> Value {
        match typ {
            Type::Reflect => Value::NoValue,
            // The zero of a declared type does not occur: no list or map of such elements is made.
            Type::Any | Type::Named(_) => Value::Nil,
            Type::Bool => Value::Bool(false),
            Type::Int => Value::Int(0),
            Type::Int64 => Value::Int64(0),
            Type::Uint8 => Value::Uint8(0),
            Type::Uint32 => Value::Uint32(0),
            Type::Uint64 => Value::Uint64(0),
            Type::Float64 => Value::Float64(0.0),
            Type::Complex128 => Value::Complex128(0.0, 0.0),
            Type::String => Value::String(Str::default()),
            Type::List(element) => Value::List(List::nil(element)),
            Type::Map(element) => Value::Map(Map::nil(element)),
        }
    }

    /// Whether `if` is true for it: not nil, not zero, not empty; a struct always is.
    pub fn truth(&self) -> bool {
        match self {
            Value::NoValue | Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Float64(value) => *value != 0.0,
            Value::Complex128(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Value::String(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            other => other.integer() != Some(0),
        }
    }

    /// The number, for every integer kind, also of declared types such as `time.Duration`.
    pub fn integer(&self) -> Option<i128> {
        Some(match self {
            Value::Int(value) | Value::Int64(value) => i128::from(*value),
            Value::Uint8(value) => i128::from(*value),
            Value::Uint32(value) => i128::from(*value),
            Value::Uint64(value) => i128::from(*value),
            Value::Object(object) => i128::from(object.integer()?),
            _ => return None,
        })
    }

    /// Whether it is nil of any type.
    pub fn is_nil(&self) -> bool {
        match self {
            Value::NoValue | Value::Nil => true,
            Value::List(list) => list.is_nil(),
            Value::Map(map) => map.is_nil(),
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.type_of() {
            Some(typ) => write!(f, "{typ}(…)"),
            None => f.write_str("nil"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::string(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_the_type_and_not_the_content() {
        assert_eq!(format!("{:?}", Value::from("canary")), "string(…)");
        assert_eq!(format!("{:?}", Value::list(vec!["canary".into()])), "[]interface {}(…)");
    }

    #[test]
    fn zero_empty_and_nil_are_false() {
        for value in [
            Value::NoValue,
            Value::Nil,
            Value::Int(0),
            Value::Uint64(0),
            Value::Float64(-0.0),
            "".into(),
            Value::list(Vec::new()),
            Value::zero(Type::Map(&Type::Any)),
        ] {
            assert!(!value.truth(), "{value:?}");
        }
        for value in [
            Value::Int(-1),
            Value::Float64(f64::NAN),
            "0".into(),
            Value::list(vec![Value::Nil]),
        ] {
            assert!(value.truth(), "{value:?}");
        }
    }
}
