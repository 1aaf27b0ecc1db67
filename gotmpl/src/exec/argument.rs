//! Words as arguments, checked against the type of the parameter.

use crate::error::TypeMistake;
use crate::exec::evaluate::{Given, ideal};
use crate::exec::{Exec, Outcome};
use crate::tree::{Operand, Term};
use crate::types::{Kind, Type};
use crate::value::Value;

/// A value for a parameter, or why it is not accepted.
pub(super) type Checked = Result<Value, TypeMistake>;

impl Exec<'_, '_, '_> {
    /// The value of a word for a parameter of this type.
    pub(super) fn argument(&mut self, operand: &Operand, typ: Type, dot: &Value) -> Outcome<Checked> {
        let value = match &operand.term {
            Term::Dot => dot.clone(),
            Term::Nil => return Ok(nil(typ)),
            Term::Field(_) | Term::Variable(..) | Term::Chain(..) => self.fields(operand, dot, Given::NOTHING)?,
            Term::Pipe(pipe) => self.deeper(operand.at, |exec| exec.pipe(pipe, dot))?,
            Term::Function(callee) => self.function(*callee, operand.at, dot, Given::NOTHING)?,
            Term::Bool(_) | Term::Number(_) | Term::String(_) => return constant(operand, typ),
        };
        Ok(fitting(value, typ))
    }
}

/// `nil` as an argument.
fn nil(typ: Type) -> Checked {
    match typ {
        Type::Any => Ok(Value::Nil),
        Type::Reflect | Type::List(_) | Type::Map(_) => Ok(Value::zero(typ)),
        _ => Err(TypeMistake::NoValue { wanted: typ }),
    }
}

/// A value for a parameter: Go's assignability.
pub(super) fn fitting(value: Value, typ: Type) -> Checked {
    match (&value, typ) {
        (Value::NoValue, _) => nil(typ),
        (_, Type::Any | Type::Reflect) => Ok(value),
        (Value::Nil, _) => Err(TypeMistake::WrongType {
            wanted: typ,
            got: Type::Any,
        }),
        _ => match value.type_of() {
            Some(got) if got != typ => Err(TypeMistake::WrongType { wanted: typ, got }),
            _ => Ok(value),
        },
    }
}

/// A constant takes the type of the parameter where it can.
fn constant(operand: &Operand, typ: Type) -> Outcome<Checked> {
    let wrong = Err(TypeMistake::WrongConstant { wanted: typ });
    Ok(match (&operand.term, typ.kind()) {
        (Term::Number(number), _) if matches!(typ, Type::Any | Type::Reflect) => Ok(ideal(number, operand.at)?),
        (Term::Bool(value), _) if matches!(typ, Type::Any | Type::Reflect) => Ok(Value::Bool(*value)),
        (Term::String(text), _) if matches!(typ, Type::Any | Type::Reflect) => Ok(Value::String(text.clone())),
        (Term::Bool(value), Kind::Bool) => Ok(Value::Bool(*value)),
        (Term::String(text), Kind::String) => Ok(Value::String(text.clone())),
        (Term::Number(number), kind) => {
            let value = match kind {
                Kind::Int => number.int.map(Value::Int),
                Kind::Int64 => number.int.map(Value::Int64),
                // Go cuts what does not fit.
                Kind::Uint8 => number.uint.map(|uint| Value::Uint8(uint as u8)),
                Kind::Uint32 => number.uint.map(|uint| Value::Uint32(uint as u32)),
                Kind::Uint64 => number.uint.map(Value::Uint64),
                Kind::Float64 => number.float.map(Value::Float64),
                Kind::Complex128 => number
                    .complex
                    .map(|(real, imaginary)| Value::Complex128(real, imaginary)),
                _ => None,
            };
            value.map_or(wrong, Ok)
        }
        _ => wrong,
    })
}
