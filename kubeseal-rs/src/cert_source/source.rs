//! Where the certificate comes from.

use std::path::{Path, PathBuf};

use thiserror::Error;
use url::Url;

use crate::cluster::Controller;
use crate::files::{Input, Output, is_stream};
use crate::flags::{CertificateFlags, ClusterFlags, ControllerFlags, set};

/// The flags name no certificate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SourceError {
    /// A URL of another kind.
    #[error("unsupported protocol scheme {0:?} in --cert (a file, or a http, https or file URL is expected)")]
    UnknownScheme(String),
    /// A URL that is broken.
    #[error("--cert is not a URL: {0}")]
    BadUrl(url::ParseError),
    /// Two flags that both say what to seal with.
    #[error("--cert and --for-cluster both say which certificate to seal with")]
    TwoCertificates,
    /// A file URL of another machine, or with a relative path.
    #[error("--cert: a file URL must have the form file:///absolute/path")]
    BadFileUrl,
}

/// Where the certificate comes from, and for which files it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CertSource {
    /// Where it comes from.
    pub from: CertFrom,
    /// Where the clear file and the sealed one lie, as far as they are files; the project file is looked for there.
    /// None: in the current folder.
    pub places: Vec<PathBuf>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CertFrom {
    /// A file.
    File(PathBuf),
    /// A web server (http or https).
    Url(Url),
    /// No flag names a certificate: it comes from the project file, else from the controller of the cluster.
    Found(Box<Finding>),
}

/// Where to look for the certificate when no flag names one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// `--for-cluster`: the project file's cluster to seal for, wherever the files lie.
    pub for_cluster: Option<String>,
    /// The controller to ask when there is no project file.
    pub controller: Controller,
    /// Whether flags name that controller or its cluster. Then they override the project file, except for the key that it pins.
    pub named: bool,
}

impl CertSource {
    /// What `--cert` says; without it, it is to be found. A text with `scheme://` is a URL; every other text is the name of a
    /// file, with or without a drive letter.
    pub(crate) fn of(
        cert: Option<&str>,
        controller: &ControllerFlags,
        cluster: &ClusterFlags,
    ) -> Result<Self, SourceError> {
        let Some(text) = set(cert) else {
            return Ok(CertFrom::Found(Box::new(Finding {
                for_cluster: None,
                controller: Controller::of(controller, cluster),
                named: is_named(controller, cluster),
            }))
            .into());
        };
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(CertFrom::File(PathBuf::from(text)).into());
        };
        let from = match scheme.to_lowercase().as_str() {
            "http" | "https" => CertFrom::Url(Url::parse(text).map_err(SourceError::BadUrl)?),
            "file" => {
                let url = Url::parse(text).map_err(SourceError::BadUrl)?;
                // Windows would ask another machine.
                let path = url.host().is_none().then(|| url.to_file_path().ok()).flatten();
                CertFrom::File(path.ok_or(SourceError::BadFileUrl)?)
            }
            _ => return Err(SourceError::UnknownScheme(scheme.to_owned())),
        };
        Ok(from.into())
    }

    /// As [`CertSource::of`], with `--for-cluster`, which beats the flags that name a cluster to ask.
    ///
    /// # Errors
    /// [`SourceError::TwoCertificates`], and those of [`CertSource::of`].
    pub(crate) fn of_verb(flags: &CertificateFlags) -> Result<Self, SourceError> {
        let source = Self::of(flags.cert.as_deref(), &flags.controller, &flags.cluster)?;
        source.for_cluster(flags.for_cluster.clone(), &flags.controller, &flags.cluster)
    }

    /// Seals for a cluster of the project file, if `named` says one.
    ///
    /// # Errors
    /// [`SourceError::TwoCertificates`].
    pub(crate) fn for_cluster(
        self,
        named: Option<String>,
        controller: &ControllerFlags,
        cluster: &ClusterFlags,
    ) -> Result<Self, SourceError> {
        match (set(named), &self.from) {
            (None, _) => Ok(self),
            (Some(_), CertFrom::File(_) | CertFrom::Url(_)) => Err(SourceError::TwoCertificates),
            (Some(named), CertFrom::Found(_)) => Ok(CertFrom::Found(Box::new(Finding {
                for_cluster: Some(named),
                controller: Controller::of(controller, cluster),
                named: false,
            }))
            .into()),
        }
    }

    /// The same for one clear or sealed file that lies at `place`.
    pub(crate) fn at(mut self, place: impl Into<PathBuf>) -> Self {
        self.places.push(place.into());
        self
    }

    /// The same for a verb's FILE, where that lies somewhere.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        if is_stream(path) { self } else { self.at(path) }
    }

    /// The same for what is read and written.
    pub(crate) fn between(self, input: &Input, output: &Output) -> Self {
        let lies = |path: &Path| !path.starts_with("/dev");
        let source = match input {
            Input::File(path) if lies(path) => self.at(path),
            _ => self,
        };
        match output {
            Output::File(path) if lies(path) => source.at(path),
            _ => source,
        }
    }
}

impl From<CertFrom> for CertSource {
    fn from(from: CertFrom) -> Self {
        let places = Vec::new();
        Self { from, places }
    }
}

/// Whether a flag says which controller to ask: its name, its namespace, or the cluster.
fn is_named(controller: &ControllerFlags, cluster: &ClusterFlags) -> bool {
    let typed = [
        &controller.controller_name,
        &controller.controller_namespace,
        &cluster.context,
        &cluster.cluster,
        &cluster.server,
    ];
    typed.into_iter().any(|flag| set(flag.as_deref()).is_some()) || set(cluster.kubeconfig.as_deref()).is_some()
}
