//! What a cluster did not give, and what to type next.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use sealing::key::Fingerprint;
use thiserror::Error;

use crate::error::{Hinted, WHOLE_BUILD};
use crate::files::FileError;
use crate::quoting::word;
use crate::typed::Typed;

/// What the cluster did not give.
#[derive(Debug, Error)]
pub(crate) enum ClusterError {
    /// There is no kubeconfig, nor a service account.
    #[error("invalid configuration: no configuration has been provided")]
    NoConfiguration,
    /// This build speaks no TLS.
    #[error("this kubeseal was built without TLS: it asks no cluster")]
    #[cfg_attr(feature = "open", expect(dead_code, reason = "of the other build"))]
    NoTls,
    /// A kubeconfig file cannot be read.
    #[error("error loading config file")]
    KubeconfigFile(#[source] FileError),
    /// A kubeconfig file is not a kubeconfig. Its text is not shown, as it may hold credentials.
    #[error("error loading config file {file:?}: {fault}")]
    Kubeconfig {
        /// Its name.
        file: String,
        /// What is wrong.
        fault: String,
    },
    /// A flag, or the kubeconfig, names something that the kubeconfig does not hold.
    #[error("{what} {name:?} does not exist in the kubeconfig")]
    NoSuch {
        /// context, cluster or user.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The settings that were found cannot be used.
    #[error("invalid configuration: {0}")]
    Configuration(String),
    /// The API server does not answer.
    #[error("cannot reach the API server at {server}: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// It does not answer in time.
    #[error("the API server at {server} did not answer within {} s", limit.as_secs_f64())]
    TimedOut {
        /// Its address.
        server: String,
        /// `--request-timeout`.
        limit: Duration,
    },
    /// The Service cannot be read. The text is the reference's.
    #[error("cannot get sealed secret service: {0}")]
    Service(Refusal),
    /// The Service cannot even be asked for. The text is the reference's.
    #[error("cannot get sealed secret service")]
    NoAnswer(#[source] Box<ClusterError>),
    /// The certificate is nowhere that it could be. The text begins with the first cause, which is the reference's.
    #[error("{first}; also looked for: {}", tried.join(", "))]
    NotFound {
        /// What the Service of the default name answered.
        first: Box<ClusterError>,
        /// What else was asked for.
        tried: Vec<String>,
    },
    /// The certificate is not where only administrators write, and any tenant may have created what was found elsewhere. The text begins
    /// with the first cause, which is the reference's.
    #[error(
        "{first}; found outside kube-system, where any tenant may have created it, and not used: {}{}",
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "), if *more { " and others" } else { "" }
    )]
    Untrusted {
        /// What the Service of the default name answered.
        first: Box<ClusterError>,
        /// The Services, at least one.
        found: Vec<UntrustedService>,
        /// Whether there are others.
        more: bool,
    },
    /// The label is on several Services.
    #[error("several Services may be the controller's: {}", .0.iter().map(|one| format!("{}/{}", one.namespace, one.name)).collect::<Vec<_>>().join(", "))]
    SeveralServices(Vec<ServiceName>),
    /// The Service has no port.
    #[error("the Service {}/{} has no port", .0.namespace, .0.name)]
    NoPort(ServiceName),
    /// The controller does not give its certificate. The text is the reference's.
    #[error("cannot fetch certificate: {0}")]
    Certificate(Refusal, ServiceName),
    /// Objects cannot be read.
    #[error("cannot read {what}: {refusal}")]
    Objects {
        /// Which.
        what: &'static str,
        /// Why.
        refusal: Refusal,
    },
    /// A Secret cannot be created. Holds the namespace.
    #[error("cannot create the Secret: {0}")]
    NotCreated(Refusal, String),
    /// A Secret cannot be changed. Holds its name.
    #[error("cannot change the Secret {1}: {0}")]
    NotChanged(Refusal, String),
    /// The controller does not answer the question. The text is the reference's.
    #[error("cannot validate sealed secret: {0}")]
    Validate(Refusal, ServiceName),
    /// The controller does not reseal. The text is the reference's.
    #[error("cannot re-encrypt secret: {0}")]
    ReEncrypt(Refusal, ServiceName),
}

/// Which Service was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceName {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

/// A Service that may be a controller's, or a stranger's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UntrustedService {
    /// The Service.
    pub(crate) service: ServiceName,
    /// The key of the certificate that it gives, if it gives one.
    pub(crate) key: Option<Fingerprint>,
}

impl fmt::Display for UntrustedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ", self.service.namespace, self.service.name)?;
        match &self.key {
            Some(key) => write!(f, "(key {key})"),
            None => write!(f, "(no certificate)"),
        }
    }
}

/// An answer with an error status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} ({})", status.as_u16())]
pub(crate) struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// What the API server says about it.
    pub message: String,
}

impl ClusterError {
    /// What to type next.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            ClusterError::NoConfiguration => {
                "name a kubeconfig (--kubeconfig FILE, KUBECONFIG) or --server URL".to_owned()
            }
            ClusterError::NoTls => WHOLE_BUILD.to_owned(),
            ClusterError::NotFound { first, .. } => return first.hint(),
            // It names none of them: what stands here is copied without a look.
            ClusterError::Untrusted { .. } => {
                "whoever runs the controller knows its namespace and its key's fingerprint: name \
                 the one that has it, --controller-namespace NAMESPACE --controller-name NAME"
                    .to_owned()
            }
            ClusterError::SeveralServices(services) => {
                let one = services.first()?;
                format!(
                    "--controller-namespace {} --controller-name {}",
                    one.namespace, one.name
                )
            }
            ClusterError::NoAnswer(cause) => return cause.hint(),
            ClusterError::NoSuch { what, .. } => {
                format!("kubectl config get-{what}s")
            }
            ClusterError::Unreachable { .. } | ClusterError::TimedOut { .. } => {
                "is it the right cluster (--context, --kubeconfig)? kubectl version asks the same".to_owned()
            }
            ClusterError::Service(_)
            | ClusterError::Certificate(..)
            | ClusterError::Validate(..)
            | ClusterError::ReEncrypt(..) => return self.of_service(),
            ClusterError::Objects { refusal, .. }
            | ClusterError::NotCreated(refusal, _)
            | ClusterError::NotChanged(refusal, _)
                if refusal.status == StatusCode::FORBIDDEN =>
            {
                "whoever administers the controller may; kubectl auth can-i --list asks what you may".to_owned()
            }
            ClusterError::NotCreated(refusal, namespace) if refusal.status == StatusCode::NOT_FOUND => {
                format!("kubectl create namespace {}", word(namespace))
            }
            ClusterError::Objects { .. } | ClusterError::NotCreated(..) | ClusterError::NotChanged(..) => return None,
            ClusterError::NoPort(_) => "does --controller-name name the controller's Service?".to_owned(),
            ClusterError::KubeconfigFile(_) | ClusterError::Kubeconfig { .. } => {
                "kubectl config view reads the same file".to_owned()
            }
            ClusterError::Configuration(_) => return None,
        })
    }

    /// Where the controller's Service, or the controller, refuses.
    fn of_service(&self) -> Option<String> {
        let (refusal, service) = match self {
            ClusterError::Service(refusal) => (refusal, None),
            ClusterError::Certificate(refusal, service)
            | ClusterError::Validate(refusal, service)
            | ClusterError::ReEncrypt(refusal, service) => (refusal, Some(service)),
            _ => return None,
        };
        Some(match (self, refusal.status, service) {
            (ClusterError::Service(_), StatusCode::NOT_FOUND, _) => {
                "Please, use the flag --controller-name and --controller-namespace to set up the name and namespace of \
                 the sealed secrets controller. Whoever runs it knows them"
                    .to_owned()
            }
            (_, StatusCode::FORBIDDEN, _) => {
                "the Role sealed-secrets-service-proxier allows it to every authenticated user".to_owned()
            }
            (ClusterError::Service(_), StatusCode::UNAUTHORIZED, _) => {
                "the cluster does not know who you are; kubectl auth whoami asks the same".to_owned()
            }
            (ClusterError::ReEncrypt(..), StatusCode::INTERNAL_SERVER_ERROR, _) => {
                "the controller cannot open it (kubeseal doctor FILE finds out why), or is too old".to_owned()
            }
            (.., Some(service)) => format!(
                "is the controller running? kubectl get endpointslices -n {} -l kubernetes.io/service-name={}",
                service.namespace, service.name
            ),
            (.., None) => return None,
        })
    }
}

impl Hinted for ClusterError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        self.hint()
    }
}
