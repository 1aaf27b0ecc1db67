//! The variables in scope.

use std::collections::HashMap;

use crate::tree::Variable;

/// The variables declared so far, the latest last; `$` always is.
pub(super) struct Scope {
    declared: Vec<Variable>,
    /// How often each is declared: a variable may hide one of its name.
    times: HashMap<Variable, usize>,
}

impl Default for Scope {
    fn default() -> Scope {
        let mut scope = Scope {
            declared: Vec::new(),
            times: HashMap::new(),
        };
        scope.declare(0);
        scope
    }
}

impl Scope {
    pub(super) fn declare(&mut self, variable: Variable) {
        self.declared.push(variable);
        *self.times.entry(variable).or_default() += 1;
    }

    pub(super) fn has(&self, variable: Variable) -> bool {
        self.times.get(&variable).is_some_and(|times| *times > 0)
    }

    /// A mark to return to.
    pub(super) fn mark(&self) -> usize {
        self.declared.len()
    }

    /// Forgets what was declared since a mark.
    pub(super) fn back_to(&mut self, mark: usize) {
        for variable in self.declared.drain(mark..) {
            if let Some(times) = self.times.get_mut(&variable) {
                *times -= 1;
            }
        }
    }
}
