//! Counts and times the requests to the `/v1` endpoints.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Shared;

/// Measures one request.
pub(crate) async fn measure(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    // Only the paths of routes come here, so a client cannot make series.
    let path = request.uri().path().to_owned();
    let method = method_label(request.method());
    let response = next.run(request).await;
    let code = response.status().as_u16().to_string();
    shared
        .metrics
        .http_requests
        .with_label_values(&[path.as_str(), &code, method])
        .inc();
    let duration = shared
        .metrics
        .http_durations
        .with_label_values(&[path.as_str(), method]);
    duration.observe(start.elapsed().as_secs_f64());
    response
}

/// In lower case, as the reference has them; what a client makes up is one label, so that it cannot make series.
fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "HEAD" => "head",
        "POST" => "post",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "OPTIONS" => "options",
        _ => "unknown",
    }
}
