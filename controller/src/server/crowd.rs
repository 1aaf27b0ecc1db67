//! The bound on requests that hold a body in memory or wait for private-key work, over all clients.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use super::limit;

/// Lets a request through while there is room, before its body is read; else answers as the rate limit does.
pub(crate) async fn crowd(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => limit::exceeded(),
    }
}
