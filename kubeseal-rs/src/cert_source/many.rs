//! The certificates of many files, each read or fetched once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use jiff::Timestamp;
use sealing::sealer::Format;

use super::{CertSource, Certificate, Finding, bytes_to_seal, found, usable};
use crate::environment::Environment;
use crate::error::Error;

/// What to seal the files of a tree with.
pub(crate) struct Certificates<'a> {
    source: &'a CertSource,
    environment: &'a Environment,
    now: Timestamp,
    known: found::Known,
    /// By the cluster of a project file; `None`: what the flags say, or the cluster that is asked.
    certs: BTreeMap<Option<(PathBuf, String)>, Arc<Certificate>>,
}

impl<'a> Certificates<'a> {
    /// Nothing is read or asked yet. A certificate that has expired at `now` will be refused.
    pub(crate) fn new(source: &'a CertSource, environment: &'a Environment, now: Timestamp) -> Self {
        Self {
            source,
            environment,
            now,
            known: BTreeMap::new(),
            certs: BTreeMap::new(),
        }
    }

    /// The certificate for a file that is read and written at `places`.
    ///
    /// # Errors
    /// As those of [`super::sealing_cert`].
    pub(crate) fn between(&mut self, places: &[&Path]) -> Result<Arc<Certificate>, Error> {
        let source = places
            .iter()
            .fold(self.source.clone(), |source, place| source.at(*place));
        let chosen = match &source {
            CertSource::Found(finding) => {
                found::choose(finding, &mut self.known)?.map(|chosen| (chosen, finding.as_ref()))
            }
            _ => None,
        };
        let key = chosen.as_ref().map(|(chosen, _)| chosen.key());
        if let Some(cert) = self.certs.get(&key) {
            return Ok(cert.clone());
        }
        let cert = match chosen {
            Some((chosen, finding)) => chosen.sealing_cert(finding, self.environment, self.now)?,
            None => {
                let (bytes, name) = bytes_to_seal(&source, self.environment)?;
                Certificate {
                    cert: usable(&bytes, &name, self.now)?,
                    name,
                    format: None,
                    rsa_alone: false,
                    noted: Once::new(),
                }
            }
        };
        Ok(self.certs.entry(key).or_insert(Arc::new(cert)).clone())
    }
}

/// What the project files say of the format, for files whose certificate is not needed.
#[derive(Default)]
pub(crate) struct Formats(found::Known);

impl Formats {
    /// What is said for a file that lies at `place`. Project files that name no format are not judged.
    ///
    /// # Errors
    /// A project file that makes no sense, or that names no cluster, or several, for the file.
    pub(crate) fn at(&mut self, finding: &Finding, place: Option<&Path>) -> Result<Option<Format>, Error> {
        let mut finding = finding.clone();
        finding.places.extend(place.map(Path::to_owned));
        if !found::names_a_format(&finding, &mut self.0)? {
            return Ok(None);
        }
        Ok(found::choose(&finding, &mut self.0)?.and_then(|chosen| chosen.format()))
    }
}
