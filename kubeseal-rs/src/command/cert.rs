//! Where the certificate comes from.

use std::path::PathBuf;

use url::Url;

use super::{CommandError, set};
use crate::args::{ClusterFlags, ControllerFlags};

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CertSource {
    /// A file.
    File(PathBuf),
    /// A web server (http or https).
    Url(Url),
    /// The controller.
    Controller(Box<Controller>),
}

/// A controller in a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Controller {
    /// Namespace of its Service.
    pub namespace: String,
    /// Name of its Service.
    pub name: String,
    /// How to reach the cluster.
    pub cluster: ClusterFlags,
}

impl Controller {
    /// The controller that the flags name; the defaults are the reference's.
    pub(super) fn of(typed: &ControllerFlags, cluster: &ClusterFlags) -> Self {
        let or = |typed: &Option<String>, default: &str| set(typed.clone()).unwrap_or_else(|| default.to_owned());
        Self {
            namespace: or(&typed.controller_namespace, crds::names::DEFAULT_CONTROLLER_NAMESPACE),
            name: or(&typed.controller_name, crds::names::DEFAULT_CONTROLLER_NAME),
            cluster: cluster.clone(),
        }
    }
}

impl CertSource {
    /// What `--cert` says; without it, the controller. A text with `scheme://` is a URL; every other text is the name of
    /// a file, with or without a drive letter.
    pub(super) fn of(
        cert: Option<&str>,
        controller: &ControllerFlags,
        cluster: &ClusterFlags,
    ) -> Result<Self, CommandError> {
        let Some(text) = set(cert) else {
            return Ok(CertSource::Controller(Box::new(Controller::of(controller, cluster))));
        };
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(CertSource::File(PathBuf::from(text)));
        };
        match scheme.to_lowercase().as_str() {
            "http" | "https" => Ok(CertSource::Url(Url::parse(text).map_err(CommandError::BadUrl)?)),
            "file" => {
                let url = Url::parse(text).map_err(CommandError::BadUrl)?;
                Ok(CertSource::File(
                    url.to_file_path().map_err(|()| CommandError::BadFileUrl)?,
                ))
            }
            _ => Err(CommandError::UnknownScheme(scheme.to_owned())),
        }
    }
}
