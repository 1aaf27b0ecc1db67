//! Seals every Secret of the input.

use jiff::Timestamp;
use sealing::cert::SealingCert;
use sealing::document::EmitError;
use sealing::random::Random;
use sealing::seal::{SealError, SealParameters, seal};
use serde_json::Value;

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
    let parameters = SealParameters {
        scope: command.scope,
        name: command.name.clone(),
        allow_empty: command.allow_empty,
        ..SealParameters::default()
    };
    let name = InputName::of(&command.input);
    let sealed = sealed(
        &name,
        &bytes,
        parameters,
        &command.namespace,
        &cert,
        environment,
        random,
    )?;
    let text = objects::text(&sealed, command.format).map_err(|error| name.fault(error))?;
    Ok(files::write(&command.output, text.as_bytes())?)
}

/// The SealedSecret of each document of an input. `parameters` without a namespace: that is `namespace`'s part.
///
/// # Errors
/// The first thing that is wrong in the input.
pub(super) fn sealed(
    name: &InputName,
    bytes: &[u8],
    mut parameters: SealParameters,
    namespace: &Namespace,
    cert: &SealingCert,
    environment: &Environment,
    random: &mut dyn Random,
) -> Result<Vec<Value>, Error> {
    if let Namespace::Said(namespace) = namespace {
        parameters.namespace = Some(namespace.clone());
    }
    let documents = name.documents(bytes)?;
    let secrets = documents
        .iter()
        .map(|document| Ok((document.place(), name.secret(document)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let mut sealed = Vec::with_capacity(secrets.len());
    for (place, secret) in &secrets {
        let mut result = seal(secret, &parameters, cert.public(), random);
        // The kubeconfig is read only when a Secret needs it, so that sealing works where there is none.
        if let (Err(SealError::NamespaceMissing), Namespace::OfContext(cluster)) = (&result, namespace) {
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
    Ok(sealed)
}
