//! `kubeseal edit`, `set`, `unset` and `rename`: flags → what to do.

use std::ffi::OsString;
use std::path::PathBuf;

use sealing::binding::Scope;
use sealing::merge::check_item_name;

use super::{CertSource, CommandError, Input, Namespace, is_stream, set};
use crate::args::verb::edit::EditFlags;
use crate::args::verb::rename::RenameFlags;
use crate::args::verb::set::SetFlags;
use crate::args::verb::shared::ObjectFlags;
use crate::args::verb::unset::UnsetFlags;

/// The SealedSecret to change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// Its file.
    pub file: PathBuf,
    /// Its name, where the file holds several.
    pub name: Option<String>,
    /// Its namespace, where the file holds several.
    pub namespace: Option<String>,
}

impl Target {
    /// The object of `file` that the flags mean.
    pub(super) fn of(file: OsString, flags: ObjectFlags) -> Self {
        Self {
            file: file.into(),
            name: set(flags.name),
            namespace: set(flags.namespace),
        }
    }
}

/// Type new values in an editor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EditValues {
    /// What to change.
    pub target: Target,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// The namespace of a new file's object, or where it comes from.
    pub namespace: Namespace,
    /// The scope that was asked for.
    pub scope: Option<Scope>,
    /// Whether objects get a key hint that have none.
    pub key_hint: bool,
}

/// Seal one value into a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SetItem {
    /// What to change.
    pub target: Target,
    /// The item's name.
    pub item: String,
    /// The scope that was asked for.
    pub scope: Option<Scope>,
    /// Where the value comes from.
    pub value: Input,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// Whether the object gets a key hint if it has none.
    pub key_hint: bool,
    /// The certificate to seal with.
    pub cert: CertSource,
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

impl EditValues {
    pub(super) fn decide(flags: EditFlags) -> Result<Self, CommandError> {
        if is_stream(flags.file.as_ref()) {
            return Err(CommandError::StreamHasNoPlace("edit"));
        }
        let cert = CertSource::of_verb(&flags.certificate)?.at(&flags.file);
        let namespace = Namespace::of(flags.object.namespace.as_ref(), &flags.certificate.cluster);
        Ok(Self {
            target: Target::of(flags.file, flags.object),
            cert,
            namespace,
            scope: flags.scope,
            key_hint: flags.key_hint,
        })
    }
}

impl SetItem {
    pub(super) fn decide(flags: SetFlags) -> Result<Self, CommandError> {
        check_item_name(&flags.key).map_err(|_| CommandError::ItemName("KEY"))?;
        let value = set(flags.from_file).map_or(Input::Stdin, |path| Input::of(path.as_ref()));
        if value == Input::Stdin && Input::of(flags.file.as_ref()) == Input::Stdin {
            return Err(CommandError::TwoFromStdin);
        }
        Ok(Self {
            cert: CertSource::of_verb(&flags.certificate)?.of_file(flags.file.as_ref()),
            target: Target::of(flags.file, flags.object),
            item: flags.key,
            scope: flags.scope,
            value,
            allow_empty: flags.allow_empty_data,
            key_hint: flags.key_hint,
        })
    }
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
