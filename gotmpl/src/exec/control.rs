//! Nodes: text, actions, branches, loops, invocations.

use crate::error::ExecMistake;
use crate::exec::{BYTES_A_STEP, Exec, Flow, Outcome, fail, limited};
use crate::print;
use crate::tree::{Branches, Invocation, Loop, Node, Pipe};
use crate::value::Value;

impl Exec<'_, '_, '_> {
    pub(super) fn node(&mut self, node: &Node, dot: &Value) -> Outcome<Flow> {
        match node {
            Node::Text(text) => self.write(text, 0)?,
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.print(&value, pipe.at)?;
                }
            }
            Node::If(branches) => return self.branches(branches, dot, false),
            Node::With(branches) => return self.branches(branches, dot, true),
            Node::Range(node) => return self.range(node, dot),
            Node::Template(invocation) => self.template(invocation, dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Value, at: usize) -> Outcome<()> {
        match value {
            Value::String(text) => self.write(text, at),
            Value::NoValue | Value::Nil => self.write(b"<no value>", at),
            Value::Int(number) | Value::Int64(number) => self.write(number.to_string().as_bytes(), at),
            value => {
                let printed = limited(at, print::sprint(self.context, std::slice::from_ref(value)))?;
                self.write(&printed, at)
            }
        }
    }

    fn branches(&mut self, branches: &Branches, dot: &Value, sets_dot: bool) -> Outcome<Flow> {
        let mark = self.variables.len();
        let mut flow = None;
        for (pipe, body) in &branches.arms {
            let value = self.pipe(pipe, dot)?;
            if value.truth() {
                let dot = if sets_dot { &value } else { dot };
                flow = Some(self.deeper(pipe.at, |exec| exec.body(body, dot))?);
                break;
            }
        }
        let flow = match (flow, &branches.otherwise) {
            (Some(flow), _) => flow,
            (None, Some(body)) => self.deeper(branches.at(), |exec| exec.body(body, dot))?,
            (None, None) => Flow::Next,
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, node: &Loop, dot: &Value) -> Outcome<Flow> {
        let outer = self.variables.len();
        let value = self.pipe(&node.pipe, dot)?;
        let flow = self.deeper(node.pipe.at, |exec| {
            if exec.rounds(node, &value)? {
                return Ok(Flow::Next);
            }
            match &node.otherwise {
                Some(body) => exec.body(body, dot),
                None => Ok(Flow::Next),
            }
        })?;
        self.variables.truncate(outer);
        Ok(flow)
    }

    /// Iterates over the elements; `false` when there are none.
    fn rounds(&mut self, node: &Loop, value: &Value) -> Outcome<bool> {
        let at = node.pipe.at;
        match value {
            Value::NoValue | Value::Nil => Ok(false),
            Value::List(list) => {
                // The length is fixed at the start, the elements are read in each iteration, as in Go.
                for place in 0..list.len() {
                    let index = Value::Int(i64::try_from(place).unwrap_or(i64::MAX));
                    let element = list.get(place).unwrap_or(Value::NoValue);
                    if self.round(node, index, element)? == Flow::Break {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Value::Map(map) => {
                limited(at, self.context.allocate_items(map.len().saturating_mul(2)))?;
                let entries = map.to_vec();
                let any = !entries.is_empty();
                for (key, element) in entries {
                    if self.round(node, Value::String(key), element)? == Flow::Break {
                        break;
                    }
                }
                Ok(any)
            }
            value => self.rounds_of_number(node, value),
        }
    }

    fn rounds_of_number(&mut self, node: &Loop, value: &Value) -> Outcome<bool> {
        let at = node.pipe.at;
        let element: fn(i128) -> Value = match value {
            Value::Int(_) => |number| Value::Int(number as i64),
            Value::Uint8(_) => |number| Value::Uint8(number as u8),
            Value::Uint32(_) => |number| Value::Uint32(number as u32),
            Value::Uint64(_) => |number| Value::Uint64(number as u64),
            _ => |number| Value::Int64(number as i64),
        };
        let Some(end) = value.integer() else {
            let typ = value.type_of().unwrap_or(crate::types::Type::Any);
            return fail(at, ExecMistake::NotIterable(typ));
        };
        if node.pipe.variables.len() > 1 {
            return fail(at, ExecMistake::TwoVariables);
        }
        for number in 0..end.max(0) {
            if self.round(node, Value::NoValue, element(number))? == Flow::Break {
                break;
            }
        }
        Ok(end > 0)
    }

    fn round(&mut self, node: &Loop, index: Value, element: Value) -> Outcome<Flow> {
        let pipe = &node.pipe;
        limited(pipe.at, self.context.step())?;
        self.set_loop_variables(pipe, index, &element)?;
        let mark = self.variables.len();
        let flow = self.body(&node.body, &element)?;
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// Of two variables the first is the index; one alone is the element.
    fn set_loop_variables(&mut self, pipe: &Pipe, index: Value, element: &Value) -> Outcome<()> {
        let count = self.variables.len();
        let mut set = |place: usize, value: Value| match pipe.variables.get(place) {
            Some(variable) if pipe.assigns => self.assign(*variable, value, pipe.at),
            _ => {
                // They were declared last, in their order.
                let slot = self.variables.get_mut(count + place - pipe.variables.len());
                slot.into_iter().for_each(|(_, slot)| *slot = value.clone());
                Ok(())
            }
        };
        match pipe.variables.len() {
            0 => Ok(()),
            1 => set(0, element.clone()),
            _ => {
                set(0, index)?;
                set(1, element.clone())
            }
        }
    }

    fn template(&mut self, invocation: &Invocation, dot: &Value) -> Outcome<()> {
        let at = invocation.at;
        let set = self.set;
        // The name is hashed and compared.
        let name_steps = invocation.name.len() as u64 / BYTES_A_STEP;
        limited(at, self.context.steps(1 + name_steps))?;
        let Some(body) = set.templates.get(&invocation.name) else {
            let name = String::from_utf8_lossy(&invocation.name).into_owned();
            return fail(at, ExecMistake::UndefinedTemplate(name));
        };
        let dot = match &invocation.pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Value::NoValue,
        };
        // A template sees its own variables only.
        let outer = std::mem::replace(&mut self.variables, vec![(0, dot.clone())]);
        self.deeper(at, |exec| exec.body(body, &dot))?;
        self.variables = outer;
        Ok(())
    }

    /// Runs a part one level deeper.
    pub(super) fn deeper<T>(&mut self, at: usize, part: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        limited(at, self.context.enter())?;
        let result = part(self)?;
        self.context.leave();
        Ok(result)
    }
}

impl Branches {
    fn at(&self) -> usize {
        self.arms.first().map_or(0, |(pipe, _)| pipe.at)
    }
}
