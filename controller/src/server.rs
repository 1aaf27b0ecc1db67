//! The HTTP servers: one endpoint a file, each turns bytes into a status code and bytes.

pub(crate) mod cert;
pub(crate) mod crowd;
pub(crate) mod health;
pub(crate) mod limit;
pub(crate) mod listen;
pub(crate) mod measure;
mod opening;
mod patient;
pub(crate) mod places;
pub(crate) mod rotate;
pub(crate) mod scrape;
pub(crate) mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use crds::names;
use sealing::lately::Lately;
use tokio::sync::Semaphore;

use crate::keys::KeysReader;
use crate::lease::leadership::Leadership;
use crate::metrics::Metrics;
use crate::settings::HttpSettings;

/// Largest request body, in bytes: twice what the API server stores.
pub(crate) const LARGEST_BODY: usize = 3 << 20;

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
    /// Whether the deprecated `spec.data` is opened (`--accept-deprecated-v1-data`).
    pub accept_deprecated_data: bool,
    /// The keys to try first. Not those of the reconcile pool: whoever asks over HTTP has no say in what is tried there.
    pub lately: Arc<Lately>,
    /// Permits for private-key work, apart from those of the reconcile pool.
    pub cores: Arc<Semaphore>,
    /// Room for requests that bring a body.
    pub room: crowd::Room,
}

impl Shared {
    /// With half the cores for private-key work, at least one: whoever asks over HTTP does not hold up the cluster.
    pub(crate) fn new(
        keys: KeysReader,
        (ready, leadership): (Arc<AtomicBool>, Leadership),
        metrics: Arc<Metrics>,
        accept_deprecated_data: bool,
        cores: usize,
    ) -> Self {
        Self {
            keys,
            ready,
            leadership,
            metrics,
            accept_deprecated_data,
            lately: Arc::default(),
            cores: Arc::new(Semaphore::new((cores / 2).max(1))),
            room: crowd::Room::new(),
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
        let limit = limit::Limiter::new(settings.rate, settings.burst);
        judge
            .route_layer(middleware::from_fn_with_state(shared.room.clone(), crowd::crowd))
            .route_layer(middleware::from_fn_with_state(Arc::new(limit), limit::limit))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
    };
    let measured = Router::new()
        .route(names::PATH_CERTIFICATE, get(cert::certificate))
        .route(names::PATH_VERIFY, limited(post(verify::verify)))
        .route(names::PATH_ROTATE, limited(post(rotate::rotate)))
        .route_layer(middleware::from_fn_with_state(shared.clone(), measure::measure));
    Router::new()
        .route(names::PATH_HEALTH, get(health::alive))
        .route(names::PATH_READY, get(health::ready))
        .merge(measured)
        .fallback(not_found)
        .with_state(shared)
}

/// The routes of the metrics port.
pub(crate) fn metrics_routes(shared: Shared) -> Router {
    Router::new()
        .route(
            names::PATH_METRICS,
            get(scrape::scrape).layer(Extension(scrape::room())),
        )
        .fallback(not_found)
        .with_state(shared)
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
