//! Values of declared types.

use std::any::Any;

use crate::function::Func;
use crate::types::Named;
use crate::value::Value;

/// A value of a declared Go type: `time.Time`, `*semver.Version`, `sprig.certificate`. Immutable.
///
/// To add one: implement this for your type, and let a function return [`Value::object`] of it. A function that accepts
/// it declares the parameter [`Type::Named`](crate::Type::Named) and reads it with
/// [`Args::object`](crate::Args::object).
pub trait Object: Any {
    /// Its type: one `static` for all values of the type.
    fn go_type(&self) -> &'static Named;

    /// The object itself, for a function that knows its Rust type.
    fn as_any(&self) -> &dyn Any;

    /// The exported field of this name: `$cert.Key`.
    fn field(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// The method of this name: `now.Year`, `$version.Major`. The function gets the receiver as its first argument,
    /// and its first parameter stands for it.
    fn method(&self, name: &str) -> Option<&'static Func> {
        let _ = name;
        None
    }

    /// The result of the methods `Error` or `String`, where the Go type has one of them: it is printed this way.
    fn text(&self) -> Option<Vec<u8>> {
        None
    }

    /// The fields of a struct in their order, as `%v` prints it where there is no text.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Approximate size in bytes, where that may be large: a function is charged for reading it.
    fn size(&self) -> usize {
        0
    }

    /// The number, where the kind is an integer: `time.Duration`, `time.Month`.
    fn integer(&self) -> Option<i64> {
        None
    }

    /// Go's `==` between two values of this type. (Of a pointer's kind, the engine compares which object it is, and does
    /// not ask.)
    fn equals(&self, other: &dyn Object) -> bool;

    /// Go's `reflect.DeepEqual`, which follows pointers.
    fn deeply_equals(&self, other: &dyn Object) -> bool {
        self.equals(other)
    }
}
