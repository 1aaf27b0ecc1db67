//! `kubeseal rename`: an item of a file gets another name.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Args;
use crds::SealedSecret;
use jiff::Timestamp;
use manifest::edit::Change;
use sealing::SecretBytes;
use sealing::merge::{MergeError, check_item_name, rename_item, seal_items};
use sealing::random::Random;
use sealing::raw::open_raw;
use sealing::sealer::Format;
use sealing::unseal::binding;

use super::embedded_file::EmbeddedFile;
use super::error::CommandError;
use super::private_keys::{PrivateKeys, held_keys};
use super::sealed_file::{SealedFile, full_name, refuse_if_used};
use super::target::Target;
use crate::cert_source::{self, CertSource};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::flags::{CertificateFlags, ObjectFlags, PrivateKeyFlags};
use crate::note;
use crate::objects::{Fault, InputError};
use crate::typed::Typed;

/// Flags of `kubeseal rename`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("rename.txt"))]
pub(crate) struct RenameFlags {
    /// The file with SealedSecrets, changed in place: only the name of this item (and in format v2 its ciphertext), and byte
    /// for byte nothing else
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
    /// What opens a value of format v2, which is bound to its item's name.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
    /// Which certificate to seal such a value with again.
    #[command(flatten)]
    pub certificate: CertificateFlags,
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
    /// What opens a value that is bound to its item's name; maybe nothing.
    pub keys: PrivateKeys,
    /// The certificate to seal it with again.
    pub cert: CertSource,
}

impl RenameItem {
    pub(super) fn decide(flags: RenameFlags) -> Result<Self, CommandError> {
        check_item_name(&flags.new).map_err(|_| CommandError::ItemName("NEW"))?;
        Ok(Self {
            cert: CertSource::of_verb(&flags.certificate)?.of_file(flags.file.as_ref()),
            target: Target::of(flags.file, flags.object),
            item: flags.key,
            to: flags.new,
            force: flags.force,
            keys: PrivateKeys::of(flags.keys),
        })
    }

    /// The change that renames the item, where it is to be.
    fn change(&self, file: &SealedFile, at: usize, sealed: &SealedSecret) -> Result<Change, InputError> {
        if self.item == self.to {
            return Err(file.fault(at, Fault::SameName(self.to.clone())));
        }
        let change = rename_item(sealed, &self.item, &self.to).map_err(|error| file.fault(at, error))?;
        let change = change.ok_or_else(|| file.fault(at, Fault::no_item(&self.item, sealed)))?;
        if !self.force {
            refuse_if_used(&self.item, sealed).map_err(|fault| file.fault(at, fault))?;
        }
        Ok(change)
    }

    fn is_bound(&self, sealed: &SealedSecret) -> bool {
        let text = sealed.spec.encrypted_data.get(&self.item);
        text.and_then(|text| Format::of(text)) == Some(Format::V2)
    }
}

/// Gives an item of the file another name.
pub(crate) fn run(
    command: &RenameItem,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    if let Some(file) = EmbeddedFile::read(&command.target.file)? {
        return Err(file.not_renamed(&command.item, &command.to)?);
    }
    let file = SealedFile::read(&command.target.file)?;
    let (at, sealed) = file.meant(&command.target)?;
    let file = if command.is_bound(sealed) {
        command.change(&file, at, sealed)?;
        rename_bound(file, command, environment, now, random)?
    } else {
        file.change(None, |file| {
            let (at, sealed) = file.meant(&command.target)?;
            // Another run of this program may have sealed it since.
            if command.is_bound(sealed) {
                return Err(file.fault(at, Fault::ChangedMeanwhile).into());
            }
            Ok(BTreeMap::from([(at, vec![command.change(file, at, sealed)?])]))
        })?
    };
    let (object, RenameItem { item, to, .. }) = (full_name(file.meant(&command.target)?.1), command);
    note::told(&format!("renamed {item} to {to} of {object} in {}", file.name().0));
    Ok(())
}

/// Opens the value under its old name, and seals it under the new one.
fn rename_bound(
    file: SealedFile,
    command: &RenameItem,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<SealedFile, Error> {
    let (at, _) = file.meant(&command.target)?;
    if command.keys.files.is_empty() {
        return Err(file.fault(at, BoundToName(command.item.clone())).into());
    }
    let namespace = command.target.namespace.as_deref();
    let file = file.in_namespaces(namespace)?;
    let keys = held_keys(&command.keys)?;
    let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
    let sealer = cert.sealer(Some(Format::V2))?;
    file.change(namespace, |file| {
        let (at, sealed) = file.meant(&command.target)?;
        let mut changes = vec![command.change(file, at, sealed)?];
        let text = sealed
            .spec
            .encrypted_data
            .get(&command.item)
            .cloned()
            .unwrap_or_default();
        let bound_to = binding(sealed).map_err(|error| file.fault(at, MergeError::from(error)))?;
        let value = open_raw(text.as_bytes(), &bound_to, &command.item, &keys.ring)
            .map_err(|error| file.fault(at, keys.explained(Fault::OpenRaw(error))))?;
        let renamed = renamed(sealed, command, text);
        let items: BTreeMap<String, SecretBytes> = [(command.to.clone(), value)].into();
        let made = seal_items(&renamed, &items, false, &sealer, random);
        changes.extend(made.map_err(|error| file.fault(at, error))?);
        Ok(BTreeMap::from([(at, changes)]))
    })
}

/// The object with the item under its new name.
fn renamed(sealed: &SealedSecret, command: &RenameItem, text: String) -> SealedSecret {
    let mut renamed = sealed.clone();
    let items = &mut renamed.spec.encrypted_data;
    items.remove(&command.item);
    items.insert(command.to.clone(), text);
    renamed
}

/// A value of format v2 opens under its item's name alone.
#[derive(Debug, thiserror::Error)]
#[error("the value of item {0:?} is of format v2, which is bound to that name: to rename it is to seal it again")]
struct BoundToName(String);

impl Hinted for BoundToName {
    fn hint(&self, typed: &Typed) -> Option<String> {
        let mut next = typed.with("--recovery-private-key FILE");
        if typed.sealing_flags().is_empty() {
            next.push_str(" (with --cert FILE, where neither a project file nor the cluster gives the certificate)");
        }
        Some(format!("nothing was changed: {next}"))
    }
}
