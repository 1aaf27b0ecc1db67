//! The certificates of many files, each read or fetched once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use jiff::Timestamp;
use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use sealing::sealer::Format;

use super::{CertFrom, CertSource, Certificate, Finding, bytes_to_seal, found, usable};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;

/// What to seal the files of a tree with.
pub(crate) struct Certificates<'a> {
    source: &'a CertSource,
    environment: &'a Environment,
    now: Timestamp,
    known: found::Known,
    /// By the cluster of a project file.
    of_clusters: BTreeMap<(PathBuf, String), Arc<Certificate>>,
    /// What the flags say, or the cluster that is asked, by the version of the format that project files name.
    others: BTreeMap<Option<Format>, Arc<Certificate>>,
}

impl<'a> Certificates<'a> {
    /// Nothing is read or asked yet. A certificate that has expired at `now` will be refused.
    pub(crate) fn new(source: &'a CertSource, environment: &'a Environment, now: Timestamp) -> Self {
        Self {
            source,
            environment,
            now,
            known: BTreeMap::new(),
            of_clusters: BTreeMap::new(),
            others: BTreeMap::new(),
        }
    }

    /// The certificate for a file that is read and written at `places`.
    ///
    /// # Errors
    /// As those of [`super::sealing_cert`].
    pub(crate) fn between(&mut self, places: &[&Path]) -> Result<Arc<Certificate>, Error> {
        let mut at = self.source.places.clone();
        at.extend(places.iter().map(|place| (*place).to_owned()));
        let format = match &self.source.from {
            CertFrom::Found(finding) => {
                if let Some(chosen) = found::choose(finding, &at, &mut self.known)? {
                    return self.of_cluster(&chosen, finding);
                }
                None
            }
            // The format is the repository's rule, wherever the certificate comes from.
            CertFrom::File(_) | CertFrom::Url(_) => found::format_at(&at, &mut self.known)?,
        };
        if let Some(cert) = self.others.get(&format) {
            return Ok(cert.clone());
        }
        let (cert, name) = match self.others.values().next() {
            Some(read) => (read.cert.clone(), read.name.clone()),
            None => {
                let (bytes, name) = bytes_to_seal(&self.source.from, self.environment)?;
                (Arc::new(usable(&bytes, &name, self.now)?), name)
            }
        };
        let cert = Arc::new(Certificate {
            cert,
            name,
            format,
            rsa_alone: false,
            noted: Once::new(),
        });
        Ok(self.others.entry(format).or_insert(cert).clone())
    }

    /// As [`Certificates::between`]. A file that was `found` in a folder, and not typed itself, is refused where it is for another
    /// cluster than `--for-cluster` says.
    ///
    /// # Errors
    /// That it is, and those of [`Certificates::between`].
    pub(crate) fn of_file(&mut self, places: &[&Path], found: bool) -> Result<Arc<Certificate>, Error> {
        if let (true, CertFrom::Found(finding)) = (found, &self.source.from) {
            let at: Vec<_> = places.iter().map(|place| (*place).to_owned()).collect();
            found::check_own(finding, &at, &mut self.known)?;
        }
        self.between(places)
    }

    fn of_cluster(&mut self, chosen: &found::Chosen, finding: &Finding) -> Result<Arc<Certificate>, Error> {
        let key = chosen.key();
        if let Some(cert) = self.of_clusters.get(&key) {
            return Ok(cert.clone());
        }
        let cert = Arc::new(chosen.sealing_cert(finding, self.environment, self.now)?);
        Ok(self.of_clusters.entry(key).or_insert(cert).clone())
    }
}

/// What the project files say of the format, for files whose certificate is not needed.
#[derive(Default)]
pub(crate) struct Formats(found::Known);

impl Formats {
    /// The format for files that lie at `places`. Project files that name no format are not checked.
    ///
    /// # Errors
    /// A project file that makes no sense, or that names no cluster, or several, for the files.
    pub(crate) fn at(&mut self, from: &CertFrom, places: &[&Path]) -> Result<Option<Format>, Error> {
        let at: Vec<_> = places.iter().map(|place| (*place).to_owned()).collect();
        match from {
            CertFrom::File(_) | CertFrom::Url(_) => found::format_at(&at, &mut self.0),
            CertFrom::Found(_) if !found::names_a_format(&at, &mut self.0)? => Ok(None),
            CertFrom::Found(finding) => {
                Ok(found::choose(finding, &at, &mut self.0)?.and_then(|chosen| chosen.format()))
            }
        }
    }
}

/// The keys to seal with that are known without asking, for files whose certificate is not needed. What cannot be read is not known.
#[derive(Default)]
pub(crate) struct KnownKeys {
    known: found::Known,
    /// By the cluster of a project file, or the file of the certificate.
    keys: BTreeMap<(PathBuf, String), Option<Fingerprint>>,
}

impl KnownKeys {
    /// The RSA key of the certificate for files that lie at `places`.
    pub(crate) fn at(&mut self, from: &CertFrom, places: &[&Path]) -> Option<Fingerprint> {
        let key = match from {
            CertFrom::File(path) => {
                let entry = self.keys.entry((path.clone(), String::new()));
                entry.or_insert_with(|| key_of(path))
            }
            CertFrom::Found(finding) if !finding.named => {
                let at: Vec<_> = places.iter().map(|place| (*place).to_owned()).collect();
                let chosen = found::choose(finding, &at, &mut self.known).ok()??;
                self.keys.entry(chosen.key()).or_insert_with(|| chosen.known_key())
            }
            CertFrom::Url(_) | CertFrom::Found(_) => return None,
        };
        key.clone()
    }
}

fn key_of(path: &Path) -> Option<Fingerprint> {
    let cert = SealingCert::from_pem(&files::read_small(path).ok()?).ok()?;
    Some(cert.public().fingerprint().clone())
}
