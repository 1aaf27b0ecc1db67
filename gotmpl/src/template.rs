//! The public type of a template.

use crate::context::{Context, Limits};
use crate::error::{Error, Mistake};
use crate::exec;
use crate::fields;
use crate::parse::{self, Set};
use crate::registry::Functions;
use crate::value::{Map, Value};

/// A parsed template, which can be rendered any number of times.
#[derive(Clone)]
pub struct Template {
    name: String,
    /// For error messages.
    text: String,
    set: Set,
}

impl Template {
    /// Parses a text, within the default limits.
    ///
    /// # Errors
    /// The text is not a template, calls a function that is not among `functions`, or goes over a limit.
    pub fn parse(name: &str, text: &str, functions: &Functions) -> Result<Template, Error> {
        Template::parse_with(name, text, functions, &mut Limits::default())
    }

    /// As [`Template::parse`], within the rest of a context's limits: for an untrusted text that is rendered next.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_within(
        name: &str,
        text: &str,
        functions: &Functions,
        context: &mut Context<'_>,
    ) -> Result<Template, Error> {
        Template::parse_with(name, text, functions, context.left())
    }

    fn parse_with(name: &str, text: &str, functions: &Functions, left: &mut Limits) -> Result<Template, Error> {
        let set = parse::parse(name, text, functions, left)?;
        Ok(Template {
            name: name.to_owned(),
            text: text.to_owned(),
            set,
        })
    }

    /// Renders it; `data` is the dot and the initial `$`. Maps in `data` are empty afterwards if a function used them,
    /// except those of type `map[string]string`, which no template can change: one of these serves many renderings.
    ///
    /// # Errors
    /// The template fails with these values, or exceeds a limit of the context. No error contains a value.
    pub fn render(&self, data: Value, context: &mut Context<'_>) -> Result<Vec<u8>, Error> {
        let error = |at, mistake| parse::error(&self.name, &self.text, at, Mistake::Exec(mistake));
        let depth = *context.depth();
        // The tree is there meanwhile; several templates are not there at the same time.
        let paid = context.allocate(self.set.price);
        paid.map_err(|limit| error(0, limit.into()))?;
        let result = exec::execute(&self.set, self.name.as_bytes(), data, context);
        context.left().allocation += self.set.price;
        *context.depth() = depth;
        result.map_err(|failure| error(failure.at, failure.mistake))
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

    /// The functions called anywhere in it whose results may vary, by name.
    pub fn nondeterministic_functions(&self) -> Vec<&'static str> {
        self.set.nondeterministic.iter().copied().collect()
    }

    /// Fields of the data (`.a`, `$.a`, `index . "a"`) that it expects to exist, by name: those outside of conditions
    /// that are not passed to a function such as `default`. Code where the dot is something else (`with`, `range`, a
    /// defined template) is not analysed. A missing field gives `<no value>`, or with `index` an empty text, without an
    /// error.
    pub fn fields_taken_for_there(&self) -> Vec<String> {
        let fields = fields::taken_for_there(&self.set, self.name.as_bytes());
        fields.iter().map(|field| field.to_lossy().into_owned()).collect()
    }
}

/// Prints the name only: the text may contain a secret.
impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({})", self.name)
    }
}
