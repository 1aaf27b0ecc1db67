//! The rate limit of an endpoint: the generic cell rate algorithm, one bucket for each client, with the headers that
//! the reference sends.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Buckets that are kept (the reference's number); clients beyond share one.
const BUCKETS: usize = 65_536;
/// Longest name of a client that gets a bucket of its own. The header is the client's to choose.
const LONGEST_NAME: usize = 256;

/// Who asks: the last address is the one that the API server's proxy saw and added; what stands before it is the
/// client's to choose. Without the header, everybody is one client.
const CLIENT: &str = "x-forwarded-for";

/// The limit and its buckets.
#[derive(Debug)]
pub(crate) struct Limiter {
    interval: Duration,
    limit: u32,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    /// For each client, when its bucket is full again.
    full_at: HashMap<String, Instant>,
    /// When full buckets were forgotten last.
    swept: Option<Instant>,
}

impl Buckets {
    /// Forgets full buckets when the table is full; at most once a second, since a crowd would make every request walk
    /// the table.
    fn sweep(&mut self, now: Instant) {
        let lately = self
            .swept
            .is_some_and(|swept| now.saturating_duration_since(swept) < Duration::from_secs(1));
        if self.full_at.len() >= BUCKETS && !lately {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.swept = Some(now);
        }
    }
}

/// What a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verdict {
    allowed: bool,
    limit: u32,
    remaining: u32,
    reset: Duration,
    retry_after: Option<Duration>,
}

impl Limiter {
    /// `rate` requests a second and, in a burst, `burst` more.
    pub(crate) fn new(rate: NonZeroU32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.get();
        Self {
            interval,
            limit: burst.saturating_add(1),
            buckets: Mutex::default(),
        }
    }

    fn check(&self, client: &str, now: Instant) -> Verdict {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.sweep(now);
        let table = &mut buckets.full_at;
        let crowded = table.len() >= BUCKETS && !table.contains_key(client);
        let full_at = table
            .entry(if crowded { String::new() } else { client.to_owned() })
            .or_insert(now);
        let verdict = self.judge((*full_at).saturating_duration_since(now));
        if verdict.allowed {
            *full_at = now + verdict.reset;
        }
        verdict
    }

    /// The algorithm: `missing` is the time until the bucket is full, and a request takes one interval out of it.
    fn judge(&self, missing: Duration) -> Verdict {
        let tolerance = self.interval.saturating_mul(self.limit);
        let after = missing + self.interval;
        let allowed = after <= tolerance;
        let reset = if allowed { after } else { missing };
        let left = tolerance.saturating_sub(reset).as_nanos() / self.interval.as_nanos().max(1);
        Verdict {
            allowed,
            limit: self.limit,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset,
            retry_after: (!allowed).then(|| after - tolerance),
        }
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

/// Lets a request through or answers 429 `limit exceeded`.
pub(crate) async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    let verdict = limiter.check(client(request.headers()), Instant::now());
    let mut response = if verdict.allowed {
        next.run(request).await
    } else {
        exceeded()
    };
    headers(response.headers_mut(), &verdict);
    response
}

/// Who asks, at most [`LONGEST_NAME`] bytes; empty for nobody in particular.
pub(crate) fn client(headers: &HeaderMap) -> &str {
    let told = headers.get_all(CLIENT).into_iter().next_back();
    let told = told.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = told.rsplit(',').next().unwrap_or_default().trim();
    if named.len() > LONGEST_NAME { "" } else { named }
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

    #[test]
    fn the_references_numbers() {
        let limiter = limiter();
        let start = Instant::now();
        let told = |at: u64| {
            let verdict = limiter.check("a", start + Duration::from_millis(at));
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
            client(&headers).to_owned()
        };
        assert_eq!(named(&["10.0.0.7"]), "10.0.0.7");
        assert_eq!(named(&["made up, 1.2.3.4, 10.0.0.7"]), "10.0.0.7");
        assert_eq!(named(&["made up", "1.2.3.4,10.0.0.7"]), "10.0.0.7");
        assert_eq!(named(&["made up, \u{e4}"]), "", "not text: nobody");
        assert_eq!(named(&[&"1".repeat(LONGEST_NAME + 1)]), "", "too long to be an address");
        assert_eq!(named(&[]), "");
    }

    #[test]
    fn clients_have_buckets_of_their_own() {
        let limiter = limiter();
        let now = Instant::now();
        for _ in 0..3 {
            assert!(limiter.check("a", now).allowed);
        }
        assert!(!limiter.check("a", now).allowed);
        assert!(limiter.check("b", now).allowed);
    }

    #[test]
    fn the_table_is_bounded_and_a_crowd_shares_a_bucket() {
        let limiter = limiter();
        let now = Instant::now();
        let allowed = (0..2 * BUCKETS)
            .filter(|n| limiter.check(&n.to_string(), now).allowed)
            .count();
        assert_eq!(allowed, BUCKETS + 3);
        assert!(limiter.buckets.lock().unwrap().full_at.len() <= BUCKETS + 1);
        assert!(
            limiter.check("later", now + Duration::from_secs(5)).allowed,
            "full buckets are forgotten"
        );
        assert!(limiter.buckets.lock().unwrap().full_at.len() < 10);
    }
}
