//! `spec.template.data`: items that Go templates make of the opened values.
//!
//! Time and randomness come in with [`Rendering`]. All templates of one object share one budget of time and memory
//! ([`gotmpl::Limits`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crds::SecretTemplate;
use gotmpl::{COSTLY_FUNCTIONS, Context, Functions, Limits, Map, Template, Value};
use jiff::Zoned;
use thiserror::Error;

use crate::random::Random;
use crate::secret_bytes::SecretBytes;

/// Why a template failed. Never carries a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// It does not parse, or fails with these values.
    #[error(transparent)]
    Template(Box<gotmpl::Error>),
    /// It calls a function whose result varies, and that is refused.
    #[error("templates must not call {0:?} here: its result differs from one time to the next")]
    Nondeterministic(&'static str),
}

impl From<gotmpl::Error> for RenderError {
    fn from(error: gotmpl::Error) -> Self {
        Self::Template(Box::new(error))
    }
}

/// What the caller gives to templates.
pub struct Rendering<'a> {
    /// The time, in the local zone.
    pub now: &'a Zoned,
    /// For the functions that need randomness.
    pub random: &'a mut dyn Random,
    /// Refuses functions whose result differs from one rendering to the next.
    pub refuse_nondeterministic: bool,
    /// Milliseconds for costly functions ([`gotmpl::Limits::work`]), [`WORK`] at most; a template that needs more
    /// fails.
    pub work: u32,
}

/// Milliseconds in which all templates of an object may make keys and hash passwords.
pub const WORK: u32 = 5_000;

/// The functions of the reference's templates.
static FUNCTIONS: LazyLock<Functions> = LazyLock::new(Functions::with_sprig);

/// What the templates of an object make.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The results of templates that succeeded; `None`: the item is left out of the Secret.
    pub items: BTreeMap<String, Option<SecretBytes>>,
    /// The errors of those that failed.
    pub errors: BTreeMap<String, RenderError>,
    /// Items that may differ at the next rendering of the same values.
    pub varying: BTreeSet<String>,
}

/// Parses the templates of an object, without values; returns their errors by item.
pub fn check(template: &SecretTemplate) -> BTreeMap<String, RenderError> {
    let parsed = template.data.iter().flatten().filter_map(|(item, text)| {
        let error = parse(item, text.as_deref()?).err()?;
        Some((item.clone(), error))
    });
    parsed.collect()
}

/// The functions with varying results that an object's templates call, by item. Templates that do not parse are
/// skipped.
pub fn nondeterministic(template: &SecretTemplate) -> BTreeMap<String, Vec<&'static str>> {
    let calls = template.data.iter().flatten().filter_map(|(item, text)| {
        let names = parse(item, text.as_deref()?).ok()?.nondeterministic_functions();
        (!names.is_empty()).then(|| (item.clone(), names))
    });
    calls.collect()
}

/// Template fields that name neither one of the sealed `items` nor another entry, by item. Such a field renders as `<no
/// value>`, or with `index` as an empty text, without an error. Templates that do not parse are skipped.
pub fn missing(template: &SecretTemplate, items: &[&str]) -> BTreeMap<String, Vec<String>> {
    let texts = template.data.iter().flatten();
    let texts = texts.filter_map(|(item, text)| Some((item.as_str(), text.as_deref()?)));
    let there: BTreeSet<&str> = texts
        .clone()
        .map(|(item, _)| item)
        .chain(items.iter().copied())
        .collect();
    let missing = texts.filter_map(|(item, text)| {
        let mut fields = parse(item, text).ok()?.fields_taken_for_there();
        fields.retain(|field| !there.contains(field.as_str()));
        (!fields.is_empty()).then(|| (item.to_owned(), fields))
    });
    missing.collect()
}

/// Whether a template names a function that takes tens of milliseconds or more: it makes a key or hashes a password.
pub fn is_costly(template: &SecretTemplate) -> bool {
    let mut texts = template.data.iter().flatten().filter_map(|(_, text)| text.as_deref());
    texts.any(|text| COSTLY_FUNCTIONS.iter().any(|name| text.contains(name)))
}

fn parse(item: &str, text: &str) -> Result<Template, RenderError> {
    Ok(Template::parse(item, text, &FUNCTIONS)?)
}

/// Renders the templates of an object, except those whose item is in `values`: a template never replaces a sealed item.
///
/// The data are the `values`, and the unrendered texts of the other templates (reference behaviour).
pub fn render(
    template: &SecretTemplate,
    values: &BTreeMap<String, SecretBytes>,
    rendering: &mut Rendering<'_>,
) -> Rendered {
    let mut rendered = Rendered::default();
    let texts = template.data.iter().flatten();
    let data = data(template, values);
    let mut random = Source(&mut *rendering.random);
    let limits = Limits {
        work: rendering.work.min(WORK),
        ..Limits::default()
    };
    let mut context = Context::new(rendering.now, &mut random, limits);
    for (item, text) in texts {
        match text {
            None => drop(rendered.items.insert(item.clone(), None)),
            Some(_) if values.contains_key(item) => {}
            Some(text) => {
                let parsed = Template::parse_within(item, text, &FUNCTIONS, &mut context);
                let outcome = parsed.map_err(RenderError::from).and_then(|parsed| {
                    if let Some(function) = parsed.nondeterministic_functions().first() {
                        if rendering.refuse_nondeterministic {
                            return Err(RenderError::Nondeterministic(function));
                        }
                        rendered.varying.insert(item.clone());
                    }
                    Ok(parsed.render(data.clone(), &mut context)?)
                });
                match outcome {
                    Ok(bytes) => drop(rendered.items.insert(item.clone(), Some(SecretBytes::new(bytes)))),
                    Err(error) => drop(rendered.errors.insert(item.clone(), error)),
                }
            }
        }
    }
    rendered
}

/// The templates whose results depend on `item`, one of the sealed `items`. Each is rendered with item names as values,
/// with and without `item`, and the results are compared. A template that fails (it needs other values, or varies)
/// counts when its text contains the name.
pub fn depending_on(
    item: &str,
    items: &[&str],
    template: &SecretTemplate,
    now: &Zoned,
    random: &mut dyn Random,
) -> Vec<String> {
    let mut sample = |without: Option<&str>| {
        let items = items.iter().filter(|name| Some(**name) != without);
        let values = items.map(|name| ((*name).to_owned(), SecretBytes::new(name.as_bytes().to_vec())));
        let mut rendering = Rendering {
            now,
            random: &mut *random,
            refuse_nondeterministic: true,
            work: WORK,
        };
        render(template, &values.collect(), &mut rendering).items
    };
    let (with, without) = (sample(None), sample(Some(item)));
    let result = |made: &BTreeMap<String, Option<SecretBytes>>, name: &str| {
        made.get(name).and_then(|made| Some(made.as_ref()?.expose().to_vec()))
    };
    let texts = template.data.iter().flatten();
    // A sealed item is never replaced by a template.
    let texts = texts.filter(|(name, _)| !items.contains(&name.as_str()));
    let dependent = texts.filter_map(|(name, text)| {
        let text = text.as_deref()?;
        let depends = match (result(&with, name), result(&without, name)) {
            (Some(with), Some(without)) => with != without,
            _ => text.contains(item),
        };
        depends.then(|| name.clone())
    });
    dependent.collect()
}

/// Clear texts of the file, then the values, which hide texts of the same name.
///
/// One map for all templates: a copy of all values for each would be many times the size of the object.
fn data(template: &SecretTemplate, values: &BTreeMap<String, SecretBytes>) -> Value {
    let texts = template.data.iter().flatten();
    let texts = texts.filter_map(|(item, text)| Some((item.as_str(), text.as_ref()?.as_bytes())));
    let values = values.iter().map(|(item, value)| (item.as_str(), value.expose()));
    Value::Map(Map::of_strings(texts.chain(values)))
}

/// Adapts the source of randomness for templates.
struct Source<'a>(&'a mut dyn Random);

impl gotmpl::Random for Source<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> bool {
        self.0.fill(buffer).is_ok()
    }
}

#[cfg(test)]
mod tests;
