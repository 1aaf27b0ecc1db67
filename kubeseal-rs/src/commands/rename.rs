//! `kubeseal rename`: an item of a file gets another name.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Args;
use sealing::merge::{check_item_name, rename_item};

use super::embedded_file::EmbeddedFile;
use super::error::CommandError;
use super::sealed_file::{SealedFile, full_name, refuse_if_used};
use super::target::Target;
use crate::error::Error;
use crate::flags::ObjectFlags;
use crate::note;
use crate::objects::Fault;

/// Flags of `kubeseal rename`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kubeseal rename db.sealed.yaml passwd password")]
pub(crate) struct RenameFlags {
    /// The file with SealedSecrets, changed in place: only the name of this item, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// The name of the item
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Its new name
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Rename the item although templates (spec.template.data) use its name
    #[arg(long)]
    pub force: bool,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
}

/// Give an item another name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RenameItem {
    /// What to change.
    pub target: Target,
    /// The item's name.
    pub item: String,
    /// Its new name.
    pub to: String,
    /// Whether templates may use the old one.
    pub force: bool,
}

impl RenameItem {
    pub(super) fn decide(flags: RenameFlags) -> Result<Self, CommandError> {
        check_item_name(&flags.new).map_err(|_| CommandError::ItemName("NEW"))?;
        Ok(Self {
            target: Target::of(flags.file, flags.object),
            item: flags.key,
            to: flags.new,
            force: flags.force,
        })
    }
}

/// Gives an item of the file another name.
pub(crate) fn run(command: &RenameItem) -> Result<(), Error> {
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
