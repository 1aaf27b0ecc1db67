//! `controller --strip-status`: takes what the reference does not know off all statuses, once, before it takes over again.
//!
//! It would leave them as they are: a `Ready` that nobody keeps is a lie from the next failure on.

use std::sync::Arc;

use crds::{Lenient, SealedSecret};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, Resource as _};
use thiserror::Error;
use tracing::{info, warn};

use crate::error::ApiFailure;
use crate::lease::leadership::{Leadership, Standing};
use crate::object_ref::ObjectName;
use crate::reconcile::status;
use crate::request::{self, in_time};
use crate::runtime::client::{self, Access, ClientError};
use crate::served;
use crate::settings::Settings;

/// Objects in one answer of the API server.
const PAGE: u32 = 500;
/// How often one status is tried, read anew each time.
const TRIES: usize = 5;

/// Why it did not work out.
#[derive(Debug, Error)]
pub(crate) enum StripError {
    /// No way to the API server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// SealedSecrets could not be listed.
    #[error("SealedSecrets cannot be listed")]
    List(#[source] ApiFailure),
    /// Namespaces could not be listed.
    #[error("namespaces cannot be listed")]
    Namespaces(#[source] ApiFailure),
    /// Some statuses stayed as they were; each was named.
    #[error("{0} statuses were not stripped; is a controller still running?")]
    Left(usize),
}

/// Strips all statuses that the settings' namespaces and labels name.
///
/// # Errors
/// [`StripError`]; what was stripped until then stays so, and it can be run again.
pub(crate) async fn run(settings: &Settings) -> Result<(), StripError> {
    // No controller runs, so that there is nobody to be elected against.
    let (_alone, leadership) = Leadership::new(Standing::Alone);
    let access = client::connect(&settings.api, leadership, &Arc::default()).await?;
    let (mut stripped, mut left, mut total) = (0_usize, 0_usize, 0_usize);
    for namespace in namespaces(settings, &access).await? {
        let mut page = ListParams::default().limit(PAGE);
        page.label_selector.clone_from(&settings.scope.label_selector);
        loop {
            let api: Api<Lenient<SealedSecret>> = match &namespace {
                Some(namespace) => Api::namespaced(access.client.clone(), namespace),
                None => Api::all(access.client.clone()),
            };
            let list = in_time(api.list(&page)).await.map_err(StripError::List)?;
            for sealed in list.items {
                total += 1;
                let name = ObjectName::of(sealed.meta());
                match strip(&access.client, sealed).await {
                    Ok(changed) => stripped += usize::from(changed),
                    Err(error) => {
                        left += 1;
                        warn!(key = %name, %error, "this status was not stripped");
                    }
                }
            }
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
    }
    info!(stripped, total, "statuses stripped");
    if left > 0 {
        return Err(StripError::Left(left));
    }
    Ok(())
}

/// The namespaces that are served now; `None` alone: all of them.
async fn namespaces(settings: &Settings, access: &Access) -> Result<Vec<Option<String>>, StripError> {
    let mut all = served::listed(&settings.scope, &access.namespace);
    if let Some(selector) = &settings.scope.namespace_selector {
        let api: Api<PartialObjectMeta<Namespace>> = Api::all(access.client.clone());
        let labelled = in_time(api.list(&ListParams::default().labels(selector))).await;
        let labelled = labelled.map_err(StripError::Namespaces)?;
        let names = labelled.items.into_iter().map(|namespace| namespace.metadata.name);
        for name in names.filter(|name| !all.contains(name)).collect::<Vec<_>>() {
            all.push(name);
        }
    }
    Ok(all)
}

/// Strips one status; says whether there was something to take off.
async fn strip(client: &Client, sealed: Lenient<SealedSecret>) -> Result<bool, ApiFailure> {
    let mut sealed = sealed.into_result()?;
    let name = ObjectName::of(&sealed.metadata);
    let api: Api<Lenient<SealedSecret>> = Api::namespaced(client.clone(), &name.namespace);
    for _ in 1..TRIES {
        let Some(bare) = status::bare(&sealed) else {
            return Ok(false);
        };
        sealed.status = Some(bare);
        sealed.metadata.managed_fields = None;
        match in_time(request::replace_status(&api, &name.name, &sealed)).await {
            Ok(_) => return Ok(true),
            Err(ApiFailure::NotFound(_)) => return Ok(false),
            Err(ApiFailure::Conflict(_)) => match in_time(api.list(&name.alone())).await?.items.pop() {
                Some(again) => sealed = again.into_result()?,
                None => return Ok(false),
            },
            Err(error) => return Err(error),
        }
    }
    Err(ApiFailure::Conflict("the object keeps changing".to_owned()))
}
