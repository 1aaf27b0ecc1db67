//! `--merge-into`: seals the items of Secrets into the SealedSecrets of a file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crds::SealedSecret;
use jiff::Timestamp;
use manifest::edit::Change;
use manifest::{Document, Format};
use sealing::merge::{MergeError, MergeParameters, merge};
use sealing::random::Random;
use sealing::sealer::{self, Sealer};
use sealing::secret::ClearSecret;
use sealing::unseal::fill_namespace;
use sealing::{SecretBytes, size};

use super::args::Args;
use super::format;
use crate::cert_source::{self, CertSource};
use crate::commands::error::CommandError;
use crate::commands::read::{place_by_kustomization, read_before, read_objects};
use crate::commands::sealed_file::{SealedFile, left_in_v1, told};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{Input, Output};
use crate::flags::set;
use crate::lint::{Namespaces, Purpose};
use crate::note;
use crate::objects::{Fault, InputName};
use crate::quoting;

/// Seal the items of Secrets into a file of SealedSecrets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MergeInto {
    /// The Secrets.
    pub input: Input,
    /// The file of SealedSecrets, changed in place.
    pub target: PathBuf,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--name`: which SealedSecret of the file is meant, if not the one with the Secret's name.
    pub name: Option<String>,
    /// Whether the result must be JSON. `-o yaml` has no effect: JSON is YAML, and the file keeps its form.
    pub json: bool,
    /// What else the flags say.
    pub parameters: MergeParameters,
    /// `--format-version`.
    pub version: Option<sealer::Format>,
}

impl MergeInto {
    /// Decides what the flags mean when `--merge-into` names `target`.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(
        args: &Args,
        target: PathBuf,
        input: Input,
        output: &Output,
        cert: CertSource,
    ) -> Result<Self, CommandError> {
        if *output != Output::Stdout {
            return Err(CommandError::OutputWithMergeInto);
        }
        let said = set(args.files.format.as_ref()).is_some();
        let format = format(args, output)?;
        Ok(Self {
            cert: cert.between(&input, &Output::File(target.clone())),
            input,
            target,
            name: set(args.sealing.name.clone()),
            json: said && format == Format::Json,
            version: args.sealing.format_version,
            parameters: MergeParameters {
                scope: args.sealing.scope,
                namespace: set(args.sealing.namespace.clone()),
                allow_empty: args.sealing.allow_empty_data,
                hinted: args.sealing.key_hint,
            },
        })
    }
}

/// Seals all Secrets into the objects of their names, then writes the file at once. A single Secret is sealed into the
/// only object of a file whatever their names are, as in the reference.
pub(crate) fn run(
    command: &MergeInto,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let read = || read_objects(&command.input);
    let into = || {
        let file = SealedFile::read(&command.target)?.placed(command.parameters.namespace.as_deref());
        if command.json {
            file.check_json()?;
        }
        Ok((file, cert_source::sealing_cert(&command.cert, environment, now)?))
    };
    let (bytes, (file, cert)) = read_before(&command.input, read, into)?;
    let name = InputName::of(&command.input);
    let documents = name.documents(&bytes)?;
    let namespace = command.parameters.namespace.as_deref();
    let sealer = cert.classic_sealer(command.version)?;
    let mut all = Vec::new();
    file.change(namespace, |file| {
        let (changes, told) = changes(command, file, &name, &documents, &sealer, random)?;
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
    sealer: &Sealer<'_>,
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
        fill_namespace(&mut target, secret.metadata.namespace.as_deref());
        place_by_kustomization(&command.target, &mut target, &namespaces, Purpose::Sealing)
            .map_err(|fault| file.fault(at, fault))?;
        note::names(&target);
        let merged = merge(&target, &secret, &command.parameters, sealer, random)
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
    for (at, items) in &items {
        let left = file.sealed.get(*at);
        let left = left.and_then(|sealed| left_in_v1(sealed, &items.keys().collect::<Vec<_>>(), sealer));
        all_told.extend(left.map(|left| format!("note: {left}")));
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
