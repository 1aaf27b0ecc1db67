//! The HTTP servers: one endpoint a file, each turns bytes into a status code and bytes.

pub(crate) mod cert;
pub(crate) mod concurrency_limit;
mod connections;
pub(crate) mod health;
pub(crate) mod listen;
pub(crate) mod metrics;
pub(crate) mod metrics_layer;
pub(crate) mod permits;
pub(crate) mod rate_limit;
pub(crate) mod rotate;
mod unseal_request;
pub(crate) mod verify;
mod write_timeout;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use crds::{SealedSecret, names};
use sealing::binding::Scope;
use sealing::keyring::KeyRing;
use sealing::recent_keys::RecentKeys;

use crate::keys::KeysReader;
use crate::lease::leadership::Leadership;
use crate::metrics::Metrics;
use crate::settings::{AcceptedFormats, HttpSettings};
use crate::slices::Cores;

/// Largest request body, in bytes. etcd takes 1.5 MiB of a request, so no SealedSecret has more as compact JSON; indented JSON
/// or YAML may have a third more.
pub(crate) const LARGEST_BODY: usize = 2 << 20;

/// What the endpoints share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// The keys.
    pub keys: KeysReader,
    /// Whether keys and caches have been ready once.
    pub ready: Arc<AtomicBool>,
    /// Whether this replica leads.
    pub leadership: Leadership,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// How long the API server may leave a question unanswered while it answers others, if that says anything.
    pub longest_without_answer: Option<Duration>,
    /// What is opened.
    pub accepted: Accepted,
    /// The keys to try first. Not those of the reconcile pool: whoever asks over HTTP has no say in what is tried there.
    pub recent_keys: Arc<RecentKeys>,
    /// The cores for private-key work, which whoever asks over HTTP shares with the namespaces as one of them.
    pub cores: Arc<Cores>,
    /// Room for requests that bring a body.
    pub room: concurrency_limit::Room,
    /// Who may have work done on a body.
    pub lanes: unseal_request::Lanes,
}

/// What is opened of what whoever asks sends: as much as in the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    /// Whether the deprecated `spec.data` is opened (`--accept-deprecated-v1-data`).
    pub deprecated_data: bool,
    /// Which versions of the format are opened (`--accept-formats`).
    pub formats: Arc<AcceptedFormats>,
}

impl Accepted {
    /// The keys as they are for this object; none when it is refused unopened.
    fn keys(&self, keys: &KeyRing, sealed: &SealedSecret) -> Option<KeyRing> {
        let refused = sealed.spec.data.is_some() && !self.deprecated_data;
        let least = match Scope::from_annotations(sealed.metadata.annotations.as_ref()) {
            // Such a value opens in any namespace, so the one that the caller names says nothing.
            Scope::ClusterWide => self.formats.least_of_all(),
            Scope::Strict | Scope::NamespaceWide => {
                let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
                self.formats.least(namespace)
            }
        };
        (!refused).then(|| keys.accepting(least))
    }
}

impl Shared {
    /// Nobody has asked yet.
    pub(crate) fn new(
        keys: KeysReader,
        (ready, leadership): (Arc<AtomicBool>, Leadership),
        (metrics, longest_without_answer): (Arc<Metrics>, Option<Duration>),
        accepted: Accepted,
        cores: Arc<Cores>,
    ) -> Self {
        Self {
            keys,
            ready,
            leadership,
            metrics,
            longest_without_answer,
            accepted,
            recent_keys: Arc::default(),
            cores,
            room: concurrency_limit::Room::default(),
            lanes: unseal_request::Lanes::new(),
        }
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && self.keys.borrow().current.is_some()
    }
}

/// The routes of the main port.
pub(crate) fn routes(shared: Shared, settings: &HttpSettings) -> Router {
    // Each path has buckets of its own, as in the reference; the room for bodies is one for both.
    let limited = |judge: MethodRouter<Shared>| {
        let limit = rate_limit::Limiter::new(settings.rate, settings.burst);
        judge
            .route_layer(middleware::from_fn_with_state(
                shared.room.clone(),
                concurrency_limit::crowd,
            ))
            .route_layer(middleware::from_fn_with_state(Arc::new(limit), rate_limit::limit))
    };
    let measured = Router::new()
        .route(names::PATH_CERTIFICATE, get(cert::certificate))
        .route(names::PATH_VERIFY, limited(post(verify::verify)))
        .route(names::PATH_ROTATE, limited(post(rotate::rotate)))
        .route_layer(middleware::from_fn_with_state(shared.clone(), metrics_layer::measure));
    health_routes().merge(measured).fallback(not_found).with_state(shared)
}

/// The routes of the probe port.
pub(crate) fn probe_routes(shared: Shared) -> Router {
    health_routes().fallback(not_found).with_state(shared)
}

fn health_routes() -> Router<Shared> {
    Router::new()
        .route(names::PATH_HEALTH, get(health::alive))
        .route(names::PATH_LIVE, get(health::live))
        .route(names::PATH_READY, get(health::ready))
}

/// The routes of the metrics port.
pub(crate) fn metrics_routes(shared: Shared) -> Router {
    Router::new()
        .route(
            names::PATH_METRICS,
            get(metrics::scrape).layer(Extension(Arc::<metrics::Texts>::default())),
        )
        .fallback(not_found)
        .with_state(shared)
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
