//! `kubeseal edit`: new values, typed in an editor beside the names of the items.

mod form;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::path::Path;

use clap::Args;
use crds::SealedSecret;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::edit::Change;
use manifest::{EmitError, Format};
use sealing::binding::Scope;
use sealing::key_hint::KeyHint;
use sealing::merge::seal_items;
use sealing::random::Random;
use sealing::seal::{SealError, SealParameters, seal};
use sealing::sealer::{self, Sealer};
use sealing::secret::ClearSecret;

use super::embedded_file::EmbeddedFile;
use super::error::CommandError;
use super::namespace::{DefaultNamespace, Namespace};
use super::sealed_file::{SealedFile, left_in_v1};
use super::target::Target;
use crate::cert_source::{self, CertSource};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError, Output, Writer, is_stream};
use crate::flags::{CertificateFlags, FormatFlags, ObjectFlags};
use crate::names::{fault_of_name, fault_of_namespace};
use crate::note;
use crate::objects::{self, Fault, InputError, InputName};
use crate::quoting::{self, visible};
use form::{Section, Typed, typed};

/// Flags of `kubeseal edit`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("edit.txt"))]
pub(crate) struct EditFlags {
    /// The file with SealedSecrets, changed in place: only what gets a new value, and byte for byte nothing else; one that
    /// is not there is made
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// Note the key's fingerprint in an annotation where there is none yet; one that is there is kept right in any case
    #[arg(long)]
    pub key_hint: bool,
    /// The scope that the SealedSecrets are of: a wider one than strict is not taken from the file alone [default: strict]
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
    /// `--format-version`.
    pub version: Option<sealer::Format>,
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
            version: flags.version.format_version,
        })
    }
}

const NOTHING: &str = "nothing was changed; if the editor did not wait for you, tell it to: EDITOR='code --wait'";

/// Opens the editor, seals what was typed, writes the file at once, and tells what was done to it.
pub(crate) fn run(
    command: &EditValues,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let told = if std::fs::metadata(&command.target.file).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        make(command, environment, now, random)?
    } else {
        change(command, environment, now, random)?
    };
    Ok(files::write(&Output::Stdout, visible(&told).as_bytes())?)
}

fn change(
    command: &EditValues,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<String, Error> {
    let path = &command.target.file;
    if let Some(file) = EmbeddedFile::read(path)? {
        return Err(file.not_edited());
    }
    let namespace = command.target.namespace.as_deref();
    let file = SealedFile::read(path)?.in_namespaces(namespace)?;
    let shown = shown(&file, command)?;
    let sections: Vec<_> = shown.iter().map(|(_, sealed, label)| section(sealed, label)).collect();
    // Before anyone types what could not be sealed.
    let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
    let sealer = cert.sealer(command.version)?;
    for (at, sealed, _) in &shown {
        cert_source::check_sealable_into(&sealer, sealed).map_err(|error| file.fault(*at, error))?;
    }
    let typed = typed(&sections, environment)?;
    let mut told = String::new();
    let typed: Vec<_> = shown
        .into_iter()
        .zip(typed)
        .map(|((_, sealed, label), typed)| {
            told.push_str(&summary(path, sealed, &label, &typed));
            (label, sealed.clone(), typed)
        })
        .collect();
    let file = file.change(namespace, |file| changes(file, command, &typed, &sealer, random))?;
    for (_, sealed, label) in self::shown(&file, command)? {
        note::names(sealed);
        let typed = typed
            .iter()
            .filter(|(of, _, typed)| *of == label && !typed.values.is_empty());
        for (_, _, typed) in typed {
            let left = left_in_v1(sealed, &typed.values.keys().collect::<Vec<_>>(), &sealer);
            told.extend(left.map(|left| format!("{}: {left}\n", quoting::path(path))));
        }
    }
    Ok(if told.is_empty() { format!("{NOTHING}\n") } else { told })
}

/// What changes in the file by what was typed. Others may have changed it while the editor was open, but not the same items.
fn changes(
    file: &SealedFile,
    command: &EditValues,
    typed: &[(String, SealedSecret, Typed)],
    sealer: &Sealer<'_>,
    random: &mut dyn Random,
) -> Result<BTreeMap<usize, Vec<Change>>, Error> {
    let mut all = BTreeMap::new();
    let now = shown(file, command)?;
    for (label, before, typed) in typed.iter().filter(|(_, _, typed)| !typed.values.is_empty()) {
        let same = |sealed: &SealedSecret| {
            let item = |item: &String| sealed.spec.encrypted_data.get(item) == before.spec.encrypted_data.get(item);
            typed.values.keys().all(item)
        };
        let found = now.iter().find(|(_, sealed, other)| other == label && same(sealed));
        let (at, sealed, _) = found.ok_or_else(|| file.name().fault(Fault::ChangedMeanwhile))?;
        let made = seal_items(sealed, &typed.values, command.key_hint, sealer, random);
        all.insert(*at, made.map_err(|error| file.fault(*at, error))?);
    }
    Ok(all)
}

/// The objects that are meant, all of the scope that was asked for: position, object, and the name that the editor shows.
fn shown<'f>(file: &'f SealedFile, command: &EditValues) -> Result<Vec<(usize, &'f SealedSecret, String)>, InputError> {
    let target = &command.target;
    let meant = if target.name.is_some() || target.namespace.is_some() {
        vec![file.meant(target)?]
    } else {
        file.sealed.iter().enumerate().collect()
    };
    let mut shown: Vec<(usize, &SealedSecret, String)> = Vec::new();
    let (mut labels, mut numbers) = (HashSet::new(), HashMap::new());
    for (at, sealed) in meant {
        // Before anyone types what could not be sealed.
        file.check_sealable(at, sealed, command.scope)?;
        let metadata = &sealed.metadata;
        let parts = [&metadata.namespace, &metadata.name];
        let name = parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("/");
        let mut label = name.clone();
        let number = numbers.entry(name.clone()).or_insert(1_usize);
        while !labels.insert(label.clone()) {
            *number += 1;
            label = format!("{name} ({number})");
        }
        shown.push((at, sealed, label));
    }
    Ok(shown)
}

fn section(sealed: &SealedSecret, label: &str) -> Section {
    Section {
        label: label.to_owned(),
        items: sealed.spec.encrypted_data.keys().cloned().collect(),
    }
}

/// A line for each item that was typed, or whose line was removed.
fn summary(path: &Path, sealed: &SealedSecret, label: &str, typed: &Typed) -> String {
    let there = &sealed.spec.encrypted_data;
    let path = quoting::path(path);
    let mut told = String::new();
    // Writing to a text cannot fail.
    for item in typed.values.keys() {
        let _ = if there.contains_key(item) {
            writeln!(told, "{path}: changed {item} of {label}")
        } else {
            match note::near(item, there.keys().filter(|other| !typed.values.contains_key(*other))) {
                Some(near) => writeln!(
                    told,
                    "{path}: added {item} of {label} (there is {near} too, which stays as it is)"
                ),
                None => writeln!(told, "{path}: added {item} of {label}"),
            }
        };
    }
    for item in &typed.gone {
        let _ = writeln!(
            told,
            "{path}: kept {item} of {label}, though its line is gone (to remove it: kubeseal unset)"
        );
    }
    told
}

/// Makes a new file of what is typed; none when nothing is.
fn make(
    command: &EditValues,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<String, Error> {
    let path = &command.target.file;
    let input = InputName(format!("{} (a new file)", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        let (path, reason) = (path.clone(), io::Error::from_raw_os_error(2));
        return Err(FileError::Open { path, reason }.into());
    }
    let (namespace, name) = names_of_new(command, &input, environment)?;
    let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
    let sealer = cert.sealer(command.version)?;
    let section = Section {
        label: format!("{namespace}/{name}"),
        items: Vec::new(),
    };
    let typed = typed(&[section], environment)?.pop().unwrap_or_default();
    if typed.values.is_empty() {
        return Ok(format!("{NOTHING}\n"));
    }
    let items: Vec<_> = typed.values.keys().cloned().collect();
    let secret = ClearSecret {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        items: typed.values,
        ..ClearSecret::default()
    };
    let parameters = SealParameters {
        scope: command.scope.unwrap_or_default(),
        ..SealParameters::default()
    };
    let mut sealed = seal(&secret, &parameters, &sealer, random).map_err(|error| input.fault(error))?;
    if command.key_hint {
        KeyHint::of_key(cert.public().fingerprint()).write(&mut sealed.metadata);
    }
    let of_names = sealed.clone();
    let value = serde_json::to_value(sealed).map_err(|_| input.fault(EmitError))?;
    let is_json = path.extension().is_some_and(|ending| ending == "json");
    let format = if is_json { Format::Json } else { Format::Yaml };
    let text = objects::text(&[value], format).map_err(|error| input.fault(error))?;
    Writer::default().write_new(path, text.as_bytes())?;
    note::names(&of_names);
    Ok(format!(
        "{}: new, {namespace}/{name} with {}\n",
        quoting::path(path),
        items.join(", ")
    ))
}

/// The namespace and the name of a new file's object.
fn names_of_new(command: &EditValues, input: &InputName, environment: &Environment) -> Result<(String, String), Error> {
    let named = command.target.name.clone().or_else(|| name_of(&command.target.file));
    let name = named.ok_or_else(|| input.fault(Fault::NameOfFile))?;
    let missing = input.fault(SealError::NamespaceMissing);
    let namespace = DefaultNamespace::new(&command.namespace, environment).get(missing)?;
    for (what, text, fault) in [
        ("name", &name, fault_of_name(&name)),
        ("namespace", &namespace, fault_of_namespace(&namespace)),
    ] {
        if let Some(fault) = fault {
            return Err(input
                .fault(Fault::Impossible(format!("{what} {text:?} {fault}")))
                .into());
        }
    }
    Ok((namespace, name))
}

/// The name of an object that a file's name says: without endings.
fn name_of(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let name = stem.strip_suffix(".sealed").unwrap_or(stem);
    fault_of_name(name).is_none().then(|| name.to_owned())
}
