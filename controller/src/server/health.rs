//! `/healthz`: the process lives. `/readyz`: keys and caches are there.

use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;

/// 200 as soon as the port is open.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when SealedSecrets are served, else 503.
pub(crate) async fn ready(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    if shared.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
