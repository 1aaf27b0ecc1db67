//! The certificates of many files, each read or fetched once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sealing::cert::SealingCert;

use super::{CertSource, bytes_to_seal, found, usable};
use crate::environment::Environment;
use crate::error::Error;

/// What to seal the files of a tree with.
pub(crate) struct Certificates<'a> {
    source: &'a CertSource,
    environment: &'a Environment,
    now: Timestamp,
    known: found::Known,
    /// By the cluster of a project file; `None`: what the flags say, or the cluster that is asked.
    certs: BTreeMap<Option<(PathBuf, String)>, Arc<SealingCert>>,
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
    pub(crate) fn between(&mut self, places: &[&Path]) -> Result<Arc<SealingCert>, Error> {
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
                usable(&bytes, &name, self.now)?
            }
        };
        Ok(self.certs.entry(key).or_insert(Arc::new(cert)).clone())
    }
}
