//! Seals every Secret of the input.

use jiff::Timestamp;
use sealing::document::EmitError;
use sealing::random::Random;
use sealing::seal::{SealError, SealParameters, seal};

use crate::cert_source;
use crate::cluster::kubeconfig;
use crate::command::{Namespace, Seal};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::objects::{self, InputName};

/// Seals all documents, then writes the result at once.
pub(crate) fn run(
    command: &Seal,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    // First of all, so that a certificate that is not there is told before anyone is asked for input.
    let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
    let bytes = super::read_objects(&command.input)?;
    let name = InputName::of(&command.input);
    let documents = name.documents(&bytes)?;
    let secrets = documents
        .iter()
        .map(|document| Ok((document.place(), name.secret(document)?)))
        .collect::<Result<Vec<_>, Error>>()?;

    let mut parameters = parameters(command);
    let mut sealed = Vec::with_capacity(secrets.len());
    for (place, secret) in &secrets {
        let mut result = seal(secret, &parameters, cert.public(), random);
        // The kubeconfig is read only when a Secret needs it, so that sealing works where there is none.
        if let (Err(SealError::NamespaceMissing), Namespace::OfContext(cluster)) = (&result, &command.namespace) {
            let namespace = kubeconfig::namespace(cluster, environment).map_err(|lookup| Error::NoNamespace {
                input: name.fault_at(*place, SealError::NamespaceMissing),
                lookup: Box::new(lookup),
            })?;
            parameters.default_namespace = Some(namespace);
            result = seal(secret, &parameters, cert.public(), random);
        }
        let object = result.map_err(|error| name.fault_at(*place, error))?;
        sealed.push(serde_json::to_value(object).map_err(|_| name.fault(EmitError))?);
    }
    let text = objects::text(&sealed, command.format).map_err(|error| name.fault(error))?;
    Ok(files::write(&command.output, text.as_bytes())?)
}

fn parameters(command: &Seal) -> SealParameters {
    SealParameters {
        scope: command.scope,
        name: command.name.clone(),
        namespace: match &command.namespace {
            Namespace::Said(namespace) => Some(namespace.clone()),
            Namespace::OfContext(_) => None,
        },
        default_namespace: None,
        allow_empty: command.allow_empty,
    }
}
