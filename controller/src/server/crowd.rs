//! The bound on the bodies that are in memory: over all, for each peer, and for each client that a peer speaks for.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use super::LARGEST_BODY;
use super::limit::{self, Client};
use super::places::{Peer, Places, held};

/// Bytes of bodies at a time, over all.
const ALL: usize = 16 << 20;
/// Of these, for one peer. The API server is one, and speaks for all users: half stays for it whatever another peer does.
const FOR_A_PEER: usize = 8 << 20;
/// Of these, for one client that the peer names: one user of the API server's proxy leaves room for the others.
const FOR_A_CLIENT: usize = 4 << 20;
/// What a body counts at least, for all that a request takes beside it.
const LEAST: usize = 64 << 10;

/// The room for bodies. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    peers: Arc<Places<Peer>>,
    clients: Arc<Places<Client>>,
}

impl Room {
    /// All of it.
    pub(crate) fn new() -> Self {
        Self {
            peers: Places::new(ALL, FOR_A_PEER),
            clients: Places::new(ALL, FOR_A_CLIENT),
        }
    }
}

/// The length of the body, where the client announces one.
pub(crate) fn announced(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    Some(length.to_str().ok()?.parse().unwrap_or(usize::MAX))
}

/// Lets a request through while there is room for its body, before that is read; else answers as the rate limit does.
pub(crate) async fn crowd(
    State(room): State<Room>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    // More than was announced is not read. A body of unknown length can be the largest.
    let length = announced(request.headers()).unwrap_or(LARGEST_BODY);
    let bytes = length.clamp(LEAST, LARGEST_BODY);
    let client = limit::client(peer, request.headers());
    let places = room
        .peers
        .take_many(peer, bytes)
        .zip(room.clients.take_many(client, bytes));
    match places {
        Some(places) => held(next.run(request).await, places),
        None => limit::refuse(request).await,
    }
}
