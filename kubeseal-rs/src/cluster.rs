//! The controller, reached through the API server's service proxy.

#[cfg_attr(not(feature = "open"), path = "cluster/no_client.rs")]
mod client;
mod controller;
mod discovery;
mod error;
pub(crate) mod kubeconfig;
mod objects;
mod request;

use std::time::Duration;

use crds::{Lenient, names};
use http::{Method, StatusCode};
use k8s_openapi::api::core::v1::Service;
use sealing::reseal::Which;
use tokio::runtime::{Builder, Runtime};

use crate::environment::Environment;
use crate::flags::{ClusterFlags, RequestTimeout};
use client::Client;
pub(crate) use controller::Controller;
pub(crate) use discovery::FoundCertificate;
pub(crate) use error::{ClusterError, Refusal, ServiceName};
pub(crate) use objects::OpenSecret;
use request::{Request, path_segment};

/// How long a single request may take when `--request-timeout` is not given.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to a cluster's API server.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Client,
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
        let client = client::client(config)?;
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
        let service = serde_json::from_slice::<Lenient<Service>>(&body).ok();
        let service = service.and_then(|service| service.into_result().ok()).ok_or_else(|| {
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
        self.served_certificate(&self.service(controller)?)
    }

    /// The same of a Service that was found.
    ///
    /// # Errors
    /// [`ClusterError::Certificate`], or that the API server does not answer.
    pub(crate) fn served_certificate(&self, service: &ProxiedService) -> Result<Vec<u8>, ClusterError> {
        let request = Request::get(
            format!("{}{}", service.path, names::PATH_CERTIFICATE),
            "application/x-pem-file, */*",
        );
        self.ask(request)?
            .map_err(|refusal| ClusterError::Certificate(refusal, service.name.clone()))
    }

    /// Asks whether the controller can open a SealedSecret, given as JSON.
    ///
    /// # Errors
    /// [`ClusterError::Validate`], or that the API server does not answer.
    pub(crate) fn verify(&self, service: &ProxiedService, json: Vec<u8>) -> Result<Verdict, ClusterError> {
        let request = Request {
            method: Method::POST,
            path: format!("{}{}", service.path, names::PATH_VERIFY),
            accept: "*/*",
            body: json,
            largest: request::LARGEST,
        };
        match self.ask(request)? {
            Ok(_) => Ok(Verdict::Opens),
            Err(refusal) if refusal.status == StatusCode::CONFLICT => Ok(Verdict::DoesNotOpen),
            Err(refusal) => Err(ClusterError::Validate(refusal, service.name.clone())),
        }
    }

    /// Has the controller seal a SealedSecret, given as JSON, again with its newest key. Gives the answer's body. Not every
    /// controller can leave alone what is on that key already: the reference's seals all of it anew. `raised`: in format v2 of
    /// the format, of which not every controller takes notice.
    ///
    /// # Errors
    /// [`ClusterError::ReEncrypt`], or that the API server does not answer.
    pub(crate) fn rotate(
        &self,
        service: &ProxiedService,
        json: Vec<u8>,
        which: Which,
        raised: bool,
    ) -> Result<Vec<u8>, ClusterError> {
        let query = match (which, raised) {
            (Which::All, false) => String::new(),
            (Which::OfOtherKeys, false) => format!("?{}", names::QUERY_ONLY_STALE),
            (Which::All, true) => format!("?{}", names::QUERY_FORMAT_V2),
            (Which::OfOtherKeys, true) => format!("?{}&{}", names::QUERY_ONLY_STALE, names::QUERY_FORMAT_V2),
        };
        let request = Request {
            method: Method::POST,
            path: format!("{}{}{query}", service.path, names::PATH_ROTATE),
            accept: "*/*",
            body: json,
            largest: request::LARGEST,
        };
        self.ask(request)?
            .map_err(|refusal| ClusterError::ReEncrypt(refusal, service.name.clone()))
    }

    fn ask(&self, request: Request) -> Result<Result<Vec<u8>, Refusal>, ClusterError> {
        let unreachable = |reason| ClusterError::Unreachable {
            server: self.server.clone(),
            reason,
        };
        self.runtime.block_on(async {
            let answer = client::send(&self.client, &request);
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
