//! Values of declared types.

use std::any::Any;

use crate::function::Func;
use crate::types::Named;
use crate::value::Value;

/// A value of a declared Go type: `time.Time`, `*semver.Version`, `sprig.certificate`. Immutable.
///
/// To add one: implement this for a type of yours and let a function return [`Value::object`] of it; a function that
/// takes it declares the parameter [`Type::Named`](crate::Type::Named) and reads it with
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

    /// What the methods `Error` or `String` give, where the Go type has one of them: so it is printed.
    fn text(&self) -> Option<Vec<u8>> {
        None
    }

    /// The fields of a struct in their order, as `%v` prints it where there is no text.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// About how many bytes it holds, where that may be many: what a function pays to read it.
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

    /// Go's `reflect.DeepEqual`, which looks at what lies behind the pointers within.
    fn deeply_equals(&self, other: &dyn Object) -> bool {
        self.equals(other)
    }
}
