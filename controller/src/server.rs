//! The HTTP servers. Each endpoint has a file, and turns bytes into a status code and bytes.

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
    /// Whether keys and caches have been ready before.
    pub ready: Arc<AtomicBool>,
    /// Whether this replica leads.
    pub leadership: Leadership,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// How long the API server may leave a request unanswered while it answers others, if that is limited.
    pub longest_without_answer: Option<Duration>,
    /// Which objects are opened.
    pub accepted: Accepted,
    /// The keys to try first. Not shared with the reconciler: HTTP clients must not influence what it tries.
    pub recent_keys: Arc<RecentKeys>,
    /// The cores for private-key work. All HTTP clients together share them with the namespaces, as one more tenant.
    pub cores: Arc<Cores>,
    /// Bounds the memory of requests with a body.
    pub room: concurrency_limit::Room,
    /// Bounds the work on bodies.
    pub lanes: unseal_request::Lanes,
}

/// Which objects of HTTP clients are opened: the same as in the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    /// Whether the deprecated `spec.data` is opened (`--accept-deprecated-v1-data`).
    pub deprecated_data: bool,
    /// Which versions of the format are opened (`--accept-formats`).
    pub formats: Arc<AcceptedFormats>,
}

impl Accepted {
    /// The keys for this object; none if it is refused without opening it.
    fn keys(&self, keys: &KeyRing, sealed: &SealedSecret) -> Option<KeyRing> {
        let refused = sealed.spec.data.is_some() && !self.deprecated_data;
        let least = match Scope::from_annotations(sealed.metadata.annotations.as_ref()) {
            // Such a value opens in any namespace, so the namespace that the client names is meaningless.
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
    /// A state without requests.
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
    // Each path has buckets of its own, as in the reference; the bound on bodies is shared.
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
