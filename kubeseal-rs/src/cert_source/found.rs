//! What the project files say of the files that are sealed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use jiff::Timestamp;
use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use sealing::sealer::Format;

use super::{CertFrom, Certificate, Finding, bytes_to_seal, usable};
use crate::cluster::Controller;
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::FileError;
use crate::objects::InputName;
use crate::place::{end_of_links, real_place};
use crate::project::search::Located;
use crate::project::{Pin, ProjectCert, ProjectCluster, ProjectError};
use crate::quoting;
use crate::typed::Typed;

/// A cluster of a project file.
pub(super) struct Chosen {
    located: Arc<Located>,
    name: String,
}

/// The project files of the folders that were looked into.
pub(super) type Known = BTreeMap<PathBuf, Option<Arc<Located>>>;

/// The cluster to seal for, if there is a project file: the one that was asked for, else the one that all places agree on.
///
/// # Errors
/// A project file that makes no sense, or that names no cluster, or several, for the places.
pub(super) fn choose(finding: &Finding, at: &[PathBuf], known: &mut Known) -> Result<Option<Chosen>, Error> {
    // The flags name a cluster to ask: of the project file only the pinned keys and the format count.
    let only_pins = finding.named && finding.for_cluster.is_none();
    let mut chosen: Option<(Chosen, PathBuf)> = None;
    let mut unfit = None;
    for (place, real) in places(at)? {
        let folder = real.parent().unwrap_or(&real);
        let Some(located) = located_for(folder, known)?.filter(|located| !only_pins || located.project.binds()) else {
            continue;
        };
        let below = real.strip_prefix(&located.folder).unwrap_or(&real);
        let cluster = match &finding.for_cluster {
            Some(name) => located.project.cluster(name),
            None => located.project.cluster_for(below),
        };
        let name = match cluster {
            Ok(cluster) => cluster.name.clone(),
            Err(ProjectError::NoneFits { .. }) if only_pins => continue,
            // Another of the places may say it.
            Err(ProjectError::NoneFits { clusters, .. }) if at.is_empty() => {
                unfit.get_or_insert(located.name.fault(ProjectError::NoneFitsStdin(clusters)));
                continue;
            }
            Err(ProjectError::NoneFits { file, clusters, .. }) => {
                let path = place.clone();
                unfit.get_or_insert(located.name.fault(ProjectError::NoneFits { file, clusters, path }));
                continue;
            }
            Err(error) => return Err(located.name.fault(error).into()),
        };
        match &chosen {
            Some((one, first)) if one.name != name || one.located.folder != located.folder => {
                let disagree = ProjectError::Disagree {
                    first: quoting::path(first),
                    one: one.name.clone(),
                    second: quoting::path(&place),
                    other: name,
                };
                return Err(located.name.fault(disagree).into());
            }
            _ => chosen = Some((Chosen { located, name }, place)),
        }
    }
    match (chosen, unfit, &finding.for_cluster) {
        (Some((chosen, _)), ..) => Ok(Some(chosen)),
        (None, Some(error), _) => Err(error.into()),
        // Wherever the files lie, the project of the current folder may be meant.
        (None, None, Some(_)) if !at.is_empty() => choose(finding, &[], known),
        (None, None, Some(asked)) => Err(NoProjectFile(asked.clone()).into()),
        (None, None, None) => Ok(None),
    }
}

/// Refuses a cluster that was asked for where the project file says another one for one of the places.
///
/// # Errors
/// [`ProjectError::ForOther`]; a project file that makes no sense.
pub(super) fn check_own(finding: &Finding, at: &[PathBuf], known: &mut Known) -> Result<(), Error> {
    let Some(asked) = &finding.for_cluster else {
        return Ok(());
    };
    for (path, real) in places(at)? {
        let Some(located) = located_for(real.parent().unwrap_or(&real), known)? else {
            continue;
        };
        let below = real.strip_prefix(&located.folder).unwrap_or(&real);
        // A cluster that is not in the file has an error of its own.
        let is_there = located.project.cluster(asked).is_ok();
        if let Ok(own) = located.project.cluster_for(below)
            && own.name != *asked
            && is_there
        {
            let (own, asked) = (own.name.clone(), asked.clone());
            return Err(located.name.fault(ProjectError::ForOther { path, own, asked }).into());
        }
    }
    Ok(())
}

/// The project file for a folder, if there is one.
fn located_for(folder: &Path, known: &mut Known) -> Result<Option<Arc<Located>>, Error> {
    if let Some(located) = known.get(folder) {
        return Ok(located.clone());
    }
    let located = Located::for_folder(folder)?;
    Ok(known.entry(folder.to_owned()).or_insert(located).clone())
}

/// Whether a project file for one of the places names a format.
///
/// # Errors
/// A project file that makes no sense.
pub(super) fn names_a_format(at: &[PathBuf], known: &mut Known) -> Result<bool, Error> {
    for (_, real) in places(at)? {
        let located = located_for(real.parent().unwrap_or(&real), known)?;
        if located.is_some_and(|located| located.project.names_a_format()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The version of the format that the project files name for the places, whatever the certificate is: where they name several,
/// the latest.
///
/// # Errors
/// A project file that makes no sense, or that names several clusters for a place.
pub(super) fn format_at(at: &[PathBuf], known: &mut Known) -> Result<Option<Format>, Error> {
    let found = match places(at) {
        // The current folder is gone, and no project file can be in it.
        Err(_) if at.is_empty() => return Ok(None),
        found => found?,
    };
    let mut format = None;
    for (_, real) in found {
        let located = located_for(real.parent().unwrap_or(&real), known)?;
        let Some(located) = located.filter(|located| located.project.names_a_format()) else {
            continue;
        };
        let below = real.strip_prefix(&located.folder).unwrap_or(&real);
        match located.project.cluster_for(below) {
            Ok(cluster) => format = format.max(cluster.format),
            Err(ProjectError::NoneFits { .. }) => {}
            Err(error) => return Err(located.name.fault(error).into()),
        }
    }
    Ok(format)
}

/// Where the files lie, each place as [`with_end`] gives it; the current folder where none is named.
fn places(named: &[PathBuf]) -> Result<Vec<(PathBuf, PathBuf)>, FileError> {
    let here = [Path::new("stdin").to_owned()];
    let named = if named.is_empty() { here.as_slice() } else { named };
    let mut places = Vec::new();
    for place in named {
        places.extend(with_end(place)?);
    }
    Ok(places)
}

/// A place, and that which it is a symlink to, as what is written to the one is written to the other: each as typed, and
/// without symlinks in the folder.
fn with_end(place: &Path) -> Result<Vec<(PathBuf, PathBuf)>, FileError> {
    let failed = |reason| FileError::Open {
        path: place.to_owned(),
        reason,
    };
    let (real, end) = (real_place(place).map_err(failed)?, end_of_links(place).map_err(failed)?);
    let mut places = vec![(place.to_owned(), real.clone())];
    if end != real {
        places.push((end.clone(), end));
    }
    Ok(places)
}

impl Chosen {
    /// What tells it from other clusters: the folder of the project file, and the name.
    pub(super) fn key(&self) -> (PathBuf, String) {
        (self.located.folder.clone(), self.name.clone())
    }

    /// The version of the format that the project file names for the cluster.
    pub(super) fn format(&self) -> Option<Format> {
        self.located.project.cluster(&self.name).ok()?.format
    }

    /// The RSA key of the cluster, where it is known without asking.
    pub(super) fn known_key(&self) -> Option<Fingerprint> {
        let cluster = self.located.project.cluster(&self.name).ok()?;
        self.located.known_key(cluster)
    }

    /// The cluster's certificate, held against the pinned key.
    pub(super) fn sealing_cert(
        &self,
        finding: &Finding,
        environment: &Environment,
        now: Timestamp,
    ) -> Result<Certificate, Error> {
        let project = &self.located.name;
        let cluster = self
            .located
            .project
            .cluster(&self.name)
            .map_err(|error| project.fault(error))?;
        let (cert, name) = self
            .read(cluster, finding, environment, now)
            .map_err(|error| match finding.named {
                true => error,
                false => self.located.with_fetch(cluster, error),
            })?;
        if !finding.named {
            let own = self.located.check_own_key(cluster, cert.public().fingerprint());
            own.map_err(|error| project.fault(error))?;
        }
        let pin = cluster.cert.pin();
        if let Some(pinned) = pin.filter(|pin| !pin.fits(&cert)) {
            let other = ProjectError::OtherKey {
                place: cluster.place,
                cluster: cluster.name.clone(),
                found: pinned.found(&cert),
                marked: pinned.to_string() == format!("v2:{}", cert.public().fingerprint()),
                pinned: pinned.clone(),
            };
            return Err(project.fault(other).into());
        }
        Ok(Certificate {
            cert: Arc::new(cert),
            name,
            format: cluster.format,
            rsa_alone: matches!(pin, Some(Pin::Rsa(_))),
            noted: Once::new(),
        })
    }

    fn read(
        &self,
        cluster: &ProjectCluster,
        finding: &Finding,
        environment: &Environment,
        now: Timestamp,
    ) -> Result<(SealingCert, InputName), Error> {
        let (bytes, name) = bytes_to_seal(&self.source(cluster, finding)?, environment)?;
        Ok((usable(&bytes, &name, now)?, name))
    }

    /// Flags that name a controller override where the certificate is, not which key it must be.
    fn source(&self, cluster: &ProjectCluster, finding: &Finding) -> Result<CertFrom, Error> {
        if finding.named {
            return Ok(CertFrom::Found(Box::new(finding.clone())));
        }
        Ok(match &cluster.cert {
            ProjectCert::File(path, _) => CertFrom::File(self.located.cert_file(cluster, path)?),
            ProjectCert::Url(url, _) => CertFrom::Url(url.clone()),
            ProjectCert::Controller(service, _) => CertFrom::Found(Box::new(Finding {
                controller: Controller {
                    namespace: service.namespace.clone(),
                    name: service.name.clone(),
                    cluster: finding.controller.cluster.clone(),
                },
                named: true,
                ..finding.clone()
            })),
        })
    }
}

/// A cluster of the project file was asked for, and there is no such file.
#[derive(Debug, thiserror::Error)]
#[error("--for-cluster {0}: there is no project file .kubeseal.yaml here or above, up to the Git root")]
struct NoProjectFile(String);

impl Hinted for NoProjectFile {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some("docs/project-file.md describes it; or seal with --cert FILE".to_owned())
    }
}
