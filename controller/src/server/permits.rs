//! Who takes room, and for how long.

use std::net::{IpAddr, Ipv6Addr};

use axum::body::{Body, HttpBody as _};
use axum::http::header;
use axum::response::Response;
use futures::StreamExt as _;

/// The address of a peer: an IPv4 address, or the /64 of an IPv6 address, all of whose addresses one host can have. In our own
/// /64 it is the /80: in some clusters (EKS) a node has a /80 of it for its Pods, beside the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// The peer of an address. A mapped IPv4 address counts as IPv4.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
            address => address,
        })
    }

    /// The peer of an address that connects to `own`.
    pub(crate) fn at(own: IpAddr, address: IpAddr) -> Self {
        match (address.to_canonical(), Self::of(address) == Self::of(own)) {
            (IpAddr::V6(address), true) => Self(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 48)).into()),
            _ => Self::of(address),
        }
    }
}

/// An answer that holds `place` until it has been sent, so a client that does not read it keeps its place.
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
    fn a_host_with_many_addresses_is_one_peer() {
        let peer = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:2"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
    }

    #[test]
    fn the_api_server_in_our_subnet_is_another_peer_than_the_pods_of_a_node() {
        let at = |text: &str| Peer::at("2001:db8::aaaa:0:0:1".parse().unwrap(), text.parse().unwrap());
        assert_eq!(at("2001:db8::aaaa:0:0:2"), at("2001:db8::aaaa:0:0:3"));
        assert_ne!(at("2001:db8::aaaa:0:0:2"), at("2001:db8::bbbb:1:2:3"));
        assert_eq!(at("2001:db8:0:1:aaaa::2"), at("2001:db8:0:1:bbbb::2"));
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
    }
}
