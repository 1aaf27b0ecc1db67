//! `--merge-into`: seals the items of Secrets into the SealedSecrets of a file.

use std::collections::BTreeMap;

use crds::SealedSecret;
use jiff::Timestamp;
use manifest::Document;
use manifest::edit::Change;
use sealing::SecretBytes;
use sealing::key::PublicKey;
use sealing::merge::{MergeError, merge};
use sealing::random::Random;
use sealing::secret::ClearSecret;
use sealing::size;
use sealing::unseal::place;

use crate::cert_source;
use crate::command::MergeInto;
use crate::commands::sealed_file::{SealedFile, told};
use crate::environment::Environment;
use crate::error::Error;
use crate::lint::{Namespaces, Purpose};
use crate::note;
use crate::objects::{Fault, InputName};
use crate::quoting;

/// Seals all Secrets into the objects of their names, then writes the file at once. A single Secret is sealed into the
/// only object of a file whatever their names are, as in the reference.
pub(crate) fn run(
    command: &MergeInto,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let read = || crate::commands::read_objects(&command.input);
    let into = || {
        let file = SealedFile::read(&command.target)?.placed(command.parameters.namespace.as_deref());
        if command.json {
            file.check_json()?;
        }
        Ok((file, cert_source::sealing_cert(&command.cert, environment, now)?))
    };
    let (bytes, (file, cert)) = crate::commands::read_before(&command.input, read, into)?;
    let name = InputName::of(&command.input);
    let documents = name.documents(&bytes)?;
    let namespace = command.parameters.namespace.as_deref();
    let mut all = Vec::new();
    file.change(namespace, |file| {
        let (changes, told) = changes(command, file, &name, &documents, cert.public(), random)?;
        all = told;
        Ok(changes)
    })?;
    all.iter().for_each(|told| note::told(told));
    Ok(())
}

/// What changes in each object of the file, by position, and what is to be told of it.
type Merged = (BTreeMap<usize, Vec<Change>>, Vec<String>);

/// What sealing the Secrets that `documents` are changes in the file.
fn changes(
    command: &MergeInto,
    file: &SealedFile,
    name: &InputName,
    documents: &[Document],
    key: &PublicKey,
    random: &mut dyn Random,
) -> Result<Merged, Error> {
    let mut all_told = Vec::new();
    let namespaces = Namespaces::default();
    let mut changes: BTreeMap<usize, Vec<Change>> = BTreeMap::new();
    // What goes into one object, of however many Secrets.
    let mut items: BTreeMap<usize, BTreeMap<String, SecretBytes>> = BTreeMap::new();
    for document in documents {
        let secret = name.secret(document)?;
        let said = command.name.as_ref().or(secret.metadata.name.as_ref());
        let namespace = command
            .parameters
            .namespace
            .as_ref()
            .or(secret.metadata.namespace.as_ref());
        let strictly = documents.len() > 1;
        let at = file.target(said.map(String::as_str), namespace.map(String::as_str), strictly)?;
        let Some(mut target) = file.sealed.get(at).cloned() else {
            continue;
        };
        place(&mut target, secret.metadata.namespace.as_deref());
        crate::commands::place_by_kustomization(&command.target, &mut target, &namespaces, Purpose::Sealing)
            .map_err(|fault| file.fault(at, fault))?;
        note::names(&target);
        let merged = merge(&target, &secret, &command.parameters, key, random)
            .map_err(|error| name.fault_at(document.place(), error))?;
        let all = changes.entry(at).or_default();
        // Of two values for one field only one could stay.
        if let Some(change) = merged
            .iter()
            .find(|change| all.iter().any(|other| other.path() == change.path()))
        {
            let field = change.path().join(".");
            return Err(name.fault_at(document.place(), Fault::SealedTwice { field }).into());
        }
        all.extend(merged);
        let into = told(&target, &secret.items.keys().collect::<Vec<_>>(), &file.name().0);
        all_told.push(into + &from_another(command, &target, &secret));
        let items = items.entry(at).or_default();
        items.extend(secret.items);
        let size = size::of_secret_with(&target.spec, items);
        if size > size::LARGEST_SECRET {
            return Err(name.fault_at(document.place(), MergeError::TooLarge(size)).into());
        }
    }
    Ok((changes, all_told))
}

/// That the Secret has another name than the object that it was sealed into, though none was typed. The reference seals it all the
/// same.
fn from_another(command: &MergeInto, target: &SealedSecret, secret: &ClearSecret) -> String {
    let differs = |clear: &Option<String>, sealed: &Option<String>| clear.is_some() && clear != sealed;
    let (clear, sealed) = (&secret.metadata, &target.metadata);
    let is_meant = command.name.is_some() || !differs(&clear.name, &sealed.name);
    if is_meant && !differs(&clear.namespace, &sealed.namespace) {
        return String::new();
    }
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = quoting::full_name(&of(&clear.namespace), &of(&clear.name));
    format!(" (from {name}: the name in the file counts)")
}
