//! What verify and rotate have in common: a body with one SealedSecret, and work on it with a share of the cores.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use crds::SealedSecret;
use futures::StreamExt as _;
use manifest::{self, Document};
use sealing::recent_keys::RecentKeys;
use sealing::unseal;
use serde_json::Value;

use super::concurrency_limit;
use super::permits::Peer;
use super::rate_limit::{self, Client};
use super::{LARGEST_BODY, Shared};
use crate::error::chain;
use crate::fair_semaphore::{FairSemaphore, Permit};
use crate::keys::Keys;
use crate::lanes;
use crate::printable::truncate;
use crate::slices::Slices;

/// Longest time for the whole body: one that trickles holds the place of another.
const LONGEST_BODY: Duration = Duration::from_secs(10);
/// How much of a body that is too large is read, so that the client takes the answer: many send all before they read.
const MOST_PASSED_OVER: usize = 16 << 20;
/// Longest reason that is logged, in bytes: what it names is the sender's to choose.
const LONGEST_REASON: usize = 1024;
/// Bodies up to this size do not wait behind larger ones.
const SMALL_BODY: usize = 128 << 10;
/// The name under which the work of strangers gets its turn at the cores: of no namespace, so it is one of many.
const STRANGERS: &str = "";
/// Private-key operations for one body: 400 items that were sealed with 24 keys over two years take fewer.
const MOST_OPERATIONS: u64 = 16_384;

/// How many bodies are worked on at a time: the tree of a large one takes several times its size.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    small: Arc<Lane>,
    large: Arc<Lane>,
}

impl Lanes {
    /// Two small ones and a large one.
    pub(crate) fn new() -> Self {
        Self {
            small: Lane::new(2),
            large: Lane::new(1),
        }
    }
}

/// Peers take turns, and so do the clients of one peer: a peer that names many clients gains nothing by it.
#[derive(Debug)]
struct Lane {
    permits: usize,
    peers: Arc<FairSemaphore<Peer>>,
    /// Of each peer that works or waits.
    clients: Mutex<HashMap<Peer, Weak<FairSemaphore<Client>>>>,
}

impl Lane {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            permits,
            peers: FairSemaphore::new(permits),
            clients: Mutex::default(),
        })
    }

    fn clients_of(&self, peer: Peer) -> Arc<FairSemaphore<Client>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = clients.get(&peer).and_then(Weak::upgrade) {
            return own;
        }
        clients.retain(|_, own| own.strong_count() > 0);
        let own = FairSemaphore::new(self.permits);
        clients.insert(peer, Arc::downgrade(&own));
        own
    }

    /// Waits for a turn; it lasts until the result is dropped.
    async fn acquire(&self, client: Client) -> (Permit<Client>, Permit<Peer>) {
        let of_client = self.clients_of(client.0).acquire(&client, lanes::Lane::Light).await;
        (of_client, self.peers.acquire(&client.0, lanes::Lane::Light).await)
    }
}

/// Reads the body and has `work` done on it, off the async threads, in slices between the work for the cluster. It ends
/// early when the client goes away.
///
/// # Errors
/// 413 for a body that is too large, 408 for one that takes too long, 400 for one that cannot be read; 500 when the work
/// died.
pub(crate) async fn work<T: Send + 'static>(
    shared: &Shared,
    request: Request,
    work: impl FnOnce(Vec<u8>, &Keys, &RecentKeys) -> T + Send + 'static,
) -> Result<T, StatusCode> {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().copied();
    let peer = peer.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let client = rate_limit::client(peer, &parts.headers);
    let body = tokio::time::timeout(LONGEST_BODY, read(body, concurrency_limit::announced(&parts.headers))).await;
    let body = body.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))?;
    let lane = if body.len() <= SMALL_BODY {
        &shared.lanes.small
    } else {
        &shared.lanes.large
    };
    let permit = lane.acquire(client).await;
    let slices = Slices::begin(&shared.cores, STRANGERS, lanes::Lane::Strangers, MOST_OPERATIONS).await;
    let _until_the_client_goes = slices.ended_with();
    let keys: Arc<Keys> = shared.keys.borrow().clone();
    let keys = Keys {
        ring: keys.ring.at_pace(slices),
        ..(*keys).clone()
    };
    let recent = shared.recent_keys.clone();
    let done = tokio::task::spawn_blocking(move || {
        // It goes with the work: a caller that hangs up does not make room for another while a core still works for it.
        let _permit = permit;
        work(body, &keys, &recent)
    });
    done.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// The whole body, in one piece from the start where its length is announced.
async fn read(body: Body, announced: Option<usize>) -> Result<Vec<u8>, StatusCode> {
    let mut text = Vec::with_capacity(announced.filter(|length| *length <= LARGEST_BODY).unwrap_or_default());
    let mut passed = 0_usize;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        passed = passed.saturating_add(chunk.len());
        if passed <= LARGEST_BODY {
            text.extend_from_slice(&chunk);
        } else if passed <= MOST_PASSED_OVER {
            text = Vec::new();
        } else {
            break;
        }
    }
    if passed > LARGEST_BODY {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Ok(text)
}

/// The one SealedSecret in a body, YAML or JSON, without what only the API server makes of an object. The body is not kept.
///
/// # Errors
/// Why it is none, in words that are fit for a log: they name places and fields, never a value.
pub(crate) fn sealed_secret(body: Vec<u8>) -> Result<(Document, SealedSecret), String> {
    let mut document = manifest::read_one(&body, unseal::memory_for(body.len())).map_err(|error| logged(&error))?;
    drop(body);
    if document.item.is_some() {
        return Err("exactly one document is expected".to_owned());
    }
    if let Some(fields) = document.value.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = document.value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let sealed = unseal::sealed_secret(&document).map_err(|error| logged(&error))?;
    Ok((document, sealed))
}

fn logged(error: &dyn std::error::Error) -> String {
    let mut reason = chain(error);
    truncate(&mut reason, LONGEST_REASON);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn peer_with_many_clients_has_one_turn() {
        let lane = Lane::new(1);
        let order: Arc<Mutex<Vec<u8>>> = Arc::default();
        let peer = |number: u8| Peer::of([10, 0, 0, number].into());
        let first = lane.acquire((peer(1), None)).await;
        // One address that names 16 clients, then another address.
        let clients = (0..16).map(|named| (1, Some(peer(100 + named)))).chain([(2, None)]);
        let mut waiting = Vec::new();
        for (number, named) in clients {
            let (lane, order) = (lane.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                let _permit = lane.acquire((peer(number), named)).await;
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for one in waiting {
            one.await.unwrap();
        }
        let other = order.lock().unwrap().iter().position(|number| *number == 2);
        assert!(other.is_some_and(|turn| turn <= 1), "{other:?}");
        lane.clients_of(peer(3));
        assert_eq!(lane.clients.lock().unwrap().len(), 1);
    }
}
