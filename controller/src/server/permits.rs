//! Places that are taken for a while: so many in all, and so many for each who takes them. Where there is none for a newcomer, one
//! gives way of whoever has most, or that was taken long ago: so nobody takes all, and no few do.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::header;
use axum::response::Response;
use futures::StreamExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a place is kept for whoever has no more than others.
const KEPT: Duration = Duration::from_secs(2);

/// An address that connects, as far as it counts as one: an IPv4 address, or the /64 of an IPv6 address, of which a host
/// can have every address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// The peer of an address. An IPv4 address that was mapped into IPv6 is the IPv4 address.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        })
    }
}

/// The places.
#[derive(Debug)]
pub(crate) struct Places<K> {
    all: usize,
    each: usize,
    /// In the order of their taking, and how many were ever taken.
    taken: Mutex<(Vec<Taken<K>>, u64)>,
}

#[derive(Debug)]
struct Taken<K> {
    number: u64,
    who: K,
    since: Instant,
    gives_way: CancellationToken,
}

impl<K: Clone + Eq + Hash> Places<K> {
    /// `all` places, of which one may take `each`.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            taken: Mutex::default(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, (Vec<Taken<K>>, u64)> {
        // No code panics while it holds the lock; if it did, the table would still be whole.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place until the result is dropped; `None`: there is none, or none for `who`. `gives_way` ends what it was taken
    /// for, when it is another's.
    pub(crate) fn take(self: &Arc<Self>, who: K, gives_way: CancellationToken) -> Option<Place<K>> {
        let (taken, number) = &mut *self.taken();
        let count = |who: &K| taken.iter().filter(|one| one.who == *who).count();
        let own = count(&who);
        if own >= self.each {
            return None;
        }
        if taken.len() >= self.all {
            // Of those that are alike, the oldest.
            let most = (0..taken.len())
                .rev()
                .max_by_key(|at| taken.get(*at).map(|one| count(&one.who)))?;
            let takes_more = taken.get(most).is_some_and(|one| count(&one.who) > own + 1);
            let is_old = taken.first().is_some_and(|one| one.since.elapsed() > KEPT);
            let at = if takes_more { most } else { is_old.then_some(0)? };
            taken.remove(at).gives_way.cancel();
        }
        *number += 1;
        taken.push(Taken {
            number: *number,
            who,
            since: Instant::now(),
            gives_way,
        });
        Some(Place {
            places: self.clone(),
            number: *number,
        })
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Place<K: Clone + Eq + Hash> {
    places: Arc<Places<K>>,
    number: u64,
}

impl<K: Clone + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        self.places.taken().0.retain(|one| one.number != self.number);
    }
}

/// An answer that keeps `place` until it has been sent: who does not read it takes room all the while.
pub(crate) fn held<T: Send + 'static>(answer: Response, place: T) -> Response {
    let Some(length) = answer.body().size_hint().exact().filter(|length| *length > 0) else {
        return answer;
    };
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(header::CONTENT_LENGTH, length.into());
    let sent = body.into_data_stream().map(move |chunk| {
        let _until_the_stream_ends = &place;
        chunk
    });
    Response::from_parts(parts, Body::from_stream(sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_all_and_all_take_no_more_than_there_are() {
        let places = Places::new(5, 2);
        let take = |who| {
            let ends = CancellationToken::new();
            places.take(who, ends.clone()).map(|place| (place, ends))
        };
        let mut held: Vec<_> = ["a", "a", "b", "c", "d"].map(|who| take(who).unwrap()).into();
        assert!(take("a").is_none(), "a third one");
        assert!(take("b").is_none(), "nobody has more than it would");
        let newcomer = take("e").expect("who has two gives way");
        let given_way = |held: &[(_, CancellationToken)]| -> Vec<bool> {
            held.iter()
                .map(|(_, ends): &(Place<&str>, _)| ends.is_cancelled())
                .collect()
        };
        assert_eq!(given_way(&held), [true, false, false, false, false]);
        held.remove(0);
        assert_eq!(places.taken().0.len(), 5);
        assert!(take("f").is_none(), "all have one");
        tokio::time::advance(2 * KEPT).await;
        held.push(take("f").expect("the oldest gives way"));
        assert_eq!(given_way(&held), [true, false, false, false, false]);
        drop((held, newcomer));
        assert!(places.taken().0.is_empty());
    }

    #[test]
    fn a_host_with_many_addresses_is_one_peer() {
        let peer = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:2"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
    }
}
