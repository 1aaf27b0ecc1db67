//! Pipelines, commands, fields.

use crate::error::ExecMistake;
use crate::exec::{BYTES_A_STEP, Exec, Outcome, fail, limited};
use crate::tree::{Command, Number, Operand, Pipe, Term};
use crate::types::Type;
use crate::value::{Str, Value};

/// Fields of a chain that are looked up in about the time of a step.
const FIELDS_A_STEP: u64 = 4;

/// What a word is called with: the words after it, and the value that came through `|`.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) words: &'a [Operand],
    pub(super) piped: Option<&'a Value>,
}

impl Given<'_> {
    pub(super) const NOTHING: Given<'static> = Given {
        words: &[],
        piped: None,
    };

    fn is_nothing(&self) -> bool {
        self.words.is_empty() && self.piped.is_none()
    }
}

impl Exec<'_, '_, '_> {
    /// The value of a pipeline, after its variables have been set to it.
    pub(super) fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Outcome<Value> {
        let mut value = None;
        for command in &pipe.commands {
            limited(pipe.at, self.context.step())?;
            let result = match self.command(command, dot, value.as_ref())? {
                // A nil in an interface is an absent value outside of it.
                Value::Nil => Value::NoValue,
                result => result,
            };
            value = Some(result);
        }
        let value = value.unwrap_or(Value::NoValue);
        for variable in &pipe.variables {
            if pipe.assigns {
                self.assign(*variable, value.clone(), pipe.at)?;
            } else {
                limited(pipe.at, self.context.grow_for_one(&self.variables))?;
                self.variables.push((*variable, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &Command, dot: &Value, piped: Option<&Value>) -> Outcome<Value> {
        let given = Given {
            words: &command.rest,
            piped,
        };
        let first = &command.first;
        match &first.term {
            Term::Function(callee) => self.function(*callee, command.at, dot, given),
            Term::Field(_) | Term::Variable(..) | Term::Chain(..) => self.fields(first, dot, given),
            _ if !given.is_nothing() => fail(first.at, ExecMistake::NotAFunction),
            Term::Pipe(pipe) => self.deeper(first.at, |exec| exec.pipe(pipe, dot)),
            Term::Bool(value) => Ok(Value::Bool(*value)),
            Term::Dot => Ok(dot.clone()),
            Term::Nil => fail(first.at, ExecMistake::NilCommand),
            Term::Number(number) => ideal(number, first.at),
            Term::String(text) => Ok(Value::String(text.clone())),
        }
    }

    /// `.a.b`, `$x.a.b`, `(…).a.b`: the last name may be that of a method, which takes what is given.
    pub(super) fn fields(&mut self, operand: &Operand, dot: &Value, given: Given<'_>) -> Outcome<Value> {
        let at = operand.at;
        let (mut value, names) = match &operand.term {
            Term::Field(names) => (dot.clone(), names),
            Term::Variable(variable, names) => (self.variable(*variable, at)?, names),
            Term::Chain(inner, names) => (self.chained(inner, dot)?, names),
            _ => return fail(at, ExecMistake::NilCommand),
        };
        let Some((last, before)) = names.split_last() else {
            return if given.is_nothing() {
                Ok(value)
            } else {
                fail(at, ExecMistake::NotAFunction)
            };
        };
        limited(at, self.context.steps(before.len() as u64 / FIELDS_A_STEP))?;
        for name in before {
            value = self.field(&value, name, dot, at, Given::NOTHING)?;
        }
        self.field(&value, last, dot, at, given)
    }

    /// The value before the fields of a chain.
    fn chained(&mut self, operand: &Operand, dot: &Value) -> Outcome<Value> {
        match &operand.term {
            Term::Function(callee) => self.function(*callee, operand.at, dot, Given::NOTHING),
            Term::Pipe(pipe) => self.deeper(operand.at, |exec| exec.pipe(pipe, dot)),
            _ => self.fields(operand, dot, Given::NOTHING),
        }
    }

    fn field(&mut self, value: &Value, name: &Str, dot: &Value, at: usize, given: Given<'_>) -> Outcome<Value> {
        let field = || name.to_lossy().into_owned();
        limited(at, self.context.steps(name.len() as u64 / BYTES_A_STEP))?;
        match value {
            // A field of an absent value is absent.
            Value::NoValue => return Ok(Value::NoValue),
            Value::Nil => return fail(at, ExecMistake::FieldOfNil { field: field() }),
            Value::Map(map) => {
                if !given.is_nothing() {
                    return fail(at, ExecMistake::FieldWithArguments { field: field() });
                }
                return Ok(map.get(name).unwrap_or(Value::NoValue));
            }
            Value::Object(object) => {
                let name = std::str::from_utf8(name).unwrap_or_default();
                if let Some(method) = object.method(name) {
                    return self.method(method, value, at, dot, given);
                }
                if let Some(found) = object.field(name) {
                    let mistake = ExecMistake::FieldWithArguments { field: field() };
                    return if given.is_nothing() {
                        Ok(found)
                    } else {
                        fail(at, mistake)
                    };
                }
            }
            _ => {}
        }
        let typ = value.type_of().unwrap_or(Type::Any);
        fail(at, ExecMistake::NoField { field: field(), typ })
    }
}

/// The value of a numeric constant without a type from its context.
pub(super) fn ideal(number: &Number, at: usize) -> Outcome<Value> {
    match number {
        Number {
            complex: Some((real, imaginary)),
            ..
        } => Ok(Value::Complex128(*real, *imaginary)),
        Number {
            is_float: true,
            float: Some(float),
            ..
        } => Ok(Value::Float64(*float)),
        Number { int: Some(int), .. } => Ok(Value::Int(*int)),
        _ => fail(at, ExecMistake::NumberOverflow),
    }
}
