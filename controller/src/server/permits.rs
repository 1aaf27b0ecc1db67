//! Places that are taken for a while: so many in all, and so many for each who takes them, so that nobody takes all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::http::header;
use axum::response::Response;
use futures::StreamExt as _;

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

/// The places. The table never has more entries than there are places.
#[derive(Debug)]
pub(crate) struct Places<K> {
    all: usize,
    each: usize,
    taken: Mutex<HashMap<K, usize>>,
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

    fn taken(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // No code panics while it holds the lock; if it did, the table would still be whole.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place until the result is dropped; `None`: there is none, or none for `who`.
    pub(crate) fn take(self: &Arc<Self>, who: K) -> Option<Place<K>> {
        let mut taken = self.taken();
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&who).copied().unwrap_or(0));
        if all >= self.all || own >= self.each {
            return None;
        }
        taken.insert(who.clone(), own + 1);
        let places = self.clone();
        Some(Place { places, who })
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Place<K: Clone + Eq + Hash> {
    places: Arc<Places<K>>,
    who: K,
}

impl<K: Clone + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.places.taken().entry(self.who.clone()) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
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

    #[test]
    fn nobody_takes_all_and_all_take_no_more_than_there_are() {
        let places = Places::new(5, 2);
        let mut held: Vec<_> = ["a", "a", "b"].map(|who| places.take(who).unwrap()).into();
        assert!(places.take("a").is_none(), "a third one");
        held.push(places.take("b").unwrap());
        held.push(places.take("c").unwrap());
        assert!(places.take("d").is_none(), "a sixth one");
        held.remove(0);
        assert!(places.take("d").is_some());
        assert!(places.take("a").is_some(), "given back");
        drop(held);
        assert!(places.taken().is_empty());
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
