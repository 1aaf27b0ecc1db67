//! The functions that a template may call.

use std::collections::HashMap;

use crate::builtins;
use crate::function::Func;
use crate::sprig;
use crate::tree::Callee;

/// Functions by name: those of the language, and added ones, which hide them.
#[derive(Debug, Clone)]
pub struct Functions {
    by_name: HashMap<&'static str, Callee>,
}

impl Functions {
    /// Those of the language: `and`, `call`, `eq`, `ge`, `gt`, `html`, `index`, `js`, `le`, `len`, `lt`, `ne`, `not`,
    /// `or`, `print`, `printf`, `println`, `slice`, `urlquery`.
    pub fn of_the_language() -> Functions {
        let mut by_name: HashMap<_, _> = builtins::FUNCTIONS
            .iter()
            .map(|func| (func.name, Callee::Func(*func)))
            .collect();
        by_name.insert("and", Callee::And);
        by_name.insert("or", Callee::Or);
        Functions { by_name }
    }

    /// The functions of the language and 208 of sprig 3.3, without the three that read the machine's state (`env`,
    /// `expandenv`, `getHostByName`). `slice` is sprig's.
    pub fn with_sprig() -> Functions {
        sprig::SUBJECTS
            .iter()
            .fold(Functions::of_the_language(), |functions, subject| {
                functions.with(subject)
            })
    }

    /// Adds functions; one with an existing name replaces it.
    #[must_use]
    pub fn with(mut self, added: &[Func]) -> Functions {
        self.by_name
            .extend(added.iter().map(|func| (func.name, Callee::Func(*func))));
        self
    }

    /// The names of all functions, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.by_name.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// The function with this name; `None` for `and` and `or`, which are forms of the language.
    pub fn get(&self, name: &str) -> Option<Func> {
        match self.find(name)? {
            Callee::Func(func) => Some(func),
            Callee::And | Callee::Or => None,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Callee> {
        self.by_name.get(name).copied()
    }
}
