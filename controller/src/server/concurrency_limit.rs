//! Bounds the request bodies in memory: in total, for each peer, and for each client behind a peer.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::LARGEST_BODY;
use super::permits::{Peer, held};
use super::rate_limit::{self, Client};

/// Bytes of bodies at a time, in total.
const ALL: usize = 16 << 20;
/// The least that a request counts, for what it takes beside its body.
const LEAST: usize = 64 << 10;

/// The room for bodies. A peer may take at most half of what the others leave, and a client at most half of what the other
/// clients leave to its peer. If that is too little for a new request, requests of those that take more than it will are
/// cancelled, so many peers cannot keep others out. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room(Arc<Mutex<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    /// In order of arrival.
    taken: BTreeMap<u64, Share>,
    arrived: u64,
}

/// What one request takes.
#[derive(Debug, Clone)]
struct Share {
    client: Client,
    bytes: usize,
    gives_way: CancellationToken,
}

/// Bytes of each peer and of each client.
#[derive(Debug, Default)]
struct Sums {
    peers: HashMap<Peer, usize>,
    clients: HashMap<Client, usize>,
}

impl Sums {
    fn of(&self, client: &Client) -> (usize, usize) {
        let of_peer = self.peers.get(&client.0).copied().unwrap_or_default();
        (of_peer, self.clients.get(client).copied().unwrap_or_default())
    }

    fn has_room(&self, client: &Client, bytes: usize) -> bool {
        let (of_peer, own) = self.of(client);
        let of_other_peers = self.peers.values().sum::<usize>() - of_peer;
        let for_peer = ALL.saturating_sub(of_other_peers) / 2;
        own + bytes <= for_peer.saturating_sub(of_peer - own) / 2
    }

    /// The client that takes most of the peer that takes most, if that is more than `client` will take: of another peer,
    /// otherwise of its own.
    fn greediest(&self, client: &Client, bytes: usize) -> Option<Client> {
        let (of_peer, own) = self.of(client);
        let greedy = *self.clients.keys().max_by_key(|of| self.of(of))?;
        if self.of(&greedy).0 > of_peer + bytes {
            return Some(greedy);
        }
        let of_own_peer = self.clients.keys().filter(|of| of.0 == client.0);
        let greedy = *of_own_peer.max_by_key(|of| self.of(of))?;
        (self.of(&greedy).1 > own + bytes).then_some(greedy)
    }
}

impl Requests {
    /// Without the requests that are being cancelled.
    fn sums(&self, without: &[u64]) -> Sums {
        let mut sums = Sums::default();
        for (_, share) in self.taken.iter().filter(|(id, _)| !without.contains(id)) {
            *sums.peers.entry(share.client.0).or_default() += share.bytes;
            *sums.clients.entry(share.client).or_default() += share.bytes;
        }
        sums
    }

    /// The request to cancel for another one: the latest of the client that takes most. `None`: that would not help.
    fn make_room(&self, client: &Client, bytes: usize) -> Option<Vec<u64>> {
        let mut give_way = Vec::new();
        loop {
            let sums = self.sums(&give_way);
            if sums.has_room(client, bytes) {
                return Some(give_way);
            }
            let greedy = sums.greediest(client, bytes)?;
            let mut latest = self.taken.iter().rev();
            let latest = latest.find(|(id, share)| share.client == greedy && !give_way.contains(id))?;
            give_way.push(*latest.0);
        }
    }
}

impl Room {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        // No code panics while it holds the lock, and every step leaves the table consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes until the result is dropped; `None`: there is no room for `client`.
    fn take(&self, client: Client, bytes: usize) -> Option<Taken> {
        let mut requests = self.requests();
        for id in requests.make_room(&client, bytes)? {
            if let Some(share) = requests.taken.remove(&id) {
                share.gives_way.cancel();
            }
        }
        requests.arrived += 1;
        let (id, gives_way) = (requests.arrived, CancellationToken::new());
        let share = Share {
            client,
            bytes,
            gives_way: gives_way.clone(),
        };
        requests.taken.insert(id, share);
        let room = self.clone();
        Some(Taken { room, id, gives_way })
    }
}

/// Room that a request has taken.
#[derive(Debug)]
struct Taken {
    room: Room,
    id: u64,
    /// Cancelled when the request must end to make room for another.
    gives_way: CancellationToken,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.requests().taken.remove(&self.id);
    }
}

/// The length of the body, if the client announces it.
pub(crate) fn announced(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    Some(length.to_str().ok()?.parse().unwrap_or(usize::MAX))
}

/// Admits a request if there is room for its body, before reading it; otherwise answers as the rate limit does.
pub(crate) async fn crowd(
    State(room): State<Room>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    // No more than the announced length is read. A body of unknown length can be the largest.
    let length = announced(request.headers()).unwrap_or(LARGEST_BODY);
    let bytes = length.clamp(LEAST, LARGEST_BODY);
    let Some(taken) = room.take(rate_limit::client(peer, request.headers()), bytes) else {
        return rate_limit::refuse(request).await;
    };
    let gives_way = taken.gives_way.clone();
    let Some(answer) = gives_way.run_until_cancelled(next.run(request)).await else {
        return rate_limit::exceeded();
    };
    if answer.body().is_end_stream() {
        return answer;
    }
    let (parts, body) = held(answer, taken).into_parts();
    let sent = body.into_data_stream().take_until(gives_way.cancelled_owned());
    Response::from_parts(parts, Body::from_stream(sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: u8, named: u8) -> Client {
        let peer_of = |address: [u8; 4]| Peer::of(address.into());
        (peer_of([10, 0, 0, peer]), Some(peer_of([10, 1, 0, named])))
    }

    /// Takes all that it gets, under as many names as it likes.
    fn greedy(room: &Room, peer: u8) -> Vec<Taken> {
        let mut held = Vec::new();
        for named in 0..20 {
            for bytes in [LARGEST_BODY, LEAST] {
                // More than there is room for would be a loop without end.
                held.extend(std::iter::from_fn(|| room.take(client(peer, named), bytes)).take(ALL / LEAST));
            }
        }
        held
    }

    fn of_peer(room: &Room, number: u8) -> usize {
        room.requests().sums(&[]).of(&client(number, 0)).0
    }

    fn of_all(room: &Room) -> usize {
        room.requests().sums(&[]).peers.values().sum()
    }

    #[test]
    fn newcomers_find_room() {
        let room = Room::default();
        let mut held = greedy(&room, 0);
        assert!(of_all(&room) <= ALL / 2 && of_all(&room) > ALL / 4);
        for peer in 1..100 {
            let first = room.take(client(peer, 0), LEAST);
            assert!(first.is_some(), "after {peer}");
            held.extend(first);
            held.extend(greedy(&room, peer));
            assert!(of_all(&room) <= ALL);
        }
        // Each has its share still.
        assert!((0..100).all(|peer| of_peer(&room, peer) >= LEAST));
        let gave_way = held.iter().filter(|taken| taken.gives_way.is_cancelled()).count();
        assert_eq!(held.len() - gave_way, room.requests().taken.len());
        drop(held);
        assert!(room.requests().taken.is_empty());
    }

    #[test]
    fn clients_of_one_peer_find_room() {
        let room = Room::default();
        let mut held = Vec::new();
        for named in 0..100 {
            let first = room.take(client(0, named), LEAST);
            assert!(first.is_some(), "after {named}");
            held.extend(first);
            held.extend(std::iter::from_fn(|| room.take(client(0, named), LARGEST_BODY)).take(ALL / LEAST));
        }
        assert!(of_all(&room) <= ALL / 2);
    }

    #[test]
    fn nobody_gives_way_to_one_that_takes_as_much() {
        let room = Room::default();
        let held: Vec<_> = (0..=255).filter_map(|peer| room.take(client(peer, 0), LEAST)).collect();
        assert!(room.take(client(0, 1), LARGEST_BODY).is_none());
        assert!(held.iter().all(|taken| !taken.gives_way.is_cancelled()));
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
