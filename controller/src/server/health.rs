//! `/healthz`: the process runs. `/livez`: a restart would not help. `/readyz`: keys and caches are loaded.

use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;

/// 200 as soon as the port is open.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// 503 if the API server answers and this process does not receive it; otherwise 200, also while no API server can be reached.
pub(crate) async fn live(State(shared): State<Shared>) -> (StatusCode, String) {
    let longest = shared.longest_without_answer;
    let stuck = longest
        .map(|longest| shared.metrics.contacts.stuck(longest))
        .unwrap_or_default();
    if stuck.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let lines = stuck.into_iter().map(|(asked, silence)| {
        let seconds = silence.as_secs();
        format!(
            "{}: no answer for {seconds} s, while others are answered\n",
            asked.name()
        )
    });
    (StatusCode::SERVICE_UNAVAILABLE, lines.collect())
}

/// 200 when SealedSecrets are served, else 503.
pub(crate) async fn ready(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    if shared.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
