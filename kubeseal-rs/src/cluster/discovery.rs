//! Finding the certificate where nobody said who the controller is: the reference's requests first, then the Services that
//! may be the controller's, then the ConfigMap that it publishes.

use crds::names;
use http::StatusCode;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::request::{Request, path_segment};
use super::{Cluster, ClusterError, ServiceName};
use crate::command::Controller;

/// The label that charts and manifests of this project and of the reference put on the controller's Service.
const SELECTOR: &str = "app.kubernetes.io%2Fname%3Dsealed-secrets";
/// Where else the controller is installed by common instructions: namespace and name of its Service.
const COMMON: [(&str, &str); 3] = [
    (names::DEFAULT_CONTROLLER_NAMESPACE, "sealed-secrets"),
    ("sealed-secrets", "sealed-secrets"),
    ("sealed-secrets", names::DEFAULT_CONTROLLER_NAME),
];

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

    /// The certificate when nobody named the controller. `controller` has the default names.
    ///
    /// # Errors
    /// What the default Service's answer was, with where else it was looked for; several Services that may be it.
    pub(crate) fn find_certificate(&self, controller: &Controller) -> Result<FoundCertificate, ClusterError> {
        let default = service_name(controller);
        let first = match self.certificate(controller) {
            Ok(bytes) => return Ok(of_service(&default, bytes)),
            Err(error) if !is_refusal(&error) => return Err(error),
            Err(error) => error,
        };
        let mut tried = Vec::new();
        let mut candidates = vec![default.clone()];
        if matches!(first, ClusterError::Service(_)) {
            let labelled = self.labelled();
            if labelled.len() > 1 {
                return Err(ClusterError::SeveralServices(labelled));
            }
            candidates.extend(labelled);
            candidates.extend(COMMON.iter().map(|(namespace, name)| ServiceName {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            }));
        }
        for service in candidates.iter().skip(1) {
            let asked = Controller {
                namespace: service.namespace.clone(),
                name: service.name.clone(),
                cluster: controller.cluster.clone(),
            };
            tried.push(format!("Service {}/{}", service.namespace, service.name));
            match self.certificate(&asked) {
                Ok(bytes) => return Ok(of_service(service, bytes)),
                Err(error) if !is_refusal(&error) => return Err(error),
                Err(_) => {}
            }
        }
        for service in &candidates {
            if let Some(found) = self.published(service) {
                return Ok(found);
            }
        }
        tried.push("the ConfigMaps of the same names with -certificate".to_owned());
        Err(ClusterError::NotFound {
            first: Box::new(first),
            tried,
        })
    }

    /// The Services with the label, without those that only serve metrics. None where they may not be listed.
    fn labelled(&self) -> Vec<ServiceName> {
        #[derive(Deserialize)]
        struct Services {
            items: Vec<Service>,
        }
        let path = format!("/api/v1/services?labelSelector={SELECTOR}");
        let Some(found) = self.read::<Services>(path) else {
            return Vec::new();
        };
        let name = |service: Service| {
            Some(ServiceName {
                namespace: service.metadata.namespace?,
                name: service.metadata.name?,
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
            .read::<ConfigMap>(path)?
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
