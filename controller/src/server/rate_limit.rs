//! The rate limit of an endpoint: one bucket for each client, with the headers that the reference sends.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;

use super::permits::Peer;
use crate::buckets::{Buckets, Rate, Verdict};

/// The number of buckets (the reference's); further clients share one.
const BUCKETS: usize = 65_536;
/// The rate of one peer, in clients: the API server stands for many. A peer that connects directly can name any number of
/// clients, and gains nothing by it.
const CLIENTS_OF_A_PEER: u32 = 50;

/// How long the body of a refused request may take to arrive.
const PASSED_OVER: Duration = Duration::from_millis(250);

/// Header with the client: its last address was added by the API server's proxy; the client chooses what comes before it.
const CLIENT: &str = "x-forwarded-for";

/// A client: the peer, and the address that it stands for.
pub(crate) type Client = (Peer, Option<Peer>);

/// The limit and its buckets.
#[derive(Debug)]
pub(crate) struct Limiter {
    client: Rate,
    peer: Rate,
    buckets: Mutex<(Buckets<Client>, Buckets<Peer>)>,
}

impl Limiter {
    /// `rate` requests a second and, in a burst, `burst` more.
    pub(crate) fn new(rate: NonZeroU32, burst: u32) -> Self {
        let client = Rate {
            interval: Duration::from_secs(1) / rate.get(),
            limit: burst.saturating_add(1),
        };
        Self {
            client,
            peer: Rate {
                interval: client.interval / CLIENTS_OF_A_PEER,
                limit: client.limit.saturating_mul(CLIENTS_OF_A_PEER),
            },
            buckets: Mutex::new((Buckets::new(BUCKETS), Buckets::new(BUCKETS))),
        }
    }

    fn check(&self, client: Client, now: Instant) -> Verdict {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (clients, peers) = &mut *buckets;
        // First, so that names that a peer makes up fill the table no faster than the peer may send requests.
        let peer_full_at = peers.full_at(client.0, now);
        let peer = self.peer.judge(*peer_full_at - now);
        if !peer.allowed {
            return Verdict {
                limit: self.client.limit,
                ..peer
            };
        }
        let own_full_at = clients.full_at(client, now);
        let own = self.client.judge(*own_full_at - now);
        if !own.allowed {
            return own;
        }
        *own_full_at = now + own.reset;
        *peer_full_at = now + peer.reset;
        own
    }
}

/// 429, and when to come back: client-go then tries again by itself.
pub(crate) fn exceeded() -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::RETRY_AFTER, "1")],
        "limit exceeded\n",
    )
        .into_response()
}

/// As [`exceeded`], for a request with a body, which is read and dropped: a client that is still sending when its connection is
/// closed never sees the answer.
pub(crate) async fn refuse(request: Request) -> Response {
    let mut chunks = request.into_body().into_data_stream();
    let passed_over = async { while let Some(Ok(_)) = chunks.next().await {} };
    // A slow body is not waited for.
    let _ = tokio::time::timeout(PASSED_OVER, passed_over).await;
    exceeded()
}

/// Lets a request through or answers 429 `limit exceeded`.
pub(crate) async fn limit(
    State(limiter): State<Arc<Limiter>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let verdict = limiter.check(client(peer, request.headers()), Instant::now());
    let mut response = if verdict.allowed {
        next.run(request).await
    } else {
        refuse(request).await
    };
    headers(response.headers_mut(), &verdict);
    response
}

/// The client. If the header holds no address, the peer stands for itself.
pub(crate) fn client(peer: Peer, headers: &HeaderMap) -> Client {
    let told = headers.get_all(CLIENT).into_iter().next_back();
    let told = told.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = told.rsplit(',').next().unwrap_or_default().trim();
    (peer, named.parse::<IpAddr>().ok().map(Peer::of))
}

fn headers(headers: &mut HeaderMap, verdict: &Verdict) {
    let seconds = |duration: Duration| duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    headers.insert("x-ratelimit-limit", verdict.limit.into());
    headers.insert("x-ratelimit-remaining", verdict.remaining.into());
    headers.insert("x-ratelimit-reset", HeaderValue::from(seconds(verdict.reset)));
    if let Some(pause) = verdict.retry_after {
        headers.insert("retry-after", HeaderValue::from(seconds(pause)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(NonZeroU32::new(2).unwrap(), 2)
    }

    /// A peer, or a client of one.
    fn peer(number: u32) -> Peer {
        Peer::of(IpAddr::V4(number.into()))
    }

    #[test]
    fn the_references_numbers() {
        let limiter = limiter();
        let start = Instant::now();
        let told = |at: u64| {
            let verdict = limiter.check((peer(1), None), start + Duration::from_millis(at));
            (
                verdict.allowed,
                verdict.limit,
                verdict.remaining,
                verdict.reset.as_millis(),
                verdict.retry_after.map(|d| d.as_millis()),
            )
        };
        assert_eq!(told(0), (true, 3, 2, 500, None));
        assert_eq!(told(0), (true, 3, 1, 1000, None));
        assert_eq!(told(0), (true, 3, 0, 1500, None));
        assert_eq!(told(0), (false, 3, 0, 1500, Some(500)));
        assert_eq!(told(100), (false, 3, 0, 1400, Some(400)));
        assert_eq!(told(500), (true, 3, 0, 1500, None));
        assert_eq!(told(10_000), (true, 3, 2, 500, None));
    }

    #[test]
    fn a_client_cannot_choose_its_name() {
        let named = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CLIENT, HeaderValue::from_str(value).unwrap());
            }
            client(peer(1), &headers).1
        };
        let seen = Some(Peer::of([10, 0, 0, 7].into()));
        assert_eq!(named(&["10.0.0.7"]), seen);
        assert_eq!(named(&["made up, 1.2.3.4, 10.0.0.7"]), seen);
        assert_eq!(named(&["made up", "1.2.3.4,10.0.0.7"]), seen);
        assert_eq!(named(&["10.0.0.7, made up"]), None);
        assert_eq!(named(&["10.0.0.7", "\u{e4}"]), None);
        assert_eq!(
            named(&["2001:db8::1"]),
            named(&["2001:db8::2"]),
            "one host has all of a /64"
        );
        assert_eq!(named(&[]), None);
    }

    #[test]
    fn clients_and_peers_have_buckets_of_their_own() {
        let limiter = limiter();
        let now = Instant::now();
        let (a, b) = ((peer(1), Some(peer(7))), (peer(1), Some(peer(8))));
        for _ in 0..3 {
            assert!(limiter.check(a, now).allowed);
        }
        assert!(!limiter.check(a, now).allowed);
        assert!(limiter.check(b, now).allowed);
        assert!(limiter.check((peer(1), None), now).allowed);
        assert!(
            limiter.check((peer(2), Some(peer(7))), now).allowed,
            "another peer's client"
        );
    }

    #[test]
    fn names_buy_a_peer_a_bounded_rate() {
        let limiter = limiter();
        let now = Instant::now();
        let allowed = |from: u32, count: u32, now| {
            let clients = (from..from + count).map(|number| (peer(1), Some(peer(number))));
            clients.filter(|client| limiter.check(*client, now).allowed).count()
        };
        assert_eq!(allowed(0, 1000, now), 150, "fifty clients' bursts");
        let refused = limiter.check((peer(1), Some(peer(5000))), now);
        assert_eq!((refused.limit, refused.remaining), (3, 0));
        assert!(refused.retry_after.is_some());
        let names = limiter.buckets.lock().unwrap().0.len();
        assert_eq!(names, 150, "a name that is refused takes no place");
        assert_eq!(
            allowed(2000, 1000, now + Duration::from_secs(1)),
            100,
            "fifty clients' rate"
        );
        assert!(limiter.check((peer(2), None), now).allowed, "another peer");
    }

    #[test]
    fn the_table_is_bounded_and_a_crowd_shares_a_bucket() {
        let limiter = limiter();
        let now = Instant::now();
        let clients = 2 * u32::try_from(BUCKETS).unwrap();
        let allowed = (0..clients)
            .filter(|n| limiter.check((peer(*n), None), now).allowed)
            .count();
        assert_eq!(allowed, BUCKETS + 3);
        let lengths = || {
            let buckets = limiter.buckets.lock().unwrap();
            (buckets.0.len(), buckets.1.len())
        };
        assert!(lengths().0 <= BUCKETS + 1 && lengths().1 <= BUCKETS + 1);
        let later = now + Duration::from_secs(5);
        assert!(
            limiter.check((peer(clients), None), later).allowed,
            "full buckets are forgotten"
        );
        assert!(lengths().0 < 10 && lengths().1 < 10);
    }
}
