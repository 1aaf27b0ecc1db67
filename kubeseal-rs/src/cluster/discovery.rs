//! Finding the certificate where no flag names the controller: the reference's requests first, then the other Services of
//! `kube-system` that may be the controller's, then the ConfigMap that it publishes. What is found elsewhere is only shown.

use std::time::Duration;

use crds::{Lenient, names};
use http::StatusCode;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::Resource as _;
use sealing::cert::SealingCert;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::UntrustedService;
use super::request::{Request, path_segment};
use super::{Cluster, ClusterError, Controller, ServiceName};

/// The label that charts and manifests of this project and of the reference put on the controller's Service.
const SELECTOR: &str = "app.kubernetes.io%2Fname%3Dsealed-secrets";
/// The namespace that no tenant can write to or create.
const TRUSTED: &str = names::DEFAULT_CONTROLLER_NAMESPACE;
/// The Service of the reference's chart.
const CHART_NAME: &str = "sealed-secrets";
/// The namespace that common instructions create for the controller. A tenant who may create namespaces can own it.
const COMMON_NAMESPACE: &str = "sealed-secrets";
/// Services outside the trusted namespace that are asked for their certificate, to show whose it is.
const MOST_SHOWN: usize = 8;
/// Services in one list: tenants can make as many as they like.
const MOST_LISTED: usize = 100;
/// How long each of them may take: whoever runs it has no part in sealing.
const SHOWN_WITHIN: Duration = Duration::from_secs(3);

/// A certificate, and who gave it, for messages.
pub(crate) struct FoundCertificate {
    /// Its bytes as they are.
    pub(crate) bytes: Vec<u8>,
    /// `the certificate of Service …`.
    pub(crate) source: String,
}

impl Cluster {
    /// The certificate of the controller that was named: from its HTTP server, else from its ConfigMap.
    ///
    /// # Errors
    /// What the server's answer was, when the ConfigMap does not help either.
    pub(crate) fn certificate_of(&self, controller: &Controller) -> Result<FoundCertificate, ClusterError> {
        let service = service_name(controller);
        match self.certificate(controller) {
            Ok(bytes) => Ok(of_service(&service, bytes)),
            Err(error) if !is_refusal(&error) => Err(error),
            Err(error) => self.published(&service).ok_or(error),
        }
    }

    /// The certificate when no flag names the controller. `controller` has the default names. Only the namespace
    /// `kube-system` is trusted: whatever tenants can create elsewhere, a Service with the label included, is shown and not used.
    ///
    /// # Errors
    /// [`ClusterError::Untrusted`] with what was found elsewhere; what the default Service's answer was, with where else it was
    /// looked for; several Services that may be it.
    pub(crate) fn find_certificate(self, controller: &Controller) -> Result<FoundCertificate, ClusterError> {
        let default = service_name(controller);
        let first = match self.certificate(controller) {
            Ok(bytes) => return Ok(of_service(&default, bytes)),
            Err(error) if !is_refusal(&error) => return Err(error),
            Err(error) => error,
        };
        if !matches!(first, ClusterError::Service(_)) {
            return self.published(&default).ok_or_else(|| not_found(first, &[]));
        }
        let mut trusted = self.labelled(&format!("/namespaces/{TRUSTED}"));
        if trusted.len() > 1 {
            return Err(ClusterError::SeveralServices(trusted));
        }
        add(&mut trusted, service(TRUSTED, CHART_NAME));
        for candidate in &trusted {
            match self.certificate(&at(candidate, controller)) {
                Ok(bytes) => return Ok(of_service(candidate, bytes)),
                Err(error) if !is_refusal(&error) => return Err(error),
                Err(_) => {}
            }
        }
        if let Some(found) = std::iter::once(&default)
            .chain(&trusted)
            .find_map(|candidate| self.published(candidate))
        {
            return Ok(found);
        }
        let (found, more) = self.elsewhere(controller);
        if found.is_empty() {
            trusted.extend(common());
            return Err(not_found(first, &trusted));
        }
        let first = Box::new(first);
        Err(ClusterError::Untrusted { first, found, more })
    }

    /// The Services outside the trusted namespace that may be the controller's, each with the key of its certificate: those
    /// of the common names that give one, and those with the label. Whether there are more than are shown.
    fn elsewhere(mut self, controller: &Controller) -> (Vec<UntrustedService>, bool) {
        self.limit = Some(self.limit.map_or(SHOWN_WITHIN, |limit| limit.min(SHOWN_WITHIN)));
        let mut labelled = self.labelled("");
        labelled.retain(|service| service.namespace != TRUSTED);
        let mut services = Vec::from(common());
        labelled.iter().for_each(|service| add(&mut services, service.clone()));
        let more = services.len() > MOST_SHOWN;
        services.truncate(MOST_SHOWN);
        let found = services.into_iter().filter_map(|service| {
            let found = self.certificate_of(&at(&service, controller)).ok();
            let cert = found.and_then(|found| SealingCert::from_pem(&found.bytes).ok());
            let key = cert.map(|cert| cert.public().fingerprint().clone());
            let is_there = key.is_some() || labelled.contains(&service);
            is_there.then_some(UntrustedService { service, key })
        });
        (found.collect(), more)
    }

    /// The first of the Services with the label, below `/api/v1` + `place`, without those that only serve metrics. None where
    /// they may not be listed.
    fn labelled(&self, place: &str) -> Vec<ServiceName> {
        #[derive(Deserialize)]
        struct Services {
            items: Vec<Lenient<Service>>,
        }
        let path = format!("/api/v1{place}/services?limit={MOST_LISTED}&labelSelector={SELECTOR}");
        let Some(found) = self.read::<Services>(path) else {
            return Vec::new();
        };
        let name = |service: Lenient<Service>| {
            let metadata = service.meta();
            Some(ServiceName {
                namespace: metadata.namespace.clone()?,
                name: metadata.name.clone()?,
            })
        };
        let found = found.items.into_iter().filter_map(name);
        found.filter(|service| !service.name.ends_with("-metrics")).collect()
    }

    /// The certificate in the ConfigMap that the controller behind `service` publishes; none where it may not be read.
    fn published(&self, service: &ServiceName) -> Option<FoundCertificate> {
        let name = format!("{}{}", service.name, names::CERTIFICATE_CONFIG_MAP_SUFFIX);
        let path = format!(
            "/api/v1/namespaces/{}/configmaps/{}",
            path_segment(&service.namespace),
            path_segment(&name)
        );
        let pem = self
            .read::<Lenient<ConfigMap>>(path)?
            .into_result()
            .ok()?
            .data?
            .remove(names::KEY_ITEM_CERTIFICATE)?;
        Some(FoundCertificate {
            bytes: pem.into_bytes(),
            source: format!("the certificate in ConfigMap {}/{name}", service.namespace),
        })
    }

    /// An object; none when there is none, or it may not be read.
    fn read<T: DeserializeOwned>(&self, path: String) -> Option<T> {
        let answer = self.ask(Request::get(path, "application/json")).ok()?.ok()?;
        serde_json::from_slice(&answer).ok()
    }
}

/// Where common instructions install the controller outside the trusted namespace.
fn common() -> [ServiceName; 2] {
    [CHART_NAME, names::DEFAULT_CONTROLLER_NAME].map(|name| service(COMMON_NAMESPACE, name))
}

fn service(namespace: &str, name: &str) -> ServiceName {
    ServiceName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn add(services: &mut Vec<ServiceName>, service: ServiceName) {
    if !services.contains(&service) {
        services.push(service);
    }
}

/// The controller behind a Service of the same cluster.
fn at(service: &ServiceName, controller: &Controller) -> Controller {
    Controller {
        namespace: service.namespace.clone(),
        name: service.name.clone(),
        cluster: controller.cluster.clone(),
    }
}

fn not_found(first: ClusterError, services: &[ServiceName]) -> ClusterError {
    let mut tried: Vec<_> = services
        .iter()
        .map(|service| format!("Service {}/{}", service.namespace, service.name))
        .collect();
    tried.push("the ConfigMaps of the same names with -certificate".to_owned());
    ClusterError::NotFound {
        first: Box::new(first),
        tried,
    }
}

fn service_name(controller: &Controller) -> ServiceName {
    ServiceName {
        namespace: controller.namespace.clone(),
        name: controller.name.clone(),
    }
}

fn of_service(service: &ServiceName, bytes: Vec<u8>) -> FoundCertificate {
    FoundCertificate {
        bytes,
        source: format!("the certificate of Service {}/{}", service.namespace, service.name),
    }
}

/// Whether the API server has answered, so that asking for something else makes sense: it knows who asks, and this Service
/// is not there, may not be asked, or does not answer.
fn is_refusal(error: &ClusterError) -> bool {
    match error {
        ClusterError::Service(refusal) | ClusterError::Certificate(refusal, _) => {
            refusal.status != StatusCode::UNAUTHORIZED
        }
        ClusterError::NoPort(_) => true,
        _ => false,
    }
}
