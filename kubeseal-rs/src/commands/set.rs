//! `kubeseal set`: one value sealed into a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use clap::Args;
use crds::SealedSecret;
use jiff::Timestamp;
use sealing::SecretBytes;
use sealing::binding::Scope;
use sealing::merge::{check_item_name, seal_items};
use sealing::random::Random;
use sealing::sealer::Format;

use super::embedded_file::EmbeddedFile;
use super::error::CommandError;
use super::read::read_before;
use super::sealed_file::{SealedFile, left_in_v1, left_with_other_key, told};
use super::target::Target;
use crate::cert_source::{self, CertSource};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError, Input};
use crate::flags::{CertificateFlags, FormatFlags, ObjectFlags, set};
use crate::note;
use crate::objects::{Fault, InputError, InputName};
use crate::prompt;

/// Flags of `kubeseal set`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("set.txt"))]
pub(crate) struct SetFlags {
    /// The file with SealedSecrets, changed in place: only this item, and byte for byte nothing else
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// The name of the item; it is added when there is none
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Read the value from this file, in place of stdin
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<OsString>,
    /// Fail when there is no item KEY yet, in place of adding it (for scripts, which see no word of an item that was added)
    #[arg(long)]
    pub existing: bool,
    /// Seal an empty value
    #[arg(long)]
    pub allow_empty_data: bool,
    /// Note the key's fingerprint in an annotation where there is none yet; one that is there is kept right in any case
    #[arg(long)]
    pub key_hint: bool,
    /// The scope that the SealedSecret is of, or a value outside SealedSecrets (in a chart's values, a Helm template): a wider one
    /// than strict is not taken from the file alone [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
    /// In which version of the format to seal.
    #[command(flatten)]
    pub version: FormatFlags,
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
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
    /// Whether the item must be there already.
    pub existing: bool,
    /// Where the value comes from.
    pub value: Input,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// Whether the object gets a key hint if it has none.
    pub key_hint: bool,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--format-version`.
    pub version: Option<Format>,
}

impl SetItem {
    pub(super) fn decide(flags: SetFlags) -> Result<Self, CommandError> {
        check_item_name(&flags.key).map_err(|_| CommandError::ItemName("KEY"))?;
        let value = set(flags.from_file).map_or(Input::Stdin, |path| Input::of(path.as_ref()));
        if value == Input::Stdin && Input::of(flags.file.as_ref()) == Input::Stdin {
            return Err(CommandError::TwoFromStdin);
        }
        Ok(Self {
            version: flags.version.format_version,
            cert: CertSource::of_verb(&flags.certificate)?.of_file(flags.file.as_ref()),
            target: Target::of(flags.file, flags.object),
            item: flags.key,
            scope: flags.scope,
            existing: flags.existing,
            value,
            allow_empty: flags.allow_empty_data,
            key_hint: flags.key_hint,
        })
    }
}

/// Seals one value into the file.
pub(crate) fn run(
    command: &SetItem,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    if let Some(file) = EmbeddedFile::read(&command.target.file)? {
        return set_embedded(&file, command, environment, now, random);
    }
    let namespace = command.target.namespace.as_deref();
    let file = SealedFile::read(&command.target.file)?.in_namespaces(namespace)?;
    // Before anyone types what could not be sealed.
    let (at, sealed) = meant(&file, command)?;
    let cert = || {
        let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
        let checked = cert_source::check_sealable_into(&cert.sealer(command.version)?, sealed);
        checked.map_err(|error| file.fault(at, error))?;
        Ok(cert)
    };
    let (value, cert) = read_before(&command.value, || Ok(value(command)?), cert)?;
    if is_empty(&value) && !command.allow_empty {
        return Err(InputName::of(&command.value).fault(Fault::EmptyItem).into());
    }
    let sealer = cert.sealer(command.version)?;
    let items = BTreeMap::from([(command.item.clone(), value)]);
    let file = file.change(namespace, |file| {
        let (at, sealed) = meant(file, command)?;
        let changes = seal_items(sealed, &items, command.key_hint, &sealer, random);
        Ok(BTreeMap::from([(at, changes.map_err(|error| file.fault(at, error))?)]))
    })?;
    let sealed = file.meant(&command.target)?.1;
    let keys: Vec<_> = items.keys().collect();
    note::told(&told(sealed, &keys, &file.name().0));
    if let Some(left) = left_in_v1(sealed, &keys, &sealer) {
        note::told(&format!("note: {left}"));
    }
    if let Some(left) = left_with_other_key(sealed, &keys, &sealer) {
        note::told(&format!("note: {left}"));
    }
    note::names(sealed);
    for (item, value) in &items {
        note::line_break_at_end(value.expose(), false);
        note::placeholder(&format!("the value of {item}"), value.expose());
    }
    Ok(())
}

/// The object that is meant, if it is of the scope that was asked for and has the item that must be there.
fn meant<'f>(file: &'f SealedFile, command: &SetItem) -> Result<(usize, &'f SealedSecret), InputError> {
    let (at, sealed) = file.meant(&command.target)?;
    file.check_sealable(at, sealed, command.scope)?;
    if command.existing && !sealed.spec.encrypted_data.contains_key(&command.item) {
        return Err(file.fault(at, Fault::no_item(&command.item, sealed)));
    }
    Ok((at, sealed))
}

/// Seals a value that stands outside SealedSecrets. It keeps its version of the format unless a flag raises it.
fn set_embedded(
    file: &EmbeddedFile,
    command: &SetItem,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let place = (&command.target, command.scope);
    // Before anyone types what could not be sealed.
    let former = file.bound(&command.item, place)?.0.format();
    let cert = || {
        let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
        cert.outside_sealer(command.version)?.check(former)?;
        Ok(cert)
    };
    let (value, cert) = read_before(&command.value, || Ok(value(command)?), cert)?;
    if is_empty(&value) && !command.allow_empty {
        return Err(InputName::of(&command.value).fault(Fault::EmptyItem).into());
    }
    let sealer = cert.outside_sealer(command.version)?;
    file.replace(&command.item, place, |former, binding| {
        sealer.seal(former, value.expose(), binding, &command.item, random)
    })
}

/// Whether there is nothing but a line break, as of an empty variable that `echo` prints.
fn is_empty(value: &SecretBytes) -> bool {
    matches!(value.expose(), b"" | b"\n" | b"\r\n")
}

/// The value, byte for byte; from a terminal one line that is not shown, without its end.
fn value(command: &SetItem) -> Result<SecretBytes, FileError> {
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
