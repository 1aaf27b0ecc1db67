//! `kubeseal lint`: reads the files and the kustomizations around them, asks [`crate::lint`], and tells.

use std::path::Path;

use sealing::cert::SealingCert;
use zeroize::Zeroizing;

use crate::cert_source;
use crate::colour::Colour;
use crate::command::lint::{Lint, ReportForm};
use crate::command::{CertSource, Input, Output};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::lint::{self, Certificate, Level, Report, Source, report};
use crate::objects::InputName;
use crate::place::real_place;
use crate::project::ProjectCert;
use crate::project::search::Located;
use crate::repository::{self, Found};

/// Judges everything, then tells it at once.
pub(crate) fn run(command: &Lint, environment: &Environment) -> Result<(), Error> {
    let certificate = command
        .cert
        .as_ref()
        .map(|cert| certificate(cert, environment))
        .transpose()?;
    let sources = sources(&command.inputs, certificate.as_ref())?;
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
    let sources = sources(std::slice::from_ref(input), None)?;
    let taken = |path: &Path| path.is_file() && !repository::is_ignored(path);
    Ok(lint::judge(&sources, &[], &taken).findings)
}

fn fails(report: &Report, strict: bool) -> bool {
    report.count(Level::Error) > 0 || strict && report.count(Level::Warning) > 0
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// The certificate that `--cert` names.
fn certificate(source: &CertSource, environment: &Environment) -> Result<Certificate, Error> {
    let (bytes, name) = cert_source::bytes(source, environment)?;
    known(&bytes, &name)
}

fn known(bytes: &[u8], name: &InputName) -> Result<Certificate, Error> {
    let cert = SealingCert::from_pem(bytes).map_err(|error| name.fault(error))?;
    Ok(Certificate {
        name: name.0.clone(),
        bits: cert.public().modulus_length() * 8,
        fingerprint: cert.public().fingerprint().clone(),
    })
}

/// The certificate that the project file says for a file, if it lies in the repository: nothing is asked of the network.
fn of_the_project(file: &Path) -> Result<Option<Certificate>, Error> {
    let Ok(real) = real_place(file) else { return Ok(None) };
    let Some(located) = real.parent().map(Located::for_folder).transpose()?.flatten() else {
        return Ok(None);
    };
    let below = real.strip_prefix(&located.folder).unwrap_or(&real);
    let Ok(cluster) = located.project.cluster_for(below) else {
        return Ok(None);
    };
    match &cluster.cert {
        ProjectCert::Url(..) => Ok(None),
        ProjectCert::File(path, _) => {
            let path = located.cert_file(cluster, path)?;
            let name = InputName(format!("the certificate of cluster {}", cluster.name));
            known(&files::read_file(&path).map_err(Error::CertFile)?, &name).map(Some)
        }
    }
}

/// Everything that is to be judged, and the kustomizations of the same repositories, which say what becomes of it.
fn sources(inputs: &[Input], certificate: Option<&Certificate>) -> Result<Vec<Source>, Error> {
    let mut sources: Vec<Source> = Vec::new();
    let mut add = |found: Found, bytes: Zeroizing<Vec<u8>>, judged: bool| -> Result<(), Error> {
        let relevant = lint::is_relevant(&found.path, &bytes) && !repository::is_chart_template(&found.path, &bytes);
        let known = sources.iter().any(|source| source.path == found.path);
        if relevant && !known {
            let certificate = match certificate {
                Some(certificate) => Some(certificate.clone()),
                // What comes on stdin is for the current folder.
                None if judged && found == Found::stdin() => of_the_project(Path::new("stdin"))?,
                None if judged => of_the_project(&found.path)?,
                None => None,
            };
            sources.push(Source {
                name: found.name,
                bytes,
                judged,
                tracked: found.tracked,
                certificate,
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
