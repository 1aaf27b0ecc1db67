//! The keys of the clusters of a project file, and how the certificate of one is fetched again.

use std::path::PathBuf;

use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use thiserror::Error;

use super::search::Located;
use super::{CertFile, Pin, ProjectCert, ProjectCluster, ProjectError};
use crate::error::{Error, Hinted};
use crate::files;
use crate::objects::InputError;
use crate::quoting::{self, address, path_word};
use crate::typed::Typed;
use crate::walk;

/// How a cluster's certificate gets into its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetch {
    file: PathBuf,
    /// The cluster, where the project file names others too: then kubectl's current context may be that of another one.
    among_others: Option<String>,
}

/// The file with a cluster's certificate cannot be read, or holds none to seal with.
#[derive(Debug, Error)]
#[error("{reason}")]
pub(crate) struct ClusterCertFault {
    reason: String,
    fetch: Fetch,
}

impl Fetch {
    /// The command; `flags` say which controller is asked, with a space before each.
    pub(crate) fn command(&self, flags: &str) -> String {
        let file = path_word(&self.file);
        match &self.among_others {
            None => format!("kubeseal --fetch-cert{flags} -w {file}"),
            Some(cluster) => format!(
                "kubeseal --fetch-cert{flags} --context NAME -w {file}, where NAME must be kubectl's context of cluster {cluster}"
            ),
        }
    }
}

impl Hinted for ClusterCertFault {
    fn hint(&self, typed: &Typed) -> Option<String> {
        let flags = match self.fetch.among_others {
            None => typed.controller_flags(),
            // A context that was typed need not be that of the cluster.
            Some(_) => typed.flags(|flag| flag.starts_with("controller-")),
        };
        Some(format!("get it from the cluster: {}", self.fetch.command(&flags)))
    }
}

impl Located {
    /// How the cluster's certificate is fetched; none where it is in no file, or a directory is in its place.
    pub(crate) fn fetch(&self, cluster: &ProjectCluster) -> Option<Fetch> {
        let ProjectCert::File(path, _) = &cluster.cert else {
            return None;
        };
        let path = self.folder.join(path);
        if path.is_dir() {
            return None;
        }
        let here = std::env::current_dir()
            .and_then(dunce::canonicalize)
            .unwrap_or_default();
        let others = self.project.clusters().len() > 1;
        Some(Fetch {
            file: walk::shown(path.strip_prefix(&here).unwrap_or(&path)).to_owned(),
            among_others: others.then(|| cluster.name.clone()),
        })
    }

    /// `error`, with how to fetch the certificate where it is about the file that should hold it.
    pub(crate) fn with_fetch(&self, cluster: &ProjectCluster, error: Error) -> Error {
        let of_file = error.downcast_ref::<CertFile>().is_some()
            || error.downcast_ref().is_some_and(InputError::is_of_certificate);
        match self.fetch(cluster) {
            Some(fetch) if of_file => ClusterCertFault {
                reason: error.chain(),
                fetch,
            }
            .into(),
            _ => error,
        }
    }

    /// Refuses the key of a cluster's certificate where another cluster has the same: one of the two is the other's.
    /// Certificates that cannot be read, and keys that are not known without asking, are passed over.
    ///
    /// # Errors
    /// [`ProjectError::SharedKey`].
    pub(crate) fn check_own_key(&self, cluster: &ProjectCluster, key: &Fingerprint) -> Result<(), ProjectError> {
        let mut others = self
            .project
            .clusters()
            .iter()
            .filter(|other| other.name != cluster.name);
        match others.find(|other| self.known_key(other).as_ref() == Some(key)) {
            Some(other) => Err(ProjectError::shared_key(cluster, other)),
            None => Ok(()),
        }
    }

    /// The RSA key of a cluster, where it is known without asking.
    pub(crate) fn known_key(&self, cluster: &ProjectCluster) -> Option<Fingerprint> {
        match (&cluster.cert, cluster.cert.pin()) {
            (ProjectCert::File(path, _), _) => {
                let bytes = files::read_small(&self.cert_file(cluster, path).ok()?).ok()?;
                Some(SealingCert::from_pem(&bytes).ok()?.public().fingerprint().clone())
            }
            (_, Some(Pin::Rsa(pinned))) => Some(pinned.clone()),
            _ => None,
        }
    }
}

impl ProjectError {
    /// Two clusters with one key, in the order of their names.
    pub(crate) fn shared_key(one: &ProjectCluster, other: &ProjectCluster) -> Self {
        let (first, second) = if one.name < other.name {
            (one, other)
        } else {
            (other, one)
        };
        let named = |cluster: &ProjectCluster| format!("{} ({})", cluster.name, cluster.source());
        ProjectError::SharedKey {
            place: second.place,
            first: named(first),
            second: named(second),
        }
    }
}

impl ProjectCluster {
    /// Where its certificate is, as the project file says it.
    pub(crate) fn source(&self) -> String {
        match &self.cert {
            ProjectCert::File(path, _) => quoting::path(path),
            ProjectCert::Url(url, _) => address(url),
            ProjectCert::Controller(service, _) => format!("{}/{}", service.namespace, service.name),
        }
    }
}
