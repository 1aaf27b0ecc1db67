//! Reads what a decision needs.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use super::apply::in_time;
use crate::error::ApiFailure;
use crate::index::{Index, Standing};
use crate::object_name::ObjectName;

/// The Secret of that name as it is now. Where the watch knows none, it is taken to be missing without a request: the
/// creation will tell if one is there after all.
pub(crate) async fn secret(client: &Client, index: &Index, name: &ObjectName) -> Result<Option<Secret>, ApiFailure> {
    match index.standing(name) {
        Standing::NotKnown => Ok(None),
        Standing::Known | Standing::NotWatched => read(client, name).await,
    }
}

/// The Secret of that name, from the API server.
pub(crate) async fn read(client: &Client, name: &ObjectName) -> Result<Option<Secret>, ApiFailure> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &name.namespace);
    in_time(api.get_opt(&name.name)).await
}
