//! The connections of a port. When there are too many, the one that has been idle longest is given up for the next: whoever
//! holds many idle ones keeps nobody out who asks at once, as a probe does.

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
    /// Counts what any of them reads and writes, which orders them.
    clock: Arc<AtomicU64>,
    open: Mutex<HashMap<u64, (Peer, Arc<Pulse>)>>,
}

/// The life of one connection.
#[derive(Debug)]
pub(crate) struct Pulse {
    clock: Arc<AtomicU64>,
    last: AtomicU64,
    /// Requests that have no answer yet.
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

    /// Something was read or written.
    pub(crate) fn beat(&self) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Ends when the connection is to be closed for another.
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// Idle connections before those with a request, then the longest idle ones first.
    fn worth(&self) -> (bool, u64) {
        let in_request = self.requests.load(Ordering::Relaxed) > 0;
        (in_request, self.last.load(Ordering::Relaxed))
    }
}

/// Notes that a connection has a request while it is answered.
pub(crate) async fn in_request(Extension(pulse): Extension<Arc<Pulse>>, request: Request, next: Next) -> Response {
    /// Ends with the answer, or with the connection.
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
    /// `all` at a time, of which one peer may have `each`.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            clock: Arc::default(),
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, (Peer, Arc<Pulse>)>> {
        // No code panics while it holds the lock; if it did, the table would still be whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new connection in, until the result is dropped.
    pub(crate) fn admit(self: &Arc<Self>, peer: Peer) -> Admitted {
        let pulse = Pulse::new(&self.clock);
        let id = pulse.last.load(Ordering::Relaxed);
        let mut open = self.open();
        let own = open.values().filter(|(other, _)| *other == peer).count();
        if own >= self.each || open.len() >= self.all {
            // Where the peer has its share, one of its own makes room.
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

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Admitted {
    connections: Arc<Connections>,
    id: u64,
    /// Its life.
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
