//! The controller, reached through the API server's service proxy.

pub(crate) mod kubeconfig;
mod request;

use std::time::Duration;

use http::{Method, StatusCode};
use k8s_openapi::api::core::v1::Service;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

use crate::args::{ClusterFlags, RequestTimeout};
use crate::command::Controller;
use crate::environment::Environment;
use crate::files::FileError;
use request::{Request, path_segment};

/// How long a single request may take when `--request-timeout` is not given.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// What the cluster did not give.
#[derive(Debug, Error)]
pub(crate) enum ClusterError {
    /// There is no kubeconfig, nor a service account.
    #[error("invalid configuration: no configuration has been provided")]
    NoConfiguration,
    /// A kubeconfig file cannot be read.
    #[error("error loading config file")]
    KubeconfigFile(#[source] FileError),
    /// A kubeconfig file is no kubeconfig. Its text is not shown, as it may hold credentials.
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
    /// The Service has no port.
    #[error("the Service {}/{} has no port", .0.namespace, .0.name)]
    NoPort(ServiceName),
    /// The controller does not give its certificate. The text is the reference's.
    #[error("cannot fetch certificate: {0}")]
    Certificate(Refusal, ServiceName),
    /// The controller does not answer the question. The text is the reference's.
    #[error("cannot validate sealed secret: {0}")]
    Validate(Refusal, ServiceName),
}

/// Which Service was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceName {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
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
        const OFFLINE: &str = "or seal offline with a certificate file: kubeseal --cert FILE";
        Some(match self {
            ClusterError::NoConfiguration => {
                format!("name a kubeconfig (--kubeconfig FILE, KUBECONFIG) or --server URL; {OFFLINE}")
            }
            ClusterError::NoAnswer(cause) => return cause.hint(),
            ClusterError::NoSuch { what, .. } => {
                format!("kubectl config get-{what}s")
            }
            ClusterError::Unreachable { .. } | ClusterError::TimedOut { .. } => {
                format!("is it the right cluster (--context, --kubeconfig)? kubectl version asks the same; {OFFLINE}")
            }
            ClusterError::Service(refusal) if refusal.status == StatusCode::NOT_FOUND => {
                "Please, use the flag --controller-name and --controller-namespace to set up the name and namespace of \
                 the sealed secrets controller. Services that may be it: \
                 kubectl get services -A -l app.kubernetes.io/name=sealed-secrets"
                    .to_owned()
            }
            ClusterError::Service(refusal)
            | ClusterError::Certificate(refusal, _)
            | ClusterError::Validate(refusal, _)
                if refusal.status == StatusCode::FORBIDDEN =>
            {
                format!("the Role sealed-secrets-service-proxier allows it to every authenticated user; {OFFLINE}")
            }
            ClusterError::Service(refusal) if refusal.status == StatusCode::UNAUTHORIZED => {
                "the cluster does not know who you are; kubectl auth whoami asks the same".to_owned()
            }
            ClusterError::Certificate(_, service) | ClusterError::Validate(_, service) => format!(
                "is the controller running? kubectl get endpointslices -n {} -l kubernetes.io/service-name={}",
                service.namespace, service.name
            ),
            ClusterError::NoPort(_) => "does --controller-name name the controller's Service?".to_owned(),
            ClusterError::KubeconfigFile(_)
            | ClusterError::Kubeconfig { .. }
            | ClusterError::Configuration(_)
            | ClusterError::Service(_) => return None,
        })
    }
}

/// A connection to a cluster's API server.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: kube::Client,
    server: String,
    limit: Option<Duration>,
}

/// A controller's Service and its path in the service proxy.
pub(crate) struct ProxiedService {
    path: String,
    name: ServiceName,
}

/// Whether the controller can open a SealedSecret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It can.
    Opens,
    /// It cannot.
    DoesNotOpen,
}

impl Cluster {
    /// Gets ready to ask the cluster that the flags, the kubeconfig or the Pod's service account name.
    ///
    /// # Errors
    /// [`ClusterError`] when none is named, or its settings cannot be used. Nothing is asked of it yet.
    pub(crate) fn connect(flags: &ClusterFlags, environment: &Environment) -> Result<Self, ClusterError> {
        let unusable = |error: &dyn std::fmt::Display| ClusterError::Configuration(error.to_string());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unusable(&error))?;
        // Building the client spawns its worker, which needs the runtime.
        let _inside = runtime.enter();
        let mut config = runtime.block_on(kubeconfig::config(flags, environment))?;
        let limit = match flags.request_timeout {
            None => Some(DEFAULT_TIMEOUT),
            Some(RequestTimeout::Unlimited) => None,
            Some(RequestTimeout::After(limit)) => Some(limit),
        };
        config.connect_timeout = Some(limit.map_or(CONNECT_TIMEOUT, |limit| limit.min(CONNECT_TIMEOUT)));
        // Retries are decided in `request`, as the reference's client decides them.
        config.default_retry = false;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = kube::Client::try_from(config).map_err(|error| unusable(&request::cause(&error)))?;
        drop(_inside);
        Ok(Self {
            runtime,
            client,
            server,
            limit,
        })
    }

    /// Finds the controller's Service. The port's name is part of the path; an unnamed port leaves an empty one.
    ///
    /// # Errors
    /// [`ClusterError::Service`], [`ClusterError::NoPort`], or that the API server does not answer.
    pub(crate) fn service(&self, controller: &Controller) -> Result<ProxiedService, ClusterError> {
        let (namespace, name) = (path_segment(&controller.namespace), path_segment(&controller.name));
        let services = format!("/api/v1/namespaces/{namespace}/services");
        let reply = self
            .ask(Request::get(format!("{services}/{name}"), "application/json"))
            .map_err(|error| ClusterError::NoAnswer(Box::new(error)))?;
        let body = reply.map_err(ClusterError::Service)?;
        let service: Service = serde_json::from_slice(&body).map_err(|_| {
            let message = "the answer is not a Service".to_owned();
            ClusterError::Service(Refusal {
                status: StatusCode::OK,
                message,
            })
        })?;
        let port = service
            .spec
            .and_then(|spec| spec.ports)
            .and_then(|ports| ports.into_iter().next());
        let asked = ServiceName {
            namespace: controller.namespace.clone(),
            name: controller.name.clone(),
        };
        match port {
            None => Err(ClusterError::NoPort(asked)),
            Some(port) => {
                let port = path_segment(&port.name.unwrap_or_default());
                Ok(ProxiedService {
                    path: format!("{services}/http:{name}:{port}/proxy"),
                    name: asked,
                })
            }
        }
    }

    /// The certificate's bytes as the controller gives them.
    ///
    /// # Errors
    /// [`ClusterError::Certificate`], and those of [`Cluster::service`].
    pub(crate) fn certificate(&self, controller: &Controller) -> Result<Vec<u8>, ClusterError> {
        let service = self.service(controller)?;
        let request = Request::get(format!("{}/v1/cert.pem", service.path), "application/x-pem-file, */*");
        self.ask(request)?
            .map_err(|refusal| ClusterError::Certificate(refusal, service.name))
    }

    /// Asks whether the controller can open a SealedSecret, given as JSON.
    ///
    /// # Errors
    /// [`ClusterError::Validate`], or that the API server does not answer.
    pub(crate) fn verify(&self, service: &ProxiedService, json: Vec<u8>) -> Result<Verdict, ClusterError> {
        let request = Request {
            method: Method::POST,
            path: format!("{}/v1/verify", service.path),
            accept: "*/*",
            body: json,
        };
        match self.ask(request)? {
            Ok(_) => Ok(Verdict::Opens),
            Err(refusal) if refusal.status == StatusCode::CONFLICT => Ok(Verdict::DoesNotOpen),
            Err(refusal) => Err(ClusterError::Validate(refusal, service.name.clone())),
        }
    }

    fn ask(&self, request: Request) -> Result<Result<Vec<u8>, Refusal>, ClusterError> {
        let unreachable = |reason| ClusterError::Unreachable {
            server: self.server.clone(),
            reason,
        };
        self.runtime.block_on(async {
            let answer = request::send(&self.client, &request);
            match self.limit {
                None => answer.await.map_err(unreachable),
                Some(limit) => match tokio::time::timeout(limit, answer).await {
                    Ok(answer) => answer.map_err(unreachable),
                    Err(_) => Err(ClusterError::TimedOut {
                        server: self.server.clone(),
                        limit,
                    }),
                },
            }
        })
    }
}
