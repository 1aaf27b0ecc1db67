//! `kubeseal keys restore`.

use std::path::Path;

use crds::names;

use crate::cluster::{Cluster, Controller};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Input, Output};
use crate::keys::restore::{self, Plan, Saved};
use crate::keys::{KeysError, age_file};
use crate::objects::InputName;
use crate::quoting::visible;

/// The label of a key that may be compromised.
const COMPROMISED: &str = "compromised";

/// Brings the keys of a backup back; everything is judged before the first of them is made.
pub(super) fn run(
    controller: &Controller,
    input: &Input,
    identity: Option<&Path>,
    dry_run: bool,
    environment: &Environment,
) -> Result<(), Error> {
    let name = InputName::of(input);
    let bytes = files::read(input, "a backup of the key Secrets")?;
    if identity.is_some() && !age_file::is_encrypted(&bytes) {
        return Err(KeysError::NotEncrypted(name.0.clone()).into());
    }
    let bytes = age_file::in_clear(bytes, identity, &name.0)?;
    let saved = restore::saved(&bytes, &name)?;

    let namespace = &controller.namespace;
    let cluster = Cluster::connect(&controller.cluster, environment)?;
    let mut there = cluster.key_secrets(namespace)?;
    for one in &saved {
        if !there
            .iter()
            .any(|secret| secret.0.metadata.name.as_ref() == Some(&one.name))
        {
            there.extend(cluster.secret(namespace, &one.name)?);
        }
    }
    let there: Vec<_> = there.iter().map(|secret| &secret.0).collect();
    let plan = restore::plan(&saved, &there, namespace)?;
    if !dry_run {
        for one in &plan.create {
            cluster.create_secret(namespace, &one.secret)?;
        }
        for seed in &plan.seeds {
            cluster.add_seed(namespace, &seed.name, &seed.version, &seed.saved.secret)?;
        }
    }
    files::write(&Output::Stdout, visible(&told(&plan, namespace, dry_run)).as_bytes())?;
    match plan.faults.is_empty() {
        true => Ok(()),
        false => Err(KeysError::RsaHalves(plan.faults).into()),
    }
}

fn told(plan: &Plan<'_>, namespace: &str, dry_run: bool) -> String {
    let done = if dry_run { "would restore" } else { "restored" };
    let made = |one: &&Saved| format!("{done} {namespace}/{} ({})\n", one.name, one.facts.fingerprint);
    let mut text: String = plan.create.iter().map(made).collect();
    for (name, there) in &plan.there {
        text += &match *name == there.as_str() {
            true => format!("{namespace}/{name} is there already\n"),
            false => format!("the key of {name} is there already, as {namespace}/{there}\n"),
        };
    }
    for (name, label) in &plan.retired {
        text += &format!("{namespace}/{name} is labelled {label:?}, and opens nothing");
        // A compromised key still opens what was sealed with it.
        text += &match label == COMPROMISED {
            true => ": change what was sealed with it\n".to_owned(),
            false => format!(
                " until: kubectl label secret -n {namespace} {name} {}={} --overwrite\n",
                names::LABEL_SEALING_KEY,
                names::SEALING_KEY_ACTIVE
            ),
        };
    }
    for seed in &plan.seeds {
        text += &format!("{done} {} of {namespace}/{}", names::KEY_ITEM_SEED, seed.name);
        text += match seed.replaces {
            true => ", in place of one that is not its certificate's\n",
            false => "\n",
        };
    }
    for name in &plan.unsaved {
        text += &format!(
            "{namespace}/{name} has a hybrid key, and the backup does not: back up again (kubeseal keys backup)\n"
        );
    }
    text += &match &plan.current {
        Some((name, true)) => {
            format!("{name} is the current key: a controller that starts now makes none of its own\n")
        }
        Some((name, false)) => format!(
            "{name}, which is newer and not in the backup, stays the current key; the restored ones open what was sealed \
             with them. To seal with the newest restored key again, first reseal what was sealed with {name}, then: \
             kubectl label secret -n {namespace} {name} {}=retired --overwrite\n",
            names::LABEL_SEALING_KEY
        ),
        None => "none of the keys is active: a controller that starts now makes one of its own\n".to_owned(),
    };
    text
}
