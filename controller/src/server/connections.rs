//! The connections of a port. When there are too many, the one that has been idle longest is closed for the new one. So many idle
//! connections do not keep out new requests, such as probes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Extension, Request};
use axum::middleware::Next;
use axum::response::Response;
use tokio_util::sync::CancellationToken;

use super::permits::Peer;

/// The open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    all: usize,
    each: usize,
    /// Counts reads and writes of all connections, which orders them.
    clock: Arc<AtomicU64>,
    open: Mutex<HashMap<u64, (Peer, Arc<Pulse>)>>,
}

/// The activity of one connection.
#[derive(Debug)]
pub(crate) struct Pulse {
    clock: Arc<AtomicU64>,
    last: AtomicU64,
    /// Requests without an answer.
    requests: AtomicUsize,
    given_up: CancellationToken,
}

impl Pulse {
    fn new(clock: &Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self {
            last: AtomicU64::new(clock.fetch_add(1, Ordering::Relaxed)),
            clock: clock.clone(),
            requests: AtomicUsize::new(0),
            given_up: CancellationToken::new(),
        })
    }

    /// Notes that something was read or written.
    pub(crate) fn beat(&self) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Completes when the connection must be closed for another.
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// Idle connections before those with a request, then those that have been idle longest.
    fn worth(&self) -> (bool, u64) {
        let in_request = self.requests.load(Ordering::Relaxed) > 0;
        (in_request, self.last.load(Ordering::Relaxed))
    }
}

/// Counts a request on a connection until it is answered.
pub(crate) async fn in_request(Extension(pulse): Extension<Arc<Pulse>>, request: Request, next: Next) -> Response {
    /// Dropped with the answer, or with the connection.
    struct Held(Arc<Pulse>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.requests.fetch_sub(1, Ordering::Relaxed);
        }
    }
    pulse.requests.fetch_add(1, Ordering::Relaxed);
    let _held = Held(pulse);
    next.run(request).await
}

impl Connections {
    /// `all` connections at a time, of which one peer may have `each`.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            clock: Arc::default(),
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, (Peer, Arc<Pulse>)>> {
        // No code panics while it holds the lock, and every step leaves the table consistent.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection, until the result is dropped.
    pub(crate) fn admit(self: &Arc<Self>, peer: Peer) -> Admitted {
        let pulse = Pulse::new(&self.clock);
        let id = pulse.last.load(Ordering::Relaxed);
        let mut open = self.open();
        let own = open.values().filter(|(other, _)| *other == peer).count();
        if own >= self.each || open.len() >= self.all {
            // If the peer has its share, one of its own connections is closed.
            let candidates = open.iter().filter(|(_, (other, _))| own < self.each || *other == peer);
            let least = candidates
                .min_by_key(|(_, (_, pulse))| pulse.worth())
                .map(|(id, _)| *id);
            if let Some((_, pulse)) = least.and_then(|id| open.remove(&id)) {
                pulse.given_up.cancel();
            }
        }
        open.insert(id, (peer, pulse.clone()));
        drop(open);
        Admitted {
            connections: self.clone(),
            id,
            pulse,
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Admitted {
    connections: Arc<Connections>,
    id: u64,
    /// Its activity.
    pub pulse: Arc<Pulse>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.open().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::of([10, 0, 0, last].into())
    }

    fn is_open(connection: &Admitted) -> bool {
        !connection.pulse.given_up.is_cancelled()
    }

    #[test]
    fn longest_idle_connection_makes_room() {
        let connections = Connections::new(3, 2);
        let first = connections.admit(peer(1));
        let second = connections.admit(peer(1));
        first.pulse.beat();
        let third = connections.admit(peer(2));
        let fourth = connections.admit(peer(3));
        assert!(is_open(&first) && !is_open(&second) && is_open(&third));
        third.pulse.beat();
        first.pulse.requests.fetch_add(1, Ordering::Relaxed);
        let fifth = connections.admit(peer(4));
        assert!(is_open(&first), "it has a request");
        assert!(!is_open(&fourth) && is_open(&third) && is_open(&fifth));
        drop((second, fourth));
        assert_eq!(connections.open().len(), 3);
        drop((first, third, fifth));
        assert!(connections.open().is_empty());
    }

    #[test]
    fn one_peer_makes_room_among_its_own() {
        let connections = Connections::new(9, 2);
        let other = connections.admit(peer(2));
        let held: Vec<_> = (0..3).map(|_| connections.admit(peer(1))).collect();
        assert!(is_open(&other));
        assert_eq!(held.iter().map(is_open).collect::<Vec<_>>(), [false, true, true]);
    }
}
