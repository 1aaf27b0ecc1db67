//! Reads the input of a decision from the API server.

use std::time::Instant;

use crds::{Lenient, SealedSecret};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::{Api, Client};

use crate::error::ApiFailure;
use crate::index::{Index, SecretIdentity, SecretPresence};
use crate::object_ref::ObjectName;
use crate::request::at_most::AtMost;
use crate::request::{self, in_time};

/// The current Secret of that name. If the watch knows none, it counts as missing without a request; creating it shows if that is
/// wrong.
pub(crate) async fn secret(
    client: &Client,
    index: &Index,
    name: &ObjectName,
    bound: &AtMost,
) -> Result<Option<Secret>, ApiFailure> {
    match index.presence(name, Instant::now()) {
        SecretPresence::NotKnown => Ok(None),
        SecretPresence::Known | SecretPresence::NotWatched => read(client, name, bound).await,
        SecretPresence::Foreign => again(client, index, name, bound).await,
    }
}

/// The identity of the Secret of that name: from the watch, or from its metadata where there is no watch. `None`: none is known.
pub(crate) async fn identity(client: &Client, index: &Index, name: &ObjectName) -> Option<SecretIdentity> {
    match index.presence(name, Instant::now()) {
        SecretPresence::Known => index.identity(name),
        SecretPresence::NotKnown | SecretPresence::Foreign => None,
        SecretPresence::NotWatched => {
            // Reading the Secret will show the error.
            let found = metadata(client, name).await.ok().flatten()?;
            Some(SecretIdentity::of(&found))
        }
    }
}

/// The Secret of that name after a write which found it there, or missing, unexpectedly.
pub(crate) async fn again(
    client: &Client,
    index: &Index,
    name: &ObjectName,
    bound: &AtMost,
) -> Result<Option<Secret>, ApiFailure> {
    let found = read(client, name, bound).await;
    // It was there a moment ago: the grace is the same as if the watch had reported its deletion.
    if matches!(found, Ok(None)) {
        index.foreign_missing(name, Instant::now());
    }
    found
}

/// The metadata of the Secret of that name, from the API server.
pub(crate) async fn metadata(client: &Client, name: &ObjectName) -> Result<Option<ObjectMeta>, ApiFailure> {
    let api: Api<Lenient<PartialObjectMeta<Secret>>> = Api::namespaced(client.clone(), &name.namespace);
    let found = in_time(api.get_opt(&name.name)).await?;
    Ok(found.map(Lenient::into_result).transpose()?.map(|found| found.metadata))
}

/// The Secret of that name, from the API server.
async fn read(client: &Client, name: &ObjectName, bound: &AtMost) -> Result<Option<Secret>, ApiFailure> {
    let api: Api<Lenient<Secret>> = Api::namespaced(client.clone(), &name.namespace);
    let found = in_time(request::get(&api, &name.name, bound)).await?;
    Ok(found.map(Lenient::into_result).transpose()?)
}

/// The SealedSecret of that name, if it has these labels and can be parsed. It is read with a list of one, which needs no right
/// to `get`.
pub(crate) async fn sealed(
    client: &Client,
    name: &ObjectName,
    labels: Option<&str>,
    bound: &AtMost,
) -> Result<Option<SealedSecret>, ApiFailure> {
    let api: Api<Lenient<SealedSecret>> = Api::namespaced(client.clone(), &name.namespace);
    let alone = ListParams {
        label_selector: labels.map(str::to_owned),
        ..name.alone()
    };
    let found = in_time(request::list(&api, &alone, bound)).await?.items.pop();
    // The watch reports one that cannot be read.
    let mut sealed = found.and_then(|found| found.into_result().ok());
    if let Some(sealed) = &mut sealed {
        sealed.metadata.managed_fields = None;
    }
    Ok(sealed)
}
