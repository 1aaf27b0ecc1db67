//! What verify and rotate have in common: a body with one SealedSecret, and work on it with a share of the cores.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::StatusCode;
use crds::SealedSecret;
use sealing::document::{self, Document};
use sealing::lately::Lately;
use sealing::unseal;

use super::Shared;
use crate::error::chain;
use crate::events::truncate;
use crate::keys::{Keys, MOST_MISSES};

/// Longest time for the whole body: one that trickles holds the place of another.
const LONGEST_BODY: Duration = Duration::from_secs(10);
/// Longest reason that is logged, in bytes: what it names is the sender's to choose.
const LONGEST_REASON: usize = 1024;

/// Reads the body and has `work` done on it, off the async threads, when there is a core for it.
///
/// # Errors
/// 413 for a body that is too large, 408 for one that takes too long, 400 for one that cannot be read; 500 when the work
/// died.
pub(crate) async fn work<T: Send + 'static>(
    shared: &Shared,
    request: Request,
    work: impl FnOnce(&[u8], &Keys, &Lately) -> T + Send + 'static,
) -> Result<T, StatusCode> {
    let body = match tokio::time::timeout(LONGEST_BODY, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(Err(_)) => return Err(StatusCode::BAD_REQUEST),
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT),
    };
    // The semaphore is never closed. The permit goes with the work: a caller that hangs up does not make room for another
    // while a core still works for it.
    let permit = shared.cores.clone().acquire_owned().await.ok();
    let keys: Arc<Keys> = shared.keys.borrow().clone();
    let keys = Keys {
        ring: keys.ring.limited(MOST_MISSES),
        ..(*keys).clone()
    };
    let lately = shared.lately.clone();
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&body, &keys, &lately)
    });
    done.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// The one SealedSecret in a body, YAML or JSON.
///
/// # Errors
/// Why it is none, in words that are fit for a log: they name places and fields, never a value.
pub(crate) fn sealed_secret(body: &[u8]) -> Result<(Document, SealedSecret), String> {
    let mut documents = document::read(body).map_err(|error| logged(&error))?;
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) if document.item.is_none() => {
            let sealed = unseal::sealed_secret(&document).map_err(|error| logged(&error))?;
            Ok((document, sealed))
        }
        _ => Err("exactly one document is expected".to_owned()),
    }
}

fn logged(error: &dyn std::error::Error) -> String {
    let mut reason = chain(error);
    truncate(&mut reason, LONGEST_REASON);
    reason
}
