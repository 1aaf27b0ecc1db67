//! `kubeseal lint`: reads the files and the kustomizations around them, asks [`crate::lint`], and tells.

mod certificates;

use std::path::Path;

use zeroize::Zeroizing;

use crate::colour::Colour;
use crate::command::lint::{Lint, ReportForm};
use crate::command::{Input, Output};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::lint::{self, Level, Report, Source, report};
use crate::repository::{self, Found};
use certificates::Certificates;

/// Judges everything, then tells it at once.
pub(crate) fn run(command: &Lint, environment: &Environment) -> Result<(), Error> {
    let certificates = Certificates::new(command.cert.as_ref(), environment)?;
    let sources = sources(&command.inputs, certificates)?;
    let report = lint::judge(&sources, &command.allow, &|path| {
        path.is_file() && !repository::is_ignored(path)
    });
    let text = match command.form {
        ReportForm::Text => report::text(&report, Colour::of_stdout(environment)),
        ReportForm::Json => pretty(&report::json(&report)),
        ReportForm::Sarif => pretty(&report::sarif::log(&report)),
    };
    files::write(&Output::Stdout, text.as_bytes())?;
    if fails(&report, command.strict) {
        Err(Error::Told)
    } else {
        Ok(())
    }
}

/// What is wrong with one file, for whoever asks why it does not unseal.
pub(super) fn findings_of(input: &Input) -> Result<Vec<lint::Finding>, Error> {
    let sources = sources(std::slice::from_ref(input), Certificates::default())?;
    let taken = |path: &Path| path.is_file() && !repository::is_ignored(path);
    Ok(lint::judge(&sources, &[], &taken).findings)
}

fn fails(report: &Report, strict: bool) -> bool {
    report.count(Level::Error) > 0 || strict && report.count(Level::Warning) > 0
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Everything that is to be judged, and the kustomizations of the same repositories, which say what becomes of it.
fn sources(inputs: &[Input], mut certificates: Certificates) -> Result<Vec<Source>, Error> {
    let mut sources: Vec<Source> = Vec::new();
    let mut add = |found: Found, bytes: Zeroizing<Vec<u8>>, judged: bool| -> Result<(), Error> {
        let relevant = lint::is_relevant(&found.path, &bytes) && !repository::is_chart_template(&found.path, &bytes);
        let known = sources.iter().any(|source| source.path == found.path);
        if relevant && !known {
            let (certificate, others) = match judged {
                // What comes on stdin is for the current folder.
                true if found == Found::stdin() => certificates.of(Path::new("stdin"))?,
                true => certificates.of(&found.path)?,
                false => (None, Vec::new()),
            };
            sources.push(Source {
                name: found.name,
                bytes,
                judged,
                tracked: found.tracked,
                certificate,
                others,
                path: found.path,
            });
        }
        Ok(())
    };
    let mut folders = Vec::new();
    for input in inputs {
        match input {
            Input::Stdin => {
                let bytes = files::read(input, "json/yaml k8s resources")?;
                add(Found::stdin(), bytes, true)?;
            }
            Input::File(path) => {
                for found in repository::manifests(path)? {
                    folders.extend(found.path.parent().map(Path::to_owned));
                    let bytes = files::read_file(&found.path)?;
                    add(found, bytes, true)?;
                }
            }
        }
    }
    for found in repository::around(&folders, lint::is_kustomization) {
        // Nobody asked for it.
        let Ok(bytes) = files::read_file(&found.path) else {
            continue;
        };
        add(found, bytes, false)?;
    }
    Ok(sources)
}
