//! `kubeseal edit`: new values, typed in an editor beside the names of the items.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

use crds::SealedSecret;
use jiff::Timestamp;
use sealing::SecretBytes;
use sealing::document::edit::Change;
use sealing::document::{self, DocumentError, EmitError, Nulls};
use sealing::merge::{check_item_name, seal_items};
use sealing::random::Random;
use serde_json::{Map, Value};

use super::sealed_file::SealedFile;
use crate::cert_source;
use crate::command::items::EditValues;
use crate::editor;
use crate::environment::Environment;
use crate::error::Error;
use crate::objects::{Fault, InputError, InputName};

const TEACHES: &str = "\
# Type a new value behind a name. What is left empty stays byte for byte as it is; a new name adds an item.
# Several lines: name: |, and the lines below it, indented. Words like yes and numbers like 007 need quotes.
# An empty value: kubeseal set --allow-empty-data. To remove an item: kubeseal unset.
";
/// What a line begins with that tells what is wrong with the text.
const WRONG: &str = "# error: ";

/// Opens the editor, seals what was typed, then writes the file at once.
pub(crate) fn run(
    command: &EditValues,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let file = SealedFile::read(&command.target.file)?;
    let shown = shown(&file, command)?;
    // Before anyone types what could not be sealed.
    let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
    let typed = typed(&shown, environment)?;
    let mut changes: BTreeMap<usize, Vec<Change>> = BTreeMap::new();
    for (label, items) in typed {
        let Some((at, sealed)) = shown
            .iter()
            .find(|one| one.label == label)
            .map(|one| (one.at, one.sealed))
        else {
            continue;
        };
        let sealed = seal_items(sealed, &items, true, cert.public(), random).map_err(|error| file.fault(at, error))?;
        changes.insert(at, sealed);
    }
    file.write(changes)
}

/// One object in the editor.
struct Shown<'f> {
    /// Namespace and name, and a number where another one has the same.
    label: String,
    /// Its position in the file.
    at: usize,
    sealed: &'f SealedSecret,
}

fn shown<'f>(file: &'f SealedFile, command: &EditValues) -> Result<Vec<Shown<'f>>, InputError> {
    let target = &command.target;
    let meant = if target.name.is_some() || target.namespace.is_some() {
        vec![file.meant(target)?]
    } else {
        file.sealed.iter().enumerate().collect()
    };
    let mut shown: Vec<Shown<'f>> = Vec::new();
    for (at, sealed) in meant {
        let metadata = &sealed.metadata;
        let parts = [&metadata.namespace, &metadata.name];
        let name = parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("/");
        let mut label = name.clone();
        let mut number = 1;
        while shown.iter().any(|other| other.label == label) {
            number += 1;
            label = format!("{name} ({number})");
        }
        shown.push(Shown { label, at, sealed });
    }
    Ok(shown)
}

type Items = BTreeMap<String, SecretBytes>;

/// The values that were typed, by label. On a terminal the editor opens again, with what is wrong above the text, until
/// the text can be read or is left as it is: nothing that was typed is lost for a slip.
fn typed(shown: &[Shown<'_>], environment: &Environment) -> Result<BTreeMap<String, Items>, Error> {
    let name = InputName("the text in the editor".to_owned());
    let mut text = zeroize::Zeroizing::new(form(shown).map_err(|error| name.fault(error))?);
    loop {
        let bytes = editor::edit(text.as_bytes(), environment)?;
        let error = match values(&name, &bytes, shown) {
            Ok(values) => return Ok(values),
            Err(error) => error,
        };
        let given_up = *bytes == *text.as_bytes() || !io::stdin().is_terminal();
        let Some(typed) = std::str::from_utf8(&bytes).ok().filter(|_| !given_up) else {
            return Err(Error::Edited(error));
        };
        text = again(typed, error, |text| values(&name, text, shown).err());
    }
}

/// What was typed, below a line that tells what is wrong; the line that it names is counted with this one.
fn again(typed: &str, error: InputError, judged: impl Fn(&[u8]) -> Option<InputError>) -> zeroize::Zeroizing<String> {
    let mut below = zeroize::Zeroizing::new(String::with_capacity(typed.len() + 1));
    for line in typed.lines().filter(|line| !line.starts_with(WRONG)) {
        below.push_str(line);
        below.push('\n');
    }
    let with = |line: &str| zeroize::Zeroizing::new(format!("{WRONG}{line}\n{}", *below));
    let error = judged(with("").as_bytes()).unwrap_or(error).to_string();
    with(&error.replace(['\n', '\r'], " "))
}

/// The names with empty values.
fn form(shown: &[Shown<'_>]) -> Result<String, EmitError> {
    let mut form = TEACHES.to_owned();
    for one in shown {
        let names = one.sealed.spec.encrypted_data.keys();
        let empty: Map<String, Value> = names.map(|name| (name.clone(), Value::Null)).collect();
        let object = Value::Object(Map::from_iter([(one.label.clone(), Value::Object(empty))]));
        for line in document::to_yaml(&object)?.lines().filter(|line| *line != "---") {
            let bare = line.strip_suffix(" null").or(line.strip_suffix(" {}"));
            form.push_str(bare.unwrap_or(line));
            form.push('\n');
        }
    }
    Ok(form)
}

fn values(name: &InputName, bytes: &[u8], shown: &[Shown<'_>]) -> Result<BTreeMap<String, Items>, InputError> {
    let documents = document::read(bytes).map_err(|error| match error {
        DocumentError::Empty => name.fault(Fault::EmptiedForm),
        error => name.fault(error),
    })?;
    let [document] = documents.as_slice() else {
        return Err(name.fault(Fault::ManyForms));
    };
    let labels = document.value.as_object().into_iter().flat_map(Map::keys);
    let mut typed = BTreeMap::new();
    for label in labels {
        if !shown.iter().any(|one| one.label == *label) {
            return Err(name.fault_at(document.place_of(&[label]), Fault::NoSuchObject(label.clone())));
        }
        let texts = document
            .string_map(&[label], Nulls::Refuse)
            .map_err(|error| name.fault(error))?;
        for item in texts.keys() {
            let place = || document.place_of(&[label, item]);
            check_item_name(item).map_err(|error| name.fault_at(place(), error))?;
        }
        let given = texts.into_iter().filter(|(_, text)| !text.is_empty());
        let items = given
            .map(|(item, text)| (item, SecretBytes::new(text.into_bytes())))
            .collect();
        typed.insert(label.clone(), items);
    }
    Ok(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_is_told_is_the_line_that_is_seen() {
        let name = InputName("the text".to_owned());
        let judged = |text: &[u8]| values(&name, text, &[]).err();
        let mut text = zeroize::Zeroizing::new(format!("{TEACHES}a: {{}}\n"));
        for _ in 0..3 {
            text = again(&text, judged(text.as_bytes()).unwrap(), judged);
            let told: Vec<_> = text.lines().filter(|line| line.starts_with(WRONG)).collect();
            assert_eq!(told.len(), 1);
            let seen = text.lines().position(|line| line == "a: {}").unwrap() + 1;
            assert!(told[0].contains(&format!("line {seen}:")), "{}", *text);
        }
    }
}
