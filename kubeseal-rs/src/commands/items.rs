//! `kubeseal set`, `unset` and `rename`: one change in a file of SealedSecrets.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

use crds::SealedSecret;
use jiff::{Timestamp, Zoned};
use sealing::merge::{check_scope, remove_item, rename_item, seal_items};
use sealing::random::Random;
use sealing::render::depending_on;
use sealing::{SecretBytes, SystemRandom};

use super::embedded_file::EmbeddedFile;
use super::sealed_file::{SealedFile, full_name, told};
use crate::cert_source;
use crate::command::Input;
use crate::command::items::{RenameItem, SetItem, UnsetItems};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError};
use crate::note;
use crate::objects::{Fault, InputError, InputName};
use crate::prompt;

/// Seals one value into the file.
pub(crate) fn set(
    command: &SetItem,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    if let Some(file) = EmbeddedFile::read(&command.target.file)? {
        return file.set(command, environment, now, random);
    }
    let namespace = command.target.namespace.as_deref();
    let file = SealedFile::read(&command.target.file)?.in_namespaces(namespace)?;
    // Before anyone types what could not be sealed.
    meant(&file, command)?;
    let cert = || cert_source::sealing_cert(&command.cert, environment, now);
    let (value, cert) = super::read_before(&command.value, || Ok(value(command)?), cert)?;
    if is_empty(&value) && !command.allow_empty {
        return Err(InputName::of(&command.value).fault(Fault::EmptyItem).into());
    }
    let items = BTreeMap::from([(command.item.clone(), value)]);
    let file = file.change(namespace, |file| {
        let (at, sealed) = meant(file, command)?;
        let changes = seal_items(sealed, &items, command.key_hint, cert.public(), random);
        Ok(BTreeMap::from([(at, changes.map_err(|error| file.fault(at, error))?)]))
    })?;
    let sealed = file.meant(&command.target)?.1;
    note::told(&told(sealed, &items.keys().collect::<Vec<_>>(), &file.name().0));
    note::names(sealed);
    for (item, value) in &items {
        note::line_break_at_end(value.expose(), false);
        note::placeholder(&format!("the value of {item}"), value.expose());
    }
    Ok(())
}

/// The object that is meant, if it is of the scope that was asked for.
fn meant<'f>(file: &'f SealedFile, command: &SetItem) -> Result<(usize, &'f SealedSecret), InputError> {
    let (at, sealed) = file.meant(&command.target)?;
    check_scope(sealed, command.scope).map_err(|error| file.fault(at, error))?;
    Ok((at, sealed))
}

/// Whether there is nothing but a line break, as of an empty variable that `echo` prints.
pub(super) fn is_empty(value: &SecretBytes) -> bool {
    matches!(value.expose(), b"" | b"\n" | b"\r\n")
}

/// The value, byte for byte; from a terminal one line that is not shown, without its end.
pub(super) fn value(command: &SetItem) -> Result<SecretBytes, FileError> {
    match &command.value {
        Input::Stdin if io::stdin().is_terminal() => {
            let prompt = format!("value of {} (it is not shown): ", command.item);
            let mut typed = prompt::hidden(&prompt).map_err(FileError::Stdin)?;
            Ok(SecretBytes::new(std::mem::take(&mut *typed).into_bytes()))
        }
        input => {
            let mut bytes = files::read(input, "a value")?;
            Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
        }
    }
}

/// Removes items from the file.
pub(crate) fn unset(command: &UnsetItems) -> Result<(), Error> {
    if let Some(file) = EmbeddedFile::read(&command.target.file)? {
        return file.unset(command);
    }
    let file = SealedFile::read(&command.target.file)?;
    let file = file.change(None, |file| {
        let (at, sealed) = file.meant(&command.target)?;
        let mut changes = Vec::new();
        for item in &command.items {
            let change = remove_item(sealed, item).ok_or_else(|| file.fault(at, Fault::no_item(item, sealed)))?;
            if !command.force {
                refuse_if_used(item, sealed).map_err(|fault| file.fault(at, fault))?;
            }
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
        Ok(BTreeMap::from([(at, changes)]))
    })?;
    let object = full_name(file.meant(&command.target)?.1);
    note::told(&format!(
        "removed {} of {object} in {}",
        command.items.join(", "),
        file.name().0
    ));
    Ok(())
}

/// Gives an item of the file another name.
pub(crate) fn rename(command: &RenameItem) -> Result<(), Error> {
    if let Some(file) = EmbeddedFile::read(&command.target.file)? {
        return Err(file.not_renamed(&command.item, &command.to)?);
    }
    let file = SealedFile::read(&command.target.file)?;
    let file = file.change(None, |file| {
        let (at, sealed) = file.meant(&command.target)?;
        if command.item == command.to {
            return Err(file.fault(at, Fault::SameName(command.to.clone())).into());
        }
        let change = rename_item(sealed, &command.item, &command.to).map_err(|error| file.fault(at, error))?;
        let change = change.ok_or_else(|| file.fault(at, Fault::no_item(&command.item, sealed)))?;
        if !command.force {
            refuse_if_used(&command.item, sealed).map_err(|fault| file.fault(at, fault))?;
        }
        Ok(BTreeMap::from([(at, vec![change])]))
    })?;
    let (object, RenameItem { item, to, .. }) = (full_name(file.meant(&command.target)?.1), command);
    note::told(&format!("renamed {item} to {to} of {object} in {}", file.name().0));
    Ok(())
}

/// A template that uses an item would go on without its value, and without a word.
pub(super) fn refuse_if_used(item: &str, sealed: &SealedSecret) -> Result<(), Fault> {
    let Some(template) = &sealed.spec.template else {
        return Ok(());
    };
    let items: Vec<_> = sealed.spec.encrypted_data.keys().map(String::as_str).collect();
    let templates = depending_on(item, &items, template, &Zoned::now(), &mut SystemRandom::default());
    if templates.is_empty() {
        return Ok(());
    }
    Err(Fault::UsedByTemplates {
        item: item.to_owned(),
        templates,
    })
}
