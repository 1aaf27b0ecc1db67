//! Calls of functions and methods.

use smallvec::SmallVec;

use crate::context::{LIST, STRING};
use crate::error::{ExecMistake, TypeMistake};
use crate::exec::argument::fitting;
use crate::exec::evaluate::Given;
use crate::exec::{BYTES_A_STEP, Exec, Outcome, fail, limited};
use crate::function::{Func, FuncError};
use crate::tree::{Callee, Operand};
use crate::types::Type;
use crate::value::Value;

/// Words that become arguments in about the time of a step.
const WORDS_A_STEP: u64 = 4;

/// Working memory of a function, for each byte of its texts: a buffer that grows by doubling exists twice while it
/// moves, and an escaped byte takes up to six.
const ROOM_OF_A_BYTE: usize = 16;

impl Exec<'_, '_, '_> {
    pub(super) fn function(&mut self, callee: Callee, at: usize, dot: &Value, given: Given<'_>) -> Outcome<Value> {
        match callee {
            Callee::Func(func) => self.call(&func, None, at, dot, given),
            Callee::And => self.shortcut("and", false, at, dot, given),
            Callee::Or => self.shortcut("or", true, at, dot, given),
        }
    }

    pub(super) fn method(
        &mut self,
        method: &Func,
        receiver: &Value,
        at: usize,
        dot: &Value,
        given: Given<'_>,
    ) -> Outcome<Value> {
        self.call(method, Some(receiver), at, dot, given)
    }

    /// `and` and `or`: the first argument whose truth is `stop`, else the last; those after it are not evaluated.
    fn shortcut(&mut self, name: &str, stop: bool, at: usize, dot: &Value, given: Given<'_>) -> Outcome<Value> {
        if given.words.is_empty() && given.piped.is_none() {
            return fail(at, argument_count(name, 1, true, 0));
        }
        let mut value = Value::NoValue;
        for word in given.words {
            limited(at, self.context.step())?;
            value = self.one_argument(name, word, Type::Reflect, dot)?;
            if value.truth() == stop {
                return Ok(value);
            }
        }
        Ok(given.piped.cloned().unwrap_or(value))
    }

    fn call(
        &mut self,
        func: &Func,
        receiver: Option<&Value>,
        at: usize,
        dot: &Value,
        given: Given<'_>,
    ) -> Outcome<Value> {
        // A receiver stands for the first parameter.
        let params = func.params.get(usize::from(receiver.is_some())..).unwrap_or_default();
        let count = given.words.len() + usize::from(given.piped.is_some());
        let fixed = if func.variadic {
            params.len().saturating_sub(1)
        } else {
            params.len()
        };
        if count < fixed || count > fixed && !func.variadic {
            return fail(at, argument_count(func.name, fixed, func.variadic, count));
        }
        let parameter = |place: usize| {
            let last = if func.variadic { params.last() } else { None };
            params.get(place).or(last).copied().unwrap_or(Type::Any)
        };
        let room = count.saturating_mul(3 * size_of::<Value>());
        limited(at, self.context.room(room))?;
        limited(at, self.context.steps(count as u64 / WORDS_A_STEP))?;
        let mut args = SmallVec::<[Value; 4]>::new();
        args.extend(receiver.cloned());
        for (place, word) in given.words.iter().enumerate() {
            args.push(self.one_argument(func.name, word, parameter(place), dot)?);
        }
        if let Some(piped) = given.piped {
            let checked = fitting(piped.clone(), parameter(given.words.len()));
            args.push(checked.or_else(|error| fail(at, wrong_argument(func.name, error)))?);
        }
        self.call_with(func, &args, at)
    }

    fn call_with(&mut self, func: &Func, args: &[Value], at: usize) -> Outcome<Value> {
        let mut bytes = 0;
        for arg in args {
            match arg {
                // A map of strings contains no map, and stays as it is.
                Value::Map(map) if *map.element_type() != Type::String && map.hold() => self.held.push(map.clone()),
                Value::String(text) => bytes += text.len(),
                Value::Object(object) => bytes += object.size(),
                _ => {}
            }
        }
        // A function reads its arguments and writes its result.
        limited(at, self.context.steps(2 + bytes as u64 / BYTES_A_STEP))?;
        limited(at, self.context.room(bytes.saturating_mul(ROOM_OF_A_BYTE)))?;
        let result = func.call(self.context, args).and_then(|value| {
            match &value {
                Value::String(text) => {
                    self.context.allocate(text.len().saturating_add(STRING))?;
                    self.context.steps(text.len() as u64 / BYTES_A_STEP)?;
                }
                Value::List(_) => self.context.allocate(LIST)?,
                _ => {}
            }
            Ok(value)
        });
        result.or_else(|error: FuncError| {
            let function = func.name.to_owned();
            fail(at, ExecMistake::Call { function, error })
        })
    }

    fn one_argument(&mut self, name: &str, word: &Operand, typ: Type, dot: &Value) -> Outcome<Value> {
        let checked = self.argument(word, typ, dot)?;
        checked.or_else(|error| fail(word.at, wrong_argument(name, error)))
    }
}

fn argument_count(function: &str, wanted: usize, at_least: bool, got: usize) -> ExecMistake {
    ExecMistake::ArgumentCount {
        function: function.to_owned(),
        wanted,
        at_least,
        got,
    }
}

fn wrong_argument(function: &str, error: TypeMistake) -> ExecMistake {
    ExecMistake::Argument {
        function: function.to_owned(),
        error,
    }
}
