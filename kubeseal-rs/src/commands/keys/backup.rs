//! `kubeseal keys backup`.

use std::collections::BTreeSet;
use std::path::Path;

use crds::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cluster::{Cluster, Controller, OpenSecret};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError, Output};
use crate::keys::{self, KeysError, age_file, hybrid_fault, restore};
use crate::note;
use crate::objects::InputName;
use crate::place;

/// Saves all keys, in clear when there are no recipients.
pub(super) fn run(
    controller: &Controller,
    recipients: &[String],
    output: &Output,
    environment: &Environment,
) -> Result<(), Error> {
    let recipients = age_file::recipients(recipients)?;
    if let (Output::File(path), true) = (output, recipients.is_empty()) {
        refuse_where_others_read(path)?;
    }
    let cluster = Cluster::connect(&controller.cluster, environment)?;
    let secrets = cluster.key_secrets(&controller.namespace)?;
    if secrets.is_empty() {
        return Err(KeysError::None(controller.namespace.clone()).into());
    }
    let faults = rsa_halves(&secrets);
    let keys = keys::held(secrets.iter().map(|secret| &secret.0));
    if let Output::File(path) = output {
        refuse_to_lose_keys(path, &keys)?;
    }
    let list = list(secrets)?;
    let text = manifest::to_yaml(&list).map(Zeroizing::new);
    manifest::wipe(list);
    let text = text.map_err(|error| InputName("the backup".to_owned()).fault(error))?;
    if recipients.is_empty() {
        files::write(output, text.as_bytes())?;
        if *output == Output::Stdout && files::others_read_stdout() {
            note::warning(
                "others may read the file that this backup in clear went to: chmod 600 it, or write it with -w",
            );
        }
    } else {
        files::write(output, &age_file::encrypted(text.as_bytes(), &recipients, &keys)?)?;
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(KeysError::RsaHalves(faults).into()),
    }
}

/// A file that holds a key which the new backup lacks may be the only place where that is left.
fn refuse_to_lose_keys(path: &Path, keys: &BTreeSet<String>) -> Result<(), Error> {
    if !path.is_file() {
        return Ok(());
    }
    let before = files::read_file(path)?;
    let there = match age_file::is_encrypted(&before) {
        true => Some(age_file::named(&before)).filter(|named| !named.is_empty()),
        false => restore::keys_in(&before),
    };
    let Some(there) = there else {
        return Err(KeysError::KeptUnknown(path.to_owned()).into());
    };
    let lost: Vec<_> = there.difference(keys).cloned().collect();
    match lost.is_empty() {
        true => Ok(()),
        false => Err(KeysError::Kept(path.to_owned(), lost).into()),
    }
}

/// What is wrong with the hybrid keys of these Secrets: the backup holds what there is.
fn rsa_halves(secrets: &[OpenSecret]) -> Vec<String> {
    let fault = |secret: &OpenSecret| {
        let name = secret.0.metadata.name.clone().unwrap_or_default();
        Some(format!(
            "the backup opens format v1 only with {name}: {}",
            hybrid_fault(&secret.0)?
        ))
    };
    secrets.iter().filter_map(fault).collect()
}

/// A List that `kubectl apply` takes: without what only this cluster knows of the Secrets.
fn list(mut secrets: Vec<OpenSecret>) -> Result<Value, Error> {
    let mut items = Vec::new();
    for secret in &mut secrets {
        let metadata = std::mem::take(&mut secret.0.metadata);
        secret.0.metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            labels: metadata.labels,
            annotations: metadata.annotations.map(|mut annotations| {
                annotations.retain(|name, _| !names::is_last_applied(name));
                annotations
            }),
            ..ObjectMeta::default()
        };
        let not_written = |_| InputName("the backup".to_owned()).fault(manifest::EmitError);
        items.push(serde_json::to_value(&secret.0).map_err(not_written)?);
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// A backup in clear opens everything, so it must not come under Git, nor into a file that others may read.
fn refuse_where_others_read(path: &Path) -> Result<(), Error> {
    let under_git = place::comes_under_git(path).map_err(|reason| FileError::Write {
        path: path.to_owned(),
        reason,
    })?;
    if under_git {
        return Err(KeysError::UnderGit(path.to_owned()).into());
    }
    if std::fs::metadata(path).is_ok_and(|there| files::others_read(&there)) {
        return Err(KeysError::OpenToOthers(path.to_owned()).into());
    }
    Ok(())
}
