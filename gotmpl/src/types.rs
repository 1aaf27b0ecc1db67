//! Go's types, as far as templates can see them.

use std::fmt;

/// A type of Go, static or of a value. Its [`fmt::Display`] is Go's `%T`: `map[string]interface {}`, `[]int`, `time.Time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: any value; a parameter of this type accepts everything.
    Any,
    /// `reflect.Value`: as [`Type::Any`], but for functions of the language, which also see an absent value.
    Reflect,
    /// `bool`.
    Bool,
    /// `int`, 64 bits wide here.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`: an indexed byte of a string.
    Uint8,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`: bytes, by convention UTF-8.
    String,
    /// A slice `[]T`.
    List(&'static Type),
    /// A map `map[string]T`; no other keys occur.
    Map(&'static Type),
    /// A type that a package declares, such as `time.Time`.
    Named(&'static Named),
}

/// A declared type; see [`Object`](crate::Object).
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// As `%T` prints it: `time.Time`, `*semver.Version`, `sprig.certificate`.
    pub name: &'static str,
    /// What it is underneath.
    pub kind: Kind,
}

/// Go's `reflect.Kind`. Its [`fmt::Display`] is Go's: `int64`, `map`, `ptr`, `invalid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No value, or an untyped nil.
    Invalid,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`.
    Uint8,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`.
    String,
    /// `slice`.
    Slice,
    /// `map`.
    Map,
    /// `struct`.
    Struct,
    /// `ptr`.
    Pointer,
    /// `interface`.
    Interface,
}

impl Type {
    /// The kind of values of this type.
    pub fn kind(self) -> Kind {
        match self {
            Type::Any => Kind::Interface,
            Type::Reflect => Kind::Struct,
            Type::Bool => Kind::Bool,
            Type::Int => Kind::Int,
            Type::Int64 => Kind::Int64,
            Type::Uint8 => Kind::Uint8,
            Type::Uint32 => Kind::Uint32,
            Type::Uint64 => Kind::Uint64,
            Type::Float64 => Kind::Float64,
            Type::Complex128 => Kind::Complex128,
            Type::String => Kind::String,
            Type::List(_) => Kind::Slice,
            Type::Map(_) => Kind::Map,
            Type::Named(named) => named.kind,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => f.write_str("interface {}"),
            Type::Reflect => f.write_str("reflect.Value"),
            Type::List(element) => write!(f, "[]{element}"),
            Type::Map(element) => write!(f, "map[string]{element}"),
            Type::Named(named) => f.write_str(named.name),
            basic => basic.kind().fmt(f),
        }
    }
}

impl Kind {
    /// Whether it is one of Go's integer kinds.
    pub fn is_integer(self) -> bool {
        matches!(
            self,
            Kind::Int | Kind::Int64 | Kind::Uint8 | Kind::Uint32 | Kind::Uint64
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Invalid => "invalid",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int64 => "int64",
            Kind::Uint8 => "uint8",
            Kind::Uint32 => "uint32",
            Kind::Uint64 => "uint64",
            Kind::Float64 => "float64",
            Kind::Complex128 => "complex128",
            Kind::String => "string",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Struct => "struct",
            Kind::Pointer => "ptr",
            Kind::Interface => "interface",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_print_as_go_prints_them() {
        for (typ, text) in [
            (Type::Any, "interface {}"),
            (Type::Map(&Type::Any), "map[string]interface {}"),
            (Type::Map(&Type::String), "map[string]string"),
            (Type::List(&Type::List(&Type::Any)), "[][]interface {}"),
            (Type::List(&Type::Int), "[]int"),
            (Type::Uint8, "uint8"),
        ] {
            assert_eq!(typ.to_string(), text);
        }
    }
}
