//! The text in the editor: the names of items, and behind them the values that are typed.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

use manifest::{DocumentError, EmitError, Nulls, check_verbatim, text_lossy};
use sealing::SecretBytes;
use sealing::merge::check_item_name;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::editor;
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::objects::{Fault, InputError, InputName};

const TEACHES: &str = "\
# Type a new value behind a name. What is left empty stays byte for byte as it is; a new name adds an item.
# Several lines: name: |, and the lines below it, indented. Words like yes, numbers like 007, and values with # & ! * need quotes.
# An empty value: kubeseal set --allow-empty-data. To remove an item: kubeseal unset.
";
const TEACHES_NEW: &str = "\
# A new file: type each item in a line of its own, indented, as in:   password: VALUE
# Several lines: name: |, and the lines below it, indented. Words like yes, numbers like 007, and values with # & ! * need quotes.
# With no item at all there will be no file.
";
/// What a line begins with that tells what is wrong with the text.
const WRONG: &str = "# error: ";

/// One object in the editor.
pub(super) struct Section {
    /// Namespace and name, and a number where another one has the same.
    pub(super) label: String,
    /// The names of the items that it has; empty for a new one.
    pub(super) items: Vec<String>,
}

/// What was typed into one section.
#[derive(Default)]
pub(super) struct Typed {
    /// The values, by item.
    pub(super) values: BTreeMap<String, SecretBytes>,
    /// The items whose lines are gone.
    pub(super) gone: Vec<String>,
}

/// What was typed, by section. On a terminal the editor opens again, with what is wrong above the text, until the text can be read
/// or is left as it is: nothing that was typed is lost for a slip.
pub(super) fn typed(sections: &[Section], environment: &Environment) -> Result<Vec<Typed>, Error> {
    let name = InputName("the text in the editor".to_owned());
    let mut text = Zeroizing::new(form(sections).map_err(|error| name.fault(error))?);
    loop {
        let bytes = editor::edit(text.as_bytes(), environment)?;
        let error = match values(&name, &bytes, sections) {
            Ok(values) => return Ok(values),
            Err(error) => error,
        };
        let given_up = *bytes == *text.as_bytes() || !io::stdin().is_terminal();
        let Some(typed) = std::str::from_utf8(&bytes).ok().filter(|_| !given_up) else {
            return Err(Edited(error).into());
        };
        text = again(typed, error, |text| values(&name, text, sections).err());
    }
}

/// What was typed, below a line that tells what is wrong; the line that it names is counted with this one.
fn again(typed: &str, error: InputError, judged: impl Fn(&[u8]) -> Option<InputError>) -> Zeroizing<String> {
    let mut below = Zeroizing::new(String::with_capacity(typed.len() + 1));
    for line in typed.lines().filter(|line| !line.starts_with(WRONG)) {
        below.push_str(line);
        below.push('\n');
    }
    let with = |line: &str| Zeroizing::new(format!("{WRONG}{line}\n{}", *below));
    let error = judged(with("").as_bytes()).unwrap_or(error).to_string();
    with(&error.replace(['\n', '\r'], " "))
}

/// The names with empty values.
fn form(sections: &[Section]) -> Result<String, EmitError> {
    let is_new = sections.iter().all(|section| section.items.is_empty());
    let mut form = if is_new { TEACHES_NEW } else { TEACHES }.to_owned();
    for section in sections {
        let empty: Map<String, Value> = section.items.iter().map(|name| (name.clone(), Value::Null)).collect();
        let object = Value::Object(Map::from_iter([(section.label.clone(), Value::Object(empty))]));
        for line in manifest::to_yaml(&object)?.lines().filter(|line| *line != "---") {
            let bare = line.strip_suffix(" null").or(line.strip_suffix(" {}"));
            form.push_str(bare.unwrap_or(line));
            form.push('\n');
        }
    }
    Ok(form)
}

fn values(name: &InputName, bytes: &[u8], sections: &[Section]) -> Result<Vec<Typed>, InputError> {
    let documents = manifest::read(bytes).map_err(|error| match error {
        DocumentError::Empty => name.fault(Fault::EmptiedForm),
        error => name.fault(error),
    })?;
    let [document] = documents.as_slice() else {
        return Err(name.fault(Fault::ManyForms));
    };
    let labels = document.value.as_object().into_iter().flat_map(Map::keys);
    let mut all = BTreeMap::new();
    for label in labels {
        if !sections.iter().any(|section| section.label == *label) {
            return Err(name.fault_at(document.place_of(&[label]), Fault::NoSuchObject(label.clone())));
        }
        let texts = document
            .string_map(&[label], Nulls::Refuse)
            .map_err(|error| name.fault(error))?;
        for item in texts.keys() {
            let place = || document.place_of(&[label, item]);
            check_item_name(item).map_err(|error| name.fault_at(place(), error))?;
        }
        all.insert(label.clone(), texts);
    }
    check_verbatim(&text_lossy(bytes)).map_err(|error| name.fault(error))?;
    let of = |section: &Section| {
        let texts = all.remove(&section.label).unwrap_or_default();
        let gone = section
            .items
            .iter()
            .filter(|item| !texts.contains_key(*item))
            .cloned()
            .collect();
        let given = texts.into_iter().filter(|(_, text)| !text.is_empty());
        let values = given
            .map(|(item, text)| (item, SecretBytes::new(text.into_bytes())))
            .collect();
        Typed { values, gone }
    };
    Ok(sections.iter().map(of).collect())
}

/// What was typed in the editor is wrong, and gone.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Edited(InputError);

impl Hinted for Edited {
    fn hint(&self, typed: &crate::typed::Typed) -> Option<String> {
        (!matches!(*self.0.fault, Fault::EmptiedForm)).then(|| {
            format!(
                "nothing was written, and what was typed is gone (where stdin is a terminal the editor opens again); one value: \
                 printf %s \"$VALUE\" | kubeseal set {} KEY{}",
                typed.file(),
                typed.sealing_flags()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_is_told_is_the_line_that_is_seen() {
        let name = InputName("the text".to_owned());
        let judged = |text: &[u8]| values(&name, text, &[]).err();
        let mut text = Zeroizing::new(format!("{TEACHES}a: {{}}\n"));
        for _ in 0..3 {
            text = again(&text, judged(text.as_bytes()).unwrap(), judged);
            let told: Vec<_> = text.lines().filter(|line| line.starts_with(WRONG)).collect();
            assert_eq!(told.len(), 1);
            let seen = text.lines().position(|line| line == "a: {}").unwrap() + 1;
            assert!(told[0].contains(&format!("line {seen}:")), "{}", *text);
        }
    }
}
