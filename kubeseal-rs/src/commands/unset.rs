//! `kubeseal unset`: items removed from a file.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Args;
use sealing::merge::remove_item;

use super::embedded_file::EmbeddedFile;
use super::sealed_file::{SealedFile, full_name, refuse_if_used};
use super::target::Target;
use crate::error::Error;
use crate::flags::ObjectFlags;
use crate::note;
use crate::objects::Fault;

/// Flags of `kubeseal unset`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kubeseal unset db.sealed.yaml old-password")]
pub(crate) struct UnsetFlags {
    /// The file with SealedSecrets, changed in place: only these items, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// The names of the items to remove
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<String>,
    /// Remove the items although templates (spec.template.data) use them
    #[arg(long)]
    pub force: bool,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
}

/// Remove items.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnsetItems {
    /// What to change.
    pub target: Target,
    /// The items' names.
    pub items: Vec<String>,
    /// Whether templates may use them.
    pub force: bool,
}

impl From<UnsetFlags> for UnsetItems {
    fn from(flags: UnsetFlags) -> Self {
        Self {
            target: Target::of(flags.file, flags.object),
            items: flags.keys,
            force: flags.force,
        }
    }
}

/// Removes items from the file.
pub(crate) fn run(command: &UnsetItems) -> Result<(), Error> {
    if let Some(file) = EmbeddedFile::read(&command.target.file)? {
        return file.remove(&command.items);
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
