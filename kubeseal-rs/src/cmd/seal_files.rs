//! `kubeseal seal`: each file into a sealed one beside it.

use jiff::Timestamp;
use sealing::document::Format;
use sealing::seal::SealParameters;

use super::seal::Sealing;
use crate::cert_source;
use crate::command::seal_files::sealed_name;
use crate::command::{Input, Output, SealFiles};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::objects::InputName;

/// Seals all files, then writes the results; each of them is then the old or the new one, whole.
pub(crate) fn run(command: &SealFiles, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let parameters = SealParameters {
        scope: command.scope,
        allow_empty: command.allow_empty,
        ..SealParameters::default()
    };
    let mut results = Vec::with_capacity(command.paths.len());
    for path in &command.paths {
        let input = Input::File(path.clone());
        let name = InputName::of(&input);
        let bytes = files::read_file(path)?;
        let cert = cert_source::sealing_cert(&command.cert.clone().at(path), environment, now)?;
        let format = if path.extension().is_some_and(|ending| ending == "json") {
            Format::Json
        } else {
            Format::Yaml
        };
        let sealing = Sealing::new(parameters.clone(), &command.namespace, &cert, environment, true);
        let text = sealing.text(&name, &bytes, format)?;
        results.push((Output::File(sealed_name(path)), text));
    }
    for (output, text) in results {
        files::write(&output, text.as_bytes())?;
    }
    Ok(())
}
