//! Carries out a plan: the only place that writes Secrets and statuses. It makes no choices.

use crds::{Lenient, SealedSecret, SealedSecretSpec, SealedSecretStatus};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Preconditions};
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::{Api, Client, Resource as _};
use serde::Serialize;
use tracing::debug;

use super::desired;
use super::plan::SecretStep;
use crate::error::ApiFailure;
use crate::index::SecretIdentity;
use crate::object_ref::ObjectName;
use crate::request::{self, in_time};

/// A Secret that was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Its metadata as the API server has them now.
    pub metadata: ObjectMeta,
    /// Names of labels, annotations and items that admission altered.
    pub altered: Vec<String>,
    /// Whether the API server kept the Secret unchanged: what was sent differed from it only where admission altered it.
    pub unchanged: bool,
}

/// Writes the Secret, if the plan says so: POST, or PUT with the uid and resourceVersion that were read, so that only a Secret
/// that was read is overwritten or deleted.
pub(crate) async fn secret(
    client: &Client,
    name: &ObjectName,
    step: &SecretStep,
) -> Result<Option<Written>, ApiFailure> {
    let api: Api<Lenient<Secret>> = Api::namespaced(client.clone(), &name.namespace);
    let (sent, written) = match step {
        SecretStep::Leave => return Ok(None),
        SecretStep::Create(secret) => (secret, in_time(request::create(&api, &**secret)).await?),
        SecretStep::Recreate { old, new } => {
            delete(client, name, old).await?;
            (new, in_time(request::create(&api, &**new)).await?)
        }
        SecretStep::Replace(secret) => {
            let written = in_time(request::replace(&api, &name.name, &**secret)).await?;
            (secret, written)
        }
    };
    let written = written.into_result()?;
    debug!(key = %name, "Secret written");
    Ok(Some(Written {
        altered: desired::altered(sent, &written),
        unchanged: sent.metadata.resource_version == written.metadata.resource_version,
        metadata: written.metadata,
    }))
}

/// Deletes a Secret if it is still the same. Returns whether it existed.
pub(crate) async fn delete(client: &Client, name: &ObjectName, old: &SecretIdentity) -> Result<bool, ApiFailure> {
    let api: Api<Lenient<PartialObjectMeta<Secret>>> = Api::namespaced(client.clone(), &name.namespace);
    let still = DeleteParams::default().preconditions(Preconditions {
        uid: Some(old.uid.clone()),
        resource_version: Some(old.version.clone()),
    });
    match in_time(api.delete(&name.name, &still)).await {
        Ok(_) => Ok(true),
        Err(ApiFailure::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes the status, on the resourceVersion that the pass started from. Returns the object as the API server stored it.
pub(crate) async fn status(
    client: &Client,
    sealed: &SealedSecret,
    status: &SealedSecretStatus,
) -> Result<SealedSecret, ApiFailure> {
    let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
    let api: Api<Lenient<SealedSecret>> = Api::namespaced(client.clone(), namespace);
    let name = sealed.metadata.name.clone().unwrap_or_default();
    // By reference: hundreds of passes at a time hold it until the API server has answered.
    let new = WithStatus {
        api_version: &SealedSecret::api_version(&()),
        kind: &SealedSecret::kind(&()),
        metadata: &sealed.metadata,
        spec: &sealed.spec,
        status,
    };
    Ok(in_time(request::replace_status(&api, &name, &new))
        .await?
        .into_result()?)
}

/// A SealedSecret with another status.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WithStatus<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: &'a ObjectMeta,
    spec: &'a SealedSecretSpec,
    status: &'a SealedSecretStatus,
}
