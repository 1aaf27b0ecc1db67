//! What the project files say of the files that are sealed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use jiff::Timestamp;
use sealing::sealer::Format;

use super::{CertSource, Certificate, Finding, bytes_to_seal, usable};
use crate::cluster::Controller;
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::FileError;
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
pub(super) fn choose(finding: &Finding, known: &mut Known) -> Result<Option<Chosen>, Error> {
    // The flags name a cluster to ask: of the project file only the pinned keys and the format count.
    let only_pins = finding.named && finding.for_cluster.is_none();
    let mut chosen: Option<(Chosen, PathBuf)> = None;
    let mut unfit = None;
    for (place, real) in places(finding)? {
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
            Err(ProjectError::NoneFits { clusters, .. }) if finding.places.is_empty() => {
                unfit.get_or_insert(located.name.fault(ProjectError::NoneFitsStdin(clusters)));
                continue;
            }
            Err(error @ ProjectError::NoneFits { .. }) => {
                unfit.get_or_insert(located.name.fault(error));
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
        (None, None, Some(_)) if !finding.places.is_empty() => {
            let places = Vec::new();
            choose(
                &Finding {
                    places,
                    ..finding.clone()
                },
                known,
            )
        }
        (None, None, Some(asked)) => Err(NoProjectFile(asked.clone()).into()),
        (None, None, None) => Ok(None),
    }
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
pub(super) fn names_a_format(finding: &Finding, known: &mut Known) -> Result<bool, Error> {
    for (_, real) in places(finding)? {
        let located = located_for(real.parent().unwrap_or(&real), known)?;
        if located.is_some_and(|located| located.project.names_a_format()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the files lie, each place as [`with_end`] gives it; the current folder where none is named.
fn places(finding: &Finding) -> Result<Vec<(PathBuf, PathBuf)>, FileError> {
    let here = [Path::new("stdin").to_owned()];
    let named = if finding.places.is_empty() {
        here.as_slice()
    } else {
        &finding.places
    };
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
        let (bytes, name) = bytes_to_seal(&self.source(cluster, finding)?, environment)?;
        let cert = usable(&bytes, &name, now)?;
        let pin = cluster.cert.pin();
        if let Some(pinned) = pin.filter(|pin| !pin.fits(&cert)) {
            let other = ProjectError::OtherKey {
                place: cluster.place,
                cluster: cluster.name.clone(),
                found: pinned.found(&cert),
                pinned: pinned.clone(),
            };
            return Err(project.fault(other).into());
        }
        Ok(Certificate {
            cert,
            name,
            format: cluster.format,
            rsa_alone: matches!(pin, Some(Pin::Rsa(_))),
            noted: Once::new(),
        })
    }

    /// Flags that name a controller override where the certificate is, not which key it must be.
    fn source(&self, cluster: &ProjectCluster, finding: &Finding) -> Result<CertSource, Error> {
        if finding.named {
            return Ok(CertSource::Found(Box::new(finding.clone())));
        }
        Ok(match &cluster.cert {
            ProjectCert::File(path, _) => CertSource::File(self.located.cert_file(cluster, path)?),
            ProjectCert::Url(url, _) => CertSource::Url(url.clone()),
            ProjectCert::Controller(service, _) => CertSource::Found(Box::new(Finding {
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
