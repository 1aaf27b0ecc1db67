//! A template as its user sees it.

use crate::context::Context;
use crate::error::{Error, Mistake};
use crate::exec;
use crate::fields;
use crate::functions::Functions;
use crate::parse::{self, Set};
use crate::tree::Callee;
use crate::value::{Map, Value};

/// A parsed template, which can be rendered any number of times.
#[derive(Clone)]
pub struct Template {
    name: String,
    /// For the places of mistakes.
    text: String,
    set: Set,
}

impl Template {
    /// Parses a text.
    ///
    /// # Errors
    /// The text is no template, or calls a function that is not among `functions`.
    pub fn parse(name: &str, text: &str, functions: &Functions) -> Result<Template, Error> {
        Ok(Template {
            name: name.to_owned(),
            text: text.to_owned(),
            set: parse::parse(name, text, functions)?,
        })
    }

    /// Renders it; `data` is the dot and `$` of the beginning. Maps in `data` are empty afterwards if a function saw
    /// them, but for those of type `map[string]string`, which no template can change: one will do for many renderings.
    ///
    /// # Errors
    /// The template makes no sense with these values, or goes over a limit of the context. No error holds a value.
    pub fn render(&self, data: Value, context: &mut Context<'_>) -> Result<Vec<u8>, Error> {
        let depth = *context.depth();
        let result = exec::execute(&self.set, self.name.as_bytes(), data, context);
        *context.depth() = depth;
        result.map_err(|failure| parse::error(&self.name, &self.text, failure.at, Mistake::Exec(failure.mistake)))
    }

    /// As [`Template::render`], with a `map[string]string` as data.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_strings<'d>(
        &self,
        data: impl IntoIterator<Item = (&'d str, &'d [u8])>,
        context: &mut Context<'_>,
    ) -> Result<Vec<u8>, Error> {
        let map = Map::of_strings(data);
        self.render(Value::Map(map), context)
    }

    /// The functions it calls, anywhere in it, whose results may differ from one rendering to the next; by name.
    pub fn nondeterministic_functions(&self) -> Vec<&'static str> {
        let functions = self.set.functions.iter();
        let mut names: Vec<_> = functions
            .filter_map(|callee| match callee {
                Callee::Func(func) if func.nondeterministic => Some(func.name),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The fields of its data (`.a`, `$.a`, `index . "a"`) that it takes for there: those that stand in no condition and are
    /// handed to no function such as `default`, by name. What it does where the dot is something else (`with`, `range`, a
    /// defined template) is not looked at. A missing one
    /// gives `<no value>`, or with `index` an empty text, without an error.
    pub fn fields_taken_for_there(&self) -> Vec<String> {
        let fields = fields::taken_for_there(&self.set, self.name.as_bytes());
        fields.iter().map(|field| field.to_lossy().into_owned()).collect()
    }
}

/// The name alone: the text may hold what its writer takes for a secret.
impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({})", self.name)
    }
}
