//! `--validate`: asks the controller about each SealedSecret. Silent when it can open them all.

use sealing::unseal::fill_namespace;

use crate::cluster::{Cluster, Controller, Verdict};
use crate::commands::read::read_objects;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::Input;
use crate::objects;
use crate::objects::{Fault, InputName};

/// Asks about every SealedSecret, and tells of all that cannot be opened.
pub(crate) fn run(
    input: &Input,
    namespace: Option<&str>,
    controller: &Controller,
    environment: &Environment,
) -> Result<(), Error> {
    let bytes = read_objects(input)?;
    let name = InputName::of(input);
    let mut questions = Vec::new();
    for (document, mut sealed) in name.sealed_secrets(name.documents(&bytes)?)? {
        fill_namespace(&mut sealed, namespace);
        let json = manifest::to_json_compact(&sealed).map_err(|error| name.fault(error))?;
        questions.push((document.place(), sealed.metadata.name.unwrap_or_default(), json));
    }

    let cluster = Cluster::connect(&controller.cluster, environment)?;
    let service = cluster.service(controller)?;
    let mut wrong = Vec::new();
    for (place, object, json) in questions {
        match cluster.verify(&service, json.into_bytes())? {
            Verdict::Opens => {}
            Verdict::DoesNotOpen => wrong.push(name.fault_at(place, Fault::NotValid(object))),
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(objects::all_wrong(wrong))
    }
}
