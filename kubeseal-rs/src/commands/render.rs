//! `kubeseal render`: what an object's templates make of sample values, offline.

use std::collections::BTreeMap;

use crds::SealedSecret;
use jiff::Zoned;
use sealing::SecretBytes;
use sealing::random::Random;
use sealing::render::{Rendering, render};
use sealing::unseal::{ItemErrors, UnsealError};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::sealed_file::SealedFile;
use crate::command::Output;
use crate::command::render::{Render, Sample};
use crate::error::Error;
use crate::files;
use crate::objects::{Fault, InputError};

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
