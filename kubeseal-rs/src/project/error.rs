//! What is wrong with a project file, and what to write instead.

use std::path::{Path, PathBuf};

use manifest::{DocumentError, Place};
use thiserror::Error;

use super::{FILE_NAME, Pin};
use crate::error::Hinted;
use crate::files::FileError;
use crate::quoting::{self, path_word};
use crate::typed::Typed;

/// What is wrong with a project file, or with what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ProjectError {
    /// It is not YAML, or a field does not hold what it must.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It has another name, and would be ignored.
    #[error("a project file is called {FILE_NAME}")]
    Misnamed {
        /// Where it is.
        found: String,
    },
    /// There is nothing in it.
    #[error("the project file is empty")]
    Empty,
    /// There are several documents.
    #[error("{0}: a project file is one document")]
    SecondDocument(Place),
    /// A field that there is not.
    #[error("{place}: there is no field `{field}` here (only {known})")]
    UnknownField {
        /// Where it stands.
        place: Place,
        /// Its name.
        field: String,
        /// The fields that there are.
        known: &'static str,
    },
    /// No cluster at all.
    #[error("{0}: `clusters` names no cluster")]
    NoClusters(Place),
    /// A certificate on a web server without TLS, or a file URL, or something else with `://`.
    #[error("{place}: the certificate of cluster {cluster} must be a file of the repository or an https URL")]
    CertNotAllowed {
        /// Where it stands.
        place: Place,
        /// The cluster.
        cluster: String,
    },
    /// A URL without a pin.
    #[error("{place}: cluster {cluster} takes its certificate from a URL, so it must pin the key's `fingerprint`")]
    PinMissing {
        /// Where the URL stands.
        place: Place,
        /// The cluster.
        cluster: String,
    },
    /// Neither `cert` nor `controller`, or both.
    #[error("{place}: cluster {cluster} needs either `cert` or `controller`")]
    OneSource {
        /// Where it stands, or should.
        place: Place,
        /// The cluster.
        cluster: String,
    },
    /// A controller that is not `NAMESPACE/NAME`.
    #[error("{place}: the controller of cluster {cluster} must be NAMESPACE/NAME of its Service")]
    NotAController {
        /// Where it stands.
        place: Place,
        /// The cluster.
        cluster: String,
    },
    /// A controller without a pin, in a file with several clusters.
    #[error(
        "{place}: cluster {cluster} asks a controller and the file names other clusters too, so it must pin the key's `fingerprint`"
    )]
    ControllerPinMissing {
        /// Where the controller stands.
        place: Place,
        /// The cluster.
        cluster: String,
    },
    /// A pin that is not a fingerprint.
    #[error("{0}: not a fingerprint (`SHA256:` or `v2:SHA256:`, and 43 base64 characters)")]
    NotAFingerprint(Place),
    /// A format that is none.
    #[error("{0}: `format` must be v1 or v2 (1 or 2)")]
    NotAFormat(Place),
    /// A pattern that cannot be understood, or that points out of the project.
    #[error("{place}: the folder {folder:?}: {reason}")]
    Folder {
        /// Where it stands.
        place: Place,
        /// The pattern.
        folder: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate outside the repository.
    #[error("{place}: the certificate of cluster {cluster} is outside the repository")]
    CertOutside {
        /// Where the cluster stands.
        place: Place,
        /// The cluster.
        cluster: String,
    },
    /// The certificate is that of another key than the pinned one.
    #[error("{place}: the certificate of cluster {cluster} is that of key {found}, but {pinned} is pinned")]
    OtherKey {
        /// Where the cluster stands.
        place: Place,
        /// The cluster.
        cluster: String,
        /// The key of the certificate that was read.
        found: String,
        /// Whether what is pinned is `v2:` before the fingerprint of its RSA key.
        marked: bool,
        /// The key that the project file pins.
        pinned: Pin,
    },
    /// Two clusters with one key, of which one must have got the other's certificate.
    #[error("{place}: the clusters {first} and {second} have the same key")]
    SharedKey {
        /// Where the second stands.
        place: Place,
        /// The first one, with where its certificate is.
        first: String,
        /// The second one, with where its certificate is.
        second: String,
    },
    /// No cluster is for the file.
    #[error("no cluster is for {file} (there are {clusters})")]
    NoneFits {
        /// The file, by its path below the project file's folder.
        file: String,
        /// The clusters that there are.
        clusters: String,
        /// The file, for commands.
        path: PathBuf,
    },
    /// A file was found in a folder of another cluster than the one that was asked for.
    #[error("{} is for cluster {own}, and --for-cluster says {asked}", quoting::path(.path))]
    ForOther {
        /// The file.
        path: PathBuf,
        /// Its cluster.
        own: String,
        /// The one that was asked for.
        asked: String,
    },
    /// No cluster is for the current folder. Holds the clusters that there are.
    #[error("no cluster is for the current folder, in which stdin and bare values count as lying (there are {0})")]
    NoneFitsStdin(String),
    /// Several clusters are for the file.
    #[error("{file} is in folders of several clusters: {clusters}")]
    SeveralFit {
        /// The file, by its path below the project file's folder.
        file: String,
        /// Their names.
        clusters: String,
    },
    /// The clear file lies in a folder of one cluster, and the sealed one in a folder of another.
    #[error("{first} is for cluster {one}, but {second} is for cluster {other}")]
    Disagree {
        /// The one file.
        first: String,
        /// Its cluster.
        one: String,
        /// The other file.
        second: String,
        /// Its cluster.
        other: String,
    },
    /// There is no cluster of the name that was asked for.
    #[error("there is no cluster {asked} in it (there are {clusters})")]
    NoSuchCluster {
        /// The name.
        asked: String,
        /// The clusters that there are.
        clusters: String,
    },
}

/// What to do about [`ProjectError::SharedKey`].
pub(crate) const SHARED_KEY_FIX: &str = "one certificate came from the wrong cluster: kubeseal --fetch-cert --context NAME -w FILE, \
                                         where NAME must be kubectl's context of that file's cluster; clusters that share their \
                                         keys are one cluster of the file, with the folders of both";

impl ProjectError {
    /// The same for a report that shows the place itself.
    pub(crate) fn without_place(&self) -> String {
        let text = self.to_string();
        match self {
            ProjectError::SharedKey { place, .. } => text.trim_start_matches(&format!("{place}: ")).to_owned(),
            _ => text,
        }
    }

    /// What to write or type instead.
    pub(crate) fn hint(&self) -> String {
        match self {
            ProjectError::NoneFitsStdin(_) => {
                "name the file that is read or written (-f FILE, -w FILE), or say the cluster: --for-cluster NAME"
                    .to_owned()
            }
            ProjectError::SeveralFit { .. } => {
                "make the `folders` of the clusters disjoint, or say it: --for-cluster NAME".to_owned()
            }
            ProjectError::Disagree { .. } => {
                "write the result into a folder of the same cluster, or say it: --for-cluster NAME".to_owned()
            }
            ProjectError::OtherKey { found, marked: true, .. } => format!(
                "what is pinned is v2: before the fingerprint of the RSA key; the pin of both keys is another digest (kubeseal keys pin \
                 FILE prints it): {found}"
            ),
            ProjectError::OtherKey { .. } => {
                "if the cluster's key was renewed, check the new certificate, then write its fingerprint into the file"
                    .to_owned()
            }
            ProjectError::PinMissing { .. } | ProjectError::ControllerPinMissing { .. } => {
                "write fingerprint: under it, and what kubeseal keys pin cert.pem prints first of a certificate that came from the cluster \
                 itself (kubeseal --fetch-cert -w cert.pem)"
                    .to_owned()
            }
            ProjectError::Misnamed { found } => {
                let found = Path::new(found);
                let [from, to] = [found, &found.with_file_name(FILE_NAME)].map(path_word);
                format!("mv {from} {to}")
            }
            ProjectError::SharedKey { .. } => SHARED_KEY_FIX.to_owned(),
            ProjectError::NoSuchCluster { .. } => "--for-cluster NAME takes one of these".to_owned(),
            // With the command that was typed, by [`Hinted::hint`].
            ProjectError::NoneFits { file, .. } => format!("add a pattern that fits {file} to the `folders` of its cluster"),
            ProjectError::ForOther { .. } => "leave out --for-cluster: each file is sealed for the cluster of its folder".to_owned(),
            _ => "docs/project-file.md describes this file".to_owned(),
        }
    }
}

impl Hinted for ProjectError {
    fn hint(&self, typed: &Typed) -> Option<String> {
        let hint = self.hint();
        Some(match self {
            ProjectError::NoneFits { path, .. } => format!(
                "{hint}, or say the cluster for this file alone: {}",
                typed.for_file(path, "--for-cluster NAME")
            ),
            ProjectError::ForOther { path, asked, .. } => format!(
                "{hint}; to seal this one for {asked} nevertheless, name the file itself: {}",
                typed.for_file(path, &format!("--for-cluster {}", quoting::word(asked)))
            ),
            ProjectError::PinMissing { .. } | ProjectError::ControllerPinMissing { .. } => {
                hint.replace("--fetch-cert", &format!("--fetch-cert{}", typed.controller_flags()))
            }
            // It takes no -f.
            ProjectError::NoneFitsStdin(_) if !typed.flags(|flag| flag == "raw").is_empty() => format!(
                "say the cluster: {}, or run it in a directory of that cluster's folders",
                typed.with("--for-cluster NAME")
            ),
            _ => hint,
        })
    }
}

/// The file with the certificate cannot be read.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) struct CertFile(pub(crate) FileError);

impl Hinted for CertFile {
    fn hint(&self, typed: &Typed) -> Option<String> {
        match &self.0 {
            FileError::Open { path, .. } if path.as_os_str() == "-" => {
                Some("--cert takes a file or a URL; standard input is the file /dev/stdin".to_owned())
            }
            // No certificate can be written in its place.
            FileError::Open { path, .. } if path.is_dir() => None,
            FileError::Open { path, .. } => Some(format!(
                "get it from the cluster: kubeseal --fetch-cert{} -w {}",
                typed.controller_flags(),
                path_word(path)
            )),
            _ => None,
        }
    }
}
