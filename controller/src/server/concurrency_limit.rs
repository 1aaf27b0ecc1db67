//! The bound on the bodies that are in memory: over all, for each peer, and for each client that a peer speaks for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use super::LARGEST_BODY;
use super::permits::{Peer, held};
use super::rate_limit::{self, Client};

/// Bytes of bodies at a time, over all.
const ALL: usize = 16 << 20;
/// What a body counts at least, for all that a request takes beside it.
const LEAST: usize = 64 << 10;

/// The room for bodies. A peer takes at most half of what the others leave, and a client at most half of what the other
/// clients leave to its peer: so there is room for whoever comes next. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room(Arc<Mutex<HashMap<Client, usize>>>);

impl Room {
    fn taken(&self) -> MutexGuard<'_, HashMap<Client, usize>> {
        // No code panics while it holds the lock; if it did, the table would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes until the result is dropped; `None`: there is no room for `client`.
    fn take(&self, client: Client, bytes: usize) -> Option<Taken> {
        let mut taken = self.taken();
        let (mut of_other_peers, mut of_other_clients, mut own) = (0, 0, 0);
        for (other, bytes) in &*taken {
            match other {
                other if *other == client => own += bytes,
                (peer, _) if *peer == client.0 => of_other_clients += bytes,
                _ => of_other_peers += bytes,
            }
        }
        let of_peer = ALL.saturating_sub(of_other_peers) / 2;
        if own + bytes > of_peer.saturating_sub(of_other_clients) / 2 {
            return None;
        }
        taken.insert(client, own + bytes);
        let room = self.clone();
        Some(Taken { room, client, bytes })
    }
}

/// Room that is taken.
#[derive(Debug)]
struct Taken {
    room: Room,
    client: Client,
    bytes: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        let left = taken.remove(&self.client).unwrap_or_default() - self.bytes;
        if left > 0 {
            taken.insert(self.client, left);
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
    match room.take(rate_limit::client(peer, request.headers()), bytes) {
        Some(taken) => held(next.run(request).await, taken),
        None => rate_limit::refuse(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: u8, named: u8) -> Client {
        let peer_of = |address: [u8; 4]| Peer::of(address.into());
        (peer_of([10, 0, 0, peer]), Some(peer_of([10, 1, 0, named])))
    }

    #[test]
    fn newcomers_find_room() {
        let room = Room::default();
        let mut held = Vec::new();
        let mut of_peers = Vec::new();
        // Each takes what it gets, under as many names as it likes.
        for peer in 0..6 {
            let before = held.len();
            for named in 0..250 {
                for bytes in [LARGEST_BODY, LEAST] {
                    held.extend(std::iter::from_fn(|| room.take(client(peer, named), bytes)));
                }
            }
            of_peers.push(held[before..].iter().map(|taken| taken.bytes).sum::<usize>());
            assert!(room.take(client(peer + 1, 0), LEAST).is_some(), "after {peer}");
        }
        assert!(of_peers[0] <= ALL / 2 && of_peers[0] > ALL / 4, "{of_peers:?}");
        assert!(of_peers.iter().sum::<usize>() < ALL, "{of_peers:?}");
        drop(held);
        assert!(room.taken().is_empty());
    }

    #[test]
    fn one_client_leaves_half_to_others() {
        let room = Room::default();
        let greedy: Vec<_> = std::iter::from_fn(|| room.take(client(1, 1), LARGEST_BODY)).collect();
        assert_eq!(greedy.len(), 2, "4 MiB");
        assert!(room.take(client(1, 2), LARGEST_BODY).is_some());
        assert!(room.take(client(2, 1), LARGEST_BODY).is_some());
    }
}
