//! Executes a tree with values.

mod argument;
mod call;
mod control;
mod evaluate;

use crate::context::{Context, Limit};
use crate::error::ExecMistake;
use crate::parse::Set;
use crate::tree::{Body, Variable};
use crate::value::{Map, Value};

/// Bytes read in about the time of a step.
const BYTES_A_STEP: u64 = 64;

/// An error with its byte offset in the text.
pub(crate) struct Failure {
    pub(crate) at: usize,
    pub(crate) mistake: ExecMistake,
}

type Outcome<T> = Result<T, Box<Failure>>;

/// How execution continues after a node: with the next one, or with the end or the next iteration of a loop.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// State of an execution.
struct Exec<'t, 'x, 'c> {
    set: &'t Set,
    context: &'x mut Context<'c>,
    out: Vec<u8>,
    /// The variables in scope, the latest last; the same one may occur several times.
    variables: Vec<(Variable, Value)>,
    /// Maps that functions have used: a map can contain itself, so all are emptied at the end.
    held: Vec<Map>,
}

/// Executes a template of a set with a value as its data.
pub(crate) fn execute(set: &Set, name: &[u8], data: Value, context: &mut Context<'_>) -> Result<Vec<u8>, Box<Failure>> {
    let Some(body) = set.templates.get(name) else {
        let name = String::from_utf8_lossy(name).into_owned();
        return fail(0, ExecMistake::UndefinedTemplate(name));
    };
    let mut exec = Exec {
        set,
        context,
        out: Vec::new(),
        variables: vec![(0, data.clone())],
        held: Vec::new(),
    };
    let result = exec.body(body, &data);
    drop(data);
    exec.variables.clear();
    for map in exec.held {
        map.clear();
    }
    result?;
    Ok(exec.out)
}

fn fail<T>(at: usize, mistake: impl Into<ExecMistake>) -> Outcome<T> {
    Err(Box::new(Failure {
        at,
        mistake: mistake.into(),
    }))
}

/// A limit that was exceeded, with the position.
fn limited<T>(at: usize, result: Result<T, Limit>) -> Outcome<T> {
    result.or_else(|limit| fail(at, limit))
}

impl Exec<'_, '_, '_> {
    fn body(&mut self, body: &Body, dot: &Value) -> Outcome<Flow> {
        for node in body {
            let flow = self.node(node, dot)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn variable(&mut self, variable: Variable, at: usize) -> Outcome<Value> {
        let place = self.place(variable, at)?;
        Ok(self
            .variables
            .get(place)
            .map_or(Value::NoValue, |(_, value)| value.clone()))
    }

    fn assign(&mut self, variable: Variable, value: Value, at: usize) -> Outcome<()> {
        let place = self.place(variable, at)?;
        if let Some((_, slot)) = self.variables.get_mut(place) {
            *slot = value;
        }
        Ok(())
    }

    /// Position of the latest variable with this number; a long search is charged.
    fn place(&mut self, variable: Variable, at: usize) -> Outcome<usize> {
        let Some(place) = self.variables.iter().rposition(|(known, _)| *known == variable) else {
            return fail(at, self.undefined(variable));
        };
        let passed = self.variables.len() - place;
        limited(at, self.context.steps(passed as u64 / 32))?;
        Ok(place)
    }

    fn undefined(&self, variable: Variable) -> ExecMistake {
        ExecMistake::UndefinedVariable(self.set.variables.get(variable).cloned().unwrap_or_default())
    }

    fn write(&mut self, bytes: &[u8], at: usize) -> Outcome<()> {
        limited(at, self.context.output(bytes.len()))?;
        limited(at, self.context.grow(bytes.len()))?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}
