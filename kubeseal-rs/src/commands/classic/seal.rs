//! Seals every Secret of the input.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use crds::names;
use jiff::Timestamp;
use manifest::{Document, EmitError, Format};
use sealing::SystemRandom;
use sealing::binding::Scope;
use sealing::key_hint::KeyHint;
use sealing::seal::{SealParameters, seal};
use sealing::sealer::{self, SealItemError, Sealer};
use sealing::size::Obstacle;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cert_source::{self, CertSource, Certificate};
use crate::commands::metadata::SealedMetadata;
use crate::commands::namespace::{DefaultNamespace, Namespace};
use crate::commands::read::{read_before, read_objects};
use crate::embedded;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Input, Output, is_stream};
use crate::manifest_file::{self, ciphertexts};
use crate::note;
use crate::objects::{self, Fault, InputError, InputName};
use crate::parallel;

/// Seal Secrets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seal {
    /// The Secrets.
    pub input: Input,
    /// Where the SealedSecrets go.
    pub output: Output,
    /// How they are written.
    pub format: Format,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--scope`.
    pub scope: Scope,
    /// `--name`.
    pub name: Option<String>,
    /// `--namespace`, or where a Secret that names none gets its namespace.
    pub namespace: Namespace,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// `--only-secrets`.
    pub only_secrets: bool,
    /// `--key-hint`.
    pub hinted: bool,
    /// What the SealedSecrets themselves carry.
    pub metadata: SealedMetadata,
    /// `--format-version`.
    pub version: Option<sealer::Format>,
    /// Whether the certificate may choose the version of the format: it is `kubeseal seal -`.
    pub is_verb: bool,
}

/// Seals all documents, then writes the result at once.
pub(crate) fn run(command: &Seal, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let read = || read_objects(&command.input);
    let cert = || cert_source::sealing_cert(&command.cert, environment, now);
    let (bytes, cert) = read_before(&command.input, read, cert)?;
    let namespace = DefaultNamespace::new(&command.namespace, environment);
    let parameters = namespace.parameters(
        command.scope,
        command.name.clone(),
        command.allow_empty,
        &command.metadata,
    );
    let hinted = command.hinted;
    let sealing = Sealing {
        parameters,
        sealer: match command.is_verb {
            true => cert.sealer(command.version)?,
            false => sealer_over(&command.output, command.version, &cert)?,
        },
        namespace,
        hinted,
    };
    let name = InputName::of(&command.input);
    let text = sealing.text(&name, &bytes, command.format, command.only_secrets)?;
    let written_over = written_over(&command.output, text.as_bytes());
    files::write(&command.output, text.as_bytes())?;
    written_over.iter().for_each(|told| note::told(told));
    Ok(())
}

/// Which objects of the file that `text` is written over are not in it. The reference does not ask either.
fn written_over(output: &Output, text: &[u8]) -> Option<String> {
    let Output::File(path) = output else {
        return None;
    };
    // Only a terminal gets the note.
    if is_stream(path) || !io::stderr().is_terminal() {
        return None;
    }
    let new = objects_of(text);
    let former = objects_of(&files::read_found(path).ok()?);
    let lost: Vec<_> = former.difference(&new).map(String::as_str).collect();
    let file = path.display();
    (!lost.is_empty()).then(|| format!("note: {file} was written over: {} is no longer in it", lost.join(", ")))
}

/// The objects of a text by kind and name; a Secret as the SealedSecret that it becomes.
fn objects_of(text: &[u8]) -> BTreeSet<String> {
    let documents = manifest::read_mixed(text).unwrap_or_default();
    let named = documents.iter().filter_map(|document| {
        let kind = match manifest_file::kind(document) {
            "Secret" => names::KIND,
            other => other,
        };
        let name = document.value.pointer("/metadata/name")?.as_str()?;
        Some(format!("{kind} {name}"))
    });
    named.collect()
}

/// What seals into a file that may be there: nothing gets an earlier version of the format than what is written over.
fn sealer_over<'c>(
    output: &Output,
    asked: Option<sealer::Format>,
    cert: &'c Certificate,
) -> Result<Sealer<'c>, InputError> {
    let sealer = cert.classic_sealer(asked)?;
    let former = match output {
        Output::File(path) if !is_stream(path) => latest_in(path),
        Output::File(_) | Output::Stdout => None,
    };
    match (former.filter(|former| *former > sealer.format_after(None)), output) {
        (Some(sealer::Format::V2), Output::File(path)) if asked.is_some() => {
            Err(InputName(path.display().to_string()).fault(SealItemError::NotLowered))
        }
        (Some(former), _) => cert.classic_sealer(Some(former)),
        (None, _) => Ok(sealer),
    }
}

/// The latest version of the sealed values in a regular file, also in one that is not YAML any more, as with the marks of a merge.
/// What cannot be read is written over as ever.
fn latest_in(path: &Path) -> Option<sealer::Format> {
    let bytes = files::read_found(path).ok()?;
    let documents = manifest::read_mixed(&bytes).unwrap_or_default();
    let in_objects = ciphertexts(&documents).into_iter();
    let anywhere = embedded::find(&bytes).into_iter().map(|one| one.value);
    in_objects
        .chain(anywhere)
        .filter_map(|text| sealer::Format::of(&text))
        .max()
}

/// How the Secrets of an input are sealed.
struct Sealing<'a> {
    parameters: SealParameters,
    sealer: Sealer<'a>,
    namespace: DefaultNamespace<'a>,
    /// Whether each object gets a key hint.
    hinted: bool,
}

impl Sealing<'_> {
    /// The SealedSecret of each document of an input, as one text in the order of the documents. On all cores.
    /// `only_secrets`: documents of other kinds are left out.
    ///
    /// # Errors
    /// The first thing that is wrong in the input; [`Fault::NoSecret`].
    fn text(
        &self,
        name: &InputName,
        bytes: &[u8],
        format: Format,
        only_secrets: bool,
    ) -> Result<Zeroizing<String>, Error> {
        let read = if only_secrets {
            manifest::each_mixed
        } else {
            manifest::each
        };
        let texts = parallel::in_order(
            |take| Ok(read(bytes, take).map_err(|error| name.unreadable(bytes, error))?),
            |document| {
                if only_secrets && manifest_file::kind(&document) != "Secret" {
                    return Ok(Zeroizing::new(String::new()));
                }
                let object = self.object(name, &document)?;
                objects::text(&[object], format).map_err(|error| Error::from(name.fault(error)))
            },
        )?;
        if texts.iter().all(|text| text.is_empty()) {
            return Err(name.fault(Fault::NoSecret).into());
        }
        Ok(Zeroizing::new(texts.iter().map(|text| text.as_str()).collect()))
    }

    fn object(&self, name: &InputName, document: &Document) -> Result<Value, Error> {
        let secret = name.secret(document)?;
        for (item, value) in &secret.items {
            note::placeholder(
                &format!("{}, {}: item {item}", name.0, document.place()),
                value.expose(),
            );
        }
        let fault = |error| name.fault_at(document.place(), error);
        let mut parameters = self.parameters.clone();
        self.namespace.outline(&secret, &mut parameters, fault)?;
        let mut random = SystemRandom::default();
        let mut object = seal(&secret, &parameters, &self.sealer, &mut random).map_err(fault)?;
        if self.hinted && !object.spec.encrypted_data.is_empty() {
            KeyHint::of_key(self.sealer.fingerprint()).write(&mut object.metadata);
        }
        note::names(&object);
        let value = serde_json::to_value(object).map_err(|_| name.fault(EmitError))?;
        // Only a terminal gets the note.
        if io::stderr().is_terminal()
            && let Some(obstacle) = Obstacle::of(&value)
        {
            note::obstacle(&format!("{}, {}", name.0, document.place()), obstacle);
        }
        Ok(value)
    }
}
