//! Where news of key Secrets comes from: a watch of their metadata, or, where watching is denied, a list every few seconds.
//!
//! The buffers of a connection keep what was read last, for as long as it is open. So the keys themselves are read through
//! connections that are closed after one answer, and the allocator overwrites what is freed; a watch stays open, and
//! carries no key.

use std::time::Duration;

use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request};
use crds::{Lenient, names};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::client::Body;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource as _};
use tokio::sync::mpsc;
use tower::service_fn;
use tracing::{info, warn};

use crate::backoff::WatchPauses;
use crate::error::ApiFailure;
use crate::relist::{self, Relists};
use crate::request::in_time;
use crate::settings::WATCH_SECONDS;

/// Pause between two lists where watching is denied.
const POLL_EVERY: Duration = Duration::from_secs(10);
/// How long lists serve where watching is denied, before a watch is tried again.
const WATCH_AGAIN: Duration = Duration::from_secs(60);

/// News of key Secrets. Cannot be printed: there are private keys in it.
pub(crate) enum KeyNews {
    /// All that there are; others that were known have gone.
    Listed(Vec<Secret>),
    /// One that appeared, changed, was deleted or lost its label. Holds its name.
    Changed(String),
}

/// How the key Secrets of one namespace are reached.
#[derive(Clone)]
pub(crate) struct KeyApi {
    /// Whole, each request through a connection of its own.
    pub secrets: Api<Lenient<Secret>>,
    /// Their metadata.
    pub metadata: Api<Lenient<PartialObjectMeta<Secret>>>,
}

impl KeyApi {
    /// Through this client.
    pub(crate) fn new(client: &Client, namespace: &str) -> Self {
        let sends = client.clone();
        let closing = service_fn(move |mut request: Request<Body>| {
            let sends = sends.clone();
            request
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
            async move { sends.send(request).await }
        });
        Self {
            secrets: Api::namespaced(Client::new(closing, namespace), namespace),
            metadata: Api::namespaced(client.clone(), namespace),
        }
    }
}

/// A Secret that cannot be read holds no usable key, and is reported as such.
fn readable(secret: Lenient<Secret>) -> Secret {
    secret.into_result().unwrap_or_else(|unreadable| Secret {
        metadata: unreadable.metadata,
        ..Secret::default()
    })
}

/// One Secret by name, or `None`. By a list, because the reference's own Role lets keys be listed and not be read.
pub(crate) async fn by_name(api: &KeyApi, name: &str) -> Result<Option<Secret>, ApiFailure> {
    let only = ListParams::default().fields(&format!("metadata.name={name}"));
    Ok(in_time(api.secrets.list(&only))
        .await?
        .items
        .into_iter()
        .next()
        .map(readable))
}

/// All key Secrets. `legacy` is the name of the one that needs no label.
pub(crate) async fn all(api: &KeyApi, legacy: &str) -> Result<Vec<Secret>, ApiFailure> {
    let params = ListParams::default().labels(names::LABEL_SEALING_KEY);
    let listed = in_time(api.secrets.list(&params)).await?.items;
    let mut secrets: Vec<_> = listed.into_iter().map(readable).collect();
    secrets.extend(by_name(api, legacy).await?);
    Ok(secrets)
}

/// Sends news of the key Secrets until nobody listens. `legacy` is the name of the key Secret that needs no label.
pub(crate) async fn follow(api: KeyApi, legacy: String, news: mpsc::Sender<KeyNews>, relists: Relists) {
    let mut said_denied = false;
    while watch((&api, &relists), &legacy, &news, &mut said_denied).await == Ended::WatchDenied {
        // A role that is mended, or an authorizer that was out of order, is noticed.
        let _ = tokio::time::timeout(WATCH_AGAIN, poll(&api, &legacy, &news)).await;
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    NobodyListens,
    WatchDenied,
}

/// `said_denied`: whether it was said that watching is denied, and no watch has worked since.
async fn watch(
    (api, relists): (&KeyApi, &Relists),
    legacy: &str,
    news: &mpsc::Sender<KeyNews>,
    said_denied: &mut bool,
) -> Ended {
    // Every value of the label, so that a key which is retired by another value is seen to change.
    let config = watcher::Config::default()
        .labels(names::LABEL_SEALING_KEY)
        .timeout(WATCH_SECONDS);
    let mut stream = std::pin::pin!(relist::follow(api.metadata.clone(), config, relists.clone()));
    let mut troubled = false;
    while let Some(event) = stream.next().await {
        let said = match event {
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => continue,
            Ok(watcher::Event::InitDone) => {
                // A list that lacks one because it could not be read would say that it has gone.
                let Some(listed) = read_all(api, legacy, news).await else {
                    return Ended::NobodyListens;
                };
                KeyNews::Listed(listed)
            }
            Ok(watcher::Event::Apply(secret) | watcher::Event::Delete(secret)) => {
                troubled |= std::mem::take(said_denied);
                KeyNews::Changed(secret.meta().name.clone().unwrap_or_default())
            }
            Err(error) => {
                let at_watch = matches!(error, watcher::Error::WatchStartFailed(_));
                let failure = ApiFailure::from(error);
                if at_watch && matches!(failure, ApiFailure::Denied(_)) {
                    if !std::mem::replace(said_denied, true) {
                        warn!(error = %failure, "key Secrets cannot be watched, so they are listed every {} s", POLL_EVERY.as_secs());
                    }
                    return Ended::WatchDenied;
                }
                if !troubled {
                    warn!(error = %failure, "key Secrets cannot be followed, trying again");
                }
                troubled = true;
                continue;
            }
        };
        if std::mem::take(&mut troubled) {
            info!("key Secrets are followed again");
        }
        if news.send(said).await.is_err() {
            return Ended::NobodyListens;
        }
    }
    Ended::NobodyListens
}

/// All key Secrets; asks until the API server answers. `None`: nobody listens.
async fn read_all(api: &KeyApi, legacy: &str, news: &mpsc::Sender<KeyNews>) -> Option<Vec<Secret>> {
    let mut troubled = false;
    for pause in WatchPauses::default() {
        match all(api, legacy).await {
            Ok(secrets) => return Some(secrets),
            Err(error) if !std::mem::replace(&mut troubled, true) => {
                warn!(%error, "key Secrets cannot be read, trying again");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = news.closed() => return None,
        }
    }
    None
}

async fn poll(api: &KeyApi, legacy: &str, news: &mpsc::Sender<KeyNews>) {
    let mut troubled = false;
    loop {
        tokio::time::sleep(POLL_EVERY).await;
        match all(api, legacy).await {
            Ok(secrets) => {
                if std::mem::take(&mut troubled) {
                    info!("key Secrets are listed again");
                }
                if news.send(KeyNews::Listed(secrets)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut troubled, true) {
                    warn!(%error, "key Secrets cannot be listed, trying again");
                }
            }
        }
    }
}
