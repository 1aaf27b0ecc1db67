//! The project file: which certificate is for which folders of a repository. Text → clusters, and which of them a file is
//! for. Pure; [`search`] finds it and reads it. Described in `docs/project-file.md`.

mod error;
mod keys;
mod pin;
pub(crate) mod search;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use manifest::{Document, DocumentError, Place};
use sealing::sealer::Format;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::cluster::ServiceName;
use crate::patterns;
use crate::quoting;

pub(crate) use error::{CertFile, ProjectError, SHARED_KEY_FIX};
pub(crate) use pin::Pin;

/// Name of the project file.
pub(crate) const FILE_NAME: &str = ".kubeseal.yaml";

/// A name that it is easily given, and that means nothing.
const WRONG_NAME: &str = ".kubeseal.yml";

/// A project file that makes sense.
#[derive(Debug)]
pub(crate) struct Project {
    clusters: Vec<ProjectCluster>,
}

/// One cluster of a project file.
#[derive(Debug)]
pub(crate) struct ProjectCluster {
    /// Its name in the file.
    pub(crate) name: String,
    /// Where it stands in the file.
    pub(crate) place: Place,
    /// Its certificate.
    pub(crate) cert: ProjectCert,
    /// The version of the format in which values are sealed for it.
    pub(crate) format: Option<Format>,
    folders: Folders,
}

/// Which files a cluster is for.
#[derive(Debug)]
enum Folders {
    /// The file does not say; right for the only cluster.
    Unsaid,
    /// Those that one of the patterns fits, by their path below the project file's folder.
    Said(GlobSet),
}

/// Where a cluster's certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProjectCert {
    /// In a file, named from the project file's folder; it must be the pinned key's if one is pinned.
    File(PathBuf, Option<Pin>),
    /// On a web server (https); it must be the pinned key's.
    Url(Url, Pin),
    /// From a controller of the cluster that kubeseal is connected to; it must be the pinned key's if one is pinned.
    Controller(ServiceName, Option<Pin>),
}

impl ProjectCert {
    /// The pinned key.
    pub(crate) fn pin(&self) -> Option<&Pin> {
        match self {
            ProjectCert::File(_, pin) | ProjectCert::Controller(_, pin) => pin.as_ref(),
            ProjectCert::Url(_, pin) => Some(pin),
        }
    }
}

#[derive(Deserialize)]
struct File {
    clusters: BTreeMap<String, Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    cert: Option<String>,
    controller: Option<String>,
    fingerprint: Option<String>,
    folders: Option<Vec<String>>,
    format: Option<Value>,
}

impl Project {
    /// Reads the text of a project file, strictly.
    ///
    /// # Errors
    /// [`ProjectError`], with the line.
    pub(crate) fn read(text: &[u8]) -> Result<Self, ProjectError> {
        let documents = manifest::read(text).map_err(|error| match error {
            DocumentError::Empty => ProjectError::Empty,
            other => other.into(),
        })?;
        let [document] = documents.as_slice() else {
            let second = documents.get(1).map(Document::place);
            return Err(second.map_or(ProjectError::Empty, ProjectError::SecondDocument));
        };
        let no_clusters = || ProjectError::NoClusters(document.place_of(&["clusters"]));
        known_fields(document, &[], &["clusters"], "clusters")?;
        let named = document.value.get("clusters").and_then(Value::as_object);
        for name in named.into_iter().flat_map(|clusters| clusters.keys()) {
            let known = &["cert", "controller", "fingerprint", "folders", "format"];
            let listed = "cert, controller, fingerprint, folders, format";
            known_fields(document, &["clusters", name], known, listed)?;
        }
        let file: File = document.parse()?;
        let only = file.clusters.len() == 1;
        let clusters: Vec<_> = file
            .clusters
            .into_iter()
            .map(|(name, cluster)| ProjectCluster::decide(document, name, cluster, only))
            .collect::<Result<_, _>>()?;
        if clusters.is_empty() {
            Err(no_clusters())
        } else {
            Ok(Self { clusters })
        }
    }

    /// All clusters.
    pub(crate) fn clusters(&self) -> &[ProjectCluster] {
        &self.clusters
    }

    /// Whether it says something that holds wherever the certificate comes from: it pins a key, or names a format.
    pub(crate) fn binds(&self) -> bool {
        let binds = |cluster: &ProjectCluster| cluster.cert.pin().is_some() || cluster.format.is_some();
        self.clusters.iter().any(binds)
    }

    /// Whether it names a format for one of its clusters.
    pub(crate) fn names_a_format(&self) -> bool {
        self.clusters.iter().any(|cluster| cluster.format.is_some())
    }

    /// The cluster called `name`.
    ///
    /// # Errors
    /// [`ProjectError::NoSuchCluster`].
    pub(crate) fn cluster(&self, name: &str) -> Result<&ProjectCluster, ProjectError> {
        self.clusters
            .iter()
            .find(|cluster| cluster.name == name)
            .ok_or_else(|| ProjectError::NoSuchCluster {
                asked: name.to_owned(),
                clusters: names(self.clusters.iter()),
            })
    }

    /// The only cluster that is for `file`, a path below the project file's folder; a cluster without folders is for all
    /// files when there is no other.
    ///
    /// # Errors
    /// [`ProjectError::NoneFits`], [`ProjectError::SeveralFit`].
    pub(crate) fn cluster_for(&self, file: &Path) -> Result<&ProjectCluster, ProjectError> {
        let only = self.clusters.len() == 1;
        let fits = |cluster: &&ProjectCluster| match &cluster.folders {
            Folders::Unsaid => only,
            Folders::Said(patterns) => patterns.is_match(file),
        };
        let fitting: Vec<_> = self.clusters.iter().filter(fits).collect();
        let (path, file) = (file.to_owned(), quoting::path(file));
        match fitting.as_slice() {
            [one] => Ok(one),
            [] => Err(ProjectError::NoneFits {
                file,
                clusters: names(self.clusters.iter()),
                path,
            }),
            several => Err(ProjectError::SeveralFit {
                file,
                clusters: names(several.iter().copied()),
            }),
        }
    }
}

fn names<'a>(clusters: impl Iterator<Item = &'a ProjectCluster>) -> String {
    clusters
        .map(|cluster| cluster.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn known_fields(document: &Document, path: &[&str], known: &[&str], listed: &'static str) -> Result<(), ProjectError> {
    let at = path.iter().try_fold(&document.value, |value, step| value.get(step));
    for field in at
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|fields| fields.keys())
    {
        if !known.contains(&field.as_str()) {
            return Err(ProjectError::UnknownField {
                place: document.place_of(&[path, &[field]].concat()),
                field: field.clone(),
                known: listed,
            });
        }
    }
    Ok(())
}

impl ProjectCluster {
    /// `only`: the file names no other cluster.
    fn decide(document: &Document, name: String, typed: Cluster, only: bool) -> Result<Self, ProjectError> {
        let at = |field: &str| document.place_of(&["clusters", name.as_str(), field]);
        let pin = match typed.fingerprint {
            None => None,
            Some(text) => Some(
                text.parse::<Pin>()
                    .map_err(|_| ProjectError::NotAFingerprint(at("fingerprint")))?,
            ),
        };
        let cert = match (typed.cert, typed.controller) {
            (Some(cert), None) => cert_of(&cert, pin, at("cert"), &name)?,
            (None, Some(controller)) => controller_of(&controller, pin, only, at("controller"), &name)?,
            (cert, _) => {
                return Err(ProjectError::OneSource {
                    place: at(if cert.is_some() { "controller" } else { "cert" }),
                    cluster: name,
                });
            }
        };
        let folders = match typed.folders {
            None => Folders::Unsaid,
            Some(patterns) => Folders::Said(glob_set(document, &name, &patterns)?),
        };
        let format = typed.format.map(|format| match format {
            Value::String(text) => text.parse(),
            other => other.to_string().parse::<Format>(),
        });
        let format = format.transpose().map_err(|_| ProjectError::NotAFormat(at("format")))?;
        let place = document.place_of(&["clusters", name.as_str()]);
        Ok(Self {
            name,
            place,
            cert,
            format,
            folders,
        })
    }
}

/// A file of the repository, or an https URL with the key that it must give.
fn cert_of(text: &str, pin: Option<Pin>, place: Place, cluster: &str) -> Result<ProjectCert, ProjectError> {
    let cluster = cluster.to_owned();
    if text.contains("://") {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "https");
        return match (url, pin) {
            (Some(url), Some(pin)) => Ok(ProjectCert::Url(url, pin)),
            (Some(_), None) => Err(ProjectError::PinMissing { place, cluster }),
            (None, _) => Err(ProjectError::CertNotAllowed { place, cluster }),
        };
    }
    if text.is_empty() || Path::new(text).has_root() {
        return Err(ProjectError::CertNotAllowed { place, cluster });
    }
    Ok(ProjectCert::File(PathBuf::from(text), pin))
}

/// `NAMESPACE/NAME`. Among several clusters only the pinned key tells whether the right one was asked.
fn controller_of(
    text: &str,
    pin: Option<Pin>,
    only: bool,
    place: Place,
    cluster: &str,
) -> Result<ProjectCert, ProjectError> {
    let cluster = cluster.to_owned();
    let (namespace, name) = text.split_once('/').unwrap_or_default();
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        return Err(ProjectError::NotAController { place, cluster });
    }
    if pin.is_none() && !only {
        return Err(ProjectError::ControllerPinMissing { place, cluster });
    }
    let controller = ServiceName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    Ok(ProjectCert::Controller(controller, pin))
}

/// A pattern fits a file, and all files below a folder that it fits.
fn glob_set(document: &Document, cluster: &str, patterns: &[String]) -> Result<GlobSet, ProjectError> {
    let mut set = GlobSetBuilder::new();
    for (index, folder) in patterns.iter().enumerate() {
        let wrong = |reason: &str| ProjectError::Folder {
            place: document.place_of(&["clusters", cluster, "folders", &index.to_string()]),
            folder: folder.clone(),
            reason: reason.to_owned(),
        };
        let pattern = folder.trim_start_matches("./").trim_end_matches('/');
        if pattern.starts_with('/') || pattern.split('/').any(|step| step == "..") {
            return Err(wrong("it must be inside the folder of the project file"));
        }
        if pattern.is_empty() {
            return Err(wrong("`**` means all folders"));
        }
        if !patterns::is_bounded(pattern) {
            return Err(wrong(patterns::UNBOUNDED));
        }
        let all = if pattern == "." {
            "**".to_owned()
        } else {
            pattern.to_owned()
        };
        for text in [format!("{all}/**"), all] {
            let glob = GlobBuilder::new(&text)
                .literal_separator(true)
                // The same file means the same on every system.
                .backslash_escape(true)
                .build();
            set.add(glob.map_err(|error| wrong(&error.kind().to_string()))?);
        }
    }
    set.build().map_err(|error| ProjectError::Folder {
        place: document.place_of(&["clusters", cluster, "folders"]),
        folder: patterns.join(", "),
        reason: error.kind().to_string(),
    })
}

#[cfg(test)]
mod tests;
