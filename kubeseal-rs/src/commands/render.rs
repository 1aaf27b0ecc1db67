//! `kubeseal render`: what an object's templates make of sample values, offline.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use crds::{SealedSecret, SecretTemplate};
use jiff::Zoned;
use manifest::escaped;
use sealing::SecretBytes;
use sealing::random::Random;
use sealing::render::{Rendering, missing, render};
use sealing::unseal::{ItemErrors, UnsealError};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::CommandError;
use super::sealed_file::SealedFile;
use super::target::Target;
use crate::error::Error;
use crate::files::{self, Output};
use crate::flags::{ObjectFlags, set};
use crate::note;
use crate::objects::{Fault, InputError};

/// Flags of `kubeseal render`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("render.txt"))]
pub(crate) struct RenderFlags {
    /// The file with the SealedSecret whose templates (spec.template.data) are rendered
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// A sample value for a sealed item; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub data: Vec<String>,
    /// A sample value for a sealed item, read from a file; repeatable
    #[arg(long, value_name = "KEY=FILE")]
    pub data_file: Vec<String>,
    /// Write the result for this one item, byte for byte
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Which SealedSecret is meant.
    #[command(flatten)]
    pub object: ObjectFlags,
}

/// Show what templates make of sample values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Render {
    /// The object.
    pub target: Target,
    /// A value for each sealed item that has one; the last counts.
    pub samples: Vec<(String, Sample)>,
    /// The one item to write, byte for byte.
    pub item: Option<String>,
}

/// A sample value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample {
    /// As it was typed.
    Text(String),
    /// The content of a file.
    File(PathBuf),
}

impl Render {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: RenderFlags) -> Result<Self, CommandError> {
        let pair = |typed: &String| {
            let pair = typed
                .split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
            // The value itself is not told: some use real ones.
            pair.ok_or(CommandError::SampleWithoutKey)
        };
        let mut samples = Vec::new();
        for typed in &flags.data {
            let (key, value) = pair(typed)?;
            samples.push((key, Sample::Text(value)));
        }
        for typed in &flags.data_file {
            let (key, path) = pair(typed)?;
            samples.push((key, Sample::File(path.into())));
        }
        Ok(Self {
            target: Target::of(flags.file, flags.object),
            samples,
            item: set(flags.item),
        })
    }
}

/// Renders, and writes the results as YAML, or one of them as it is.
pub(crate) fn run(command: &Render, random: &mut dyn Random) -> Result<(), Error> {
    let file = SealedFile::read(&command.target.file)?;
    let (at, sealed) = file.meant(&command.target)?;
    let values = values(command, sealed, |fault| file.fault(at, fault))?;
    let template = sealed.spec.template.clone().unwrap_or_default();
    let mut rendering = Rendering {
        now: &Zoned::now(),
        random,
        refuse_nondeterministic: false,
        work: sealing::render::WORK,
    };
    let rendered = render(&template, &values, &mut rendering);
    if !rendered.errors.is_empty() {
        let errors = rendered.errors.into_iter().map(|(item, error)| (item, error.into()));
        return Err(file.fault(at, UnsealError::Items(ItemErrors(errors.collect()))).into());
    }
    let items = rendered
        .items
        .into_iter()
        .filter_map(|(item, value)| Some((item, value?)));
    let items: BTreeMap<_, _> = items.collect();
    if items.is_empty() {
        return Err(file.fault(at, Fault::NoTemplates).into());
    }
    warn_of_missing(&template, sealed, command.item.as_deref());
    if let Some(item) = &command.item {
        let found = || items.keys().cloned().collect();
        let value = items.get(item).ok_or_else(|| {
            file.fault(
                at,
                Fault::NoItem {
                    item: Some(item.clone()),
                    found: found(),
                },
            )
        })?;
        return Ok(files::write(&Output::Stdout, value.expose())?);
    }
    let mut texts = Map::new();
    for (item, value) in &items {
        let text = std::str::from_utf8(value.expose());
        let text = text.map_err(|_| file.fault(at, Fault::NotText(item.clone())))?;
        texts.insert(item.clone(), Value::String(text.to_owned()));
    }
    let texts = Value::Object(texts);
    let yaml = manifest::to_yaml(&texts).map(Zeroizing::new);
    manifest::wipe(texts);
    let yaml = yaml.map_err(|error| file.fault(at, error))?;
    Ok(files::write(&Output::Stdout, yaml.as_bytes())?)
}

/// Says which names in templates are those of no item, as `kubeseal lint` does. `only`: the one item that is shown.
fn warn_of_missing(template: &SecretTemplate, sealed: &SealedSecret, only: Option<&str>) {
    // What is in spec.data cannot be known.
    if sealed.spec.data.is_some() {
        return;
    }
    let items: Vec<_> = sealed.spec.encrypted_data.keys().map(String::as_str).collect();
    for (item, fields) in missing(template, &items) {
        if only.is_none_or(|only| only == item) {
            let fields: Vec<_> = fields.iter().map(|field| escaped(field)).collect();
            note::warning(&format!(
                "template {}: there is no item {}: it gives \"<no value>\" or an empty text",
                escaped(&item),
                fields.join(", ")
            ));
        }
    }
}

/// The sample values, and for each sealed item without one its name in angle brackets.
fn values(
    command: &Render,
    sealed: &SealedSecret,
    fault: impl Fn(Fault) -> InputError,
) -> Result<BTreeMap<String, SecretBytes>, Error> {
    let names = sealed.spec.encrypted_data.keys();
    let mut values: BTreeMap<_, _> = names
        .map(|name| (name.clone(), SecretBytes::new(format!("<{name}>").into_bytes())))
        .collect();
    for (item, sample) in &command.samples {
        let Some(value) = values.get_mut(item) else {
            return Err(fault(Fault::no_item(item, sealed)).into());
        };
        *value = match sample {
            Sample::Text(text) => SecretBytes::new(text.clone().into_bytes()),
            Sample::File(path) => {
                let mut bytes = files::read_file(path)?;
                SecretBytes::new(std::mem::take(&mut *bytes))
            }
        };
    }
    Ok(values)
}
