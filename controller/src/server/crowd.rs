//! The bound on requests that hold a body in memory or wait for private-key work: over all, for each peer, and for each
//! client that a peer speaks for.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::limit;
use super::places::{Peer, Places, held};

/// Bodies at a time, over all.
const ALL: usize = 32;
/// Of these, for one peer. The API server is one, and speaks for all users: half stays for it whatever another peer does.
const FOR_A_PEER: usize = 16;
/// Of these, for one client that the peer names: one user of the API server's proxy leaves room for the others.
const FOR_A_CLIENT: usize = 4;

/// The room for bodies. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    peers: Arc<Places<Peer>>,
    clients: Arc<Places<(Peer, String)>>,
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

/// Lets a request through while there is room, before its body is read; else answers as the rate limit does.
pub(crate) async fn crowd(
    State(room): State<Room>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let client = (peer, limit::client(request.headers()).to_owned());
    let places = room.peers.take(peer).zip(room.clients.take(client));
    match places {
        Some(places) => held(next.run(request).await, places),
        None => limit::exceeded(),
    }
}
