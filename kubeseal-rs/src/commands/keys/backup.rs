//! `kubeseal keys backup`.

use std::path::Path;

use crds::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cluster::{Cluster, Controller, OpenSecret};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError, Output};
use crate::keys::{KeysError, age_file, hybrid_fault};
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
    if let (Output::File(path), true) = (output, recipients.is_empty()) {
        refuse_where_others_read(path)?;
    }
    let cluster = Cluster::connect(&controller.cluster, environment)?;
    let secrets = cluster.key_secrets(&controller.namespace)?;
    if secrets.is_empty() {
        return Err(KeysError::None(controller.namespace.clone()).into());
    }
    let faults = rsa_halves(&secrets);
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
        files::write(output, &age_file::encrypted(text.as_bytes(), recipients)?)?;
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(KeysError::RsaHalves(faults).into()),
    }
}

/// What is wrong with the hybrid halves of these keys: the backup holds what there is.
fn rsa_halves(secrets: &[OpenSecret]) -> Vec<String> {
    let fault = |secret: &OpenSecret| {
        let name = secret.0.metadata.name.clone().unwrap_or_default();
        Some(format!(
            "the backup opens format version 1 only with {name}: {}",
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
                annotations.retain(|name, _| !names::ANNOTATIONS_LAST_APPLIED.contains(&name.as_str()));
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
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let others =
            std::fs::metadata(path).is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o077 != 0);
        if others {
            return Err(KeysError::OpenToOthers(path.to_owned()).into());
        }
    }
    Ok(())
}
