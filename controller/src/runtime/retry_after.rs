//! `Retry-After`: an API server, or what stands before it, that has too much to do says when to come again.
//!
//! The header does not get through kube, so that what it says is put into the answer's Status. An answer to a read is held
//! back for that long: a watch that failed would else be asked for again at once. One to a write is not, since a webhook of
//! one tenant may have given it: that object alone waits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};

use serde_json::json;
use tower::{BoxError, Layer, Service};

/// Longest time for which an answer is held back: well below the time after which no answer is expected any more.
const LONGEST_HOLD: u32 = 20;

/// Reads the header of every answer.
pub(super) struct RetryAfterLayer;

impl<S> Layer<S> for RetryAfterLayer {
    type Service = RetryAfter<S>;

    fn layer(&self, inner: S) -> RetryAfter<S> {
        RetryAfter(inner)
    }
}

pub(super) struct RetryAfter<S>(S);

impl<S, A, B> Service<Request<A>> for RetryAfter<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: axum::body::HttpBody<Data = axum::body::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let reads = request.method() == Method::GET;
        let sent = self.0.call(request);
        Box::pin(async move {
            let answer = sent.await.map_err(Into::into)?;
            let Some(seconds) = asked_pause(&answer) else {
                return Ok(answer.map(Body::new));
            };
            if reads {
                tokio::time::sleep(Duration::from_secs(seconds.min(LONGEST_HOLD).into())).await;
            }
            Ok(too_many(seconds))
        })
    }
}

/// After how many seconds to come again, if the answer says so.
fn asked_pause<B>(answer: &Response<B>) -> Option<u32> {
    let said = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok();
    said.filter(|_| answer.status() == StatusCode::TOO_MANY_REQUESTS)
}

fn too_many(seconds: u32) -> Response<Body> {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 429, "reason": "TooManyRequests",
        "message": format!("the API server answers 429: too many requests, retry after {seconds} s"),
        "details": {"retryAfterSeconds": seconds},
    });
    let mut answer = Response::new(Body::from(status.to_string()));
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio::time::Instant;

    use super::*;

    async fn asked(method: Method, status: u16, retry_after: Option<&str>) -> (Response<Body>, u64) {
        let inner = tower::service_fn(move |_: Request<()>| {
            let mut answer = Response::new(Body::from("Too many requests, please try again later."));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(value) = retry_after {
                answer.headers_mut().insert(RETRY_AFTER, value.parse().unwrap());
            }
            async move { Ok::<_, Infallible>(answer) }
        });
        let request = Request::builder().method(method).body(()).unwrap();
        let start = Instant::now();
        let answer = RetryAfterLayer.layer(inner).call(request).await.unwrap();
        (answer, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_header_is_told_and_reads_are_held_back() {
        for (method, held) in [(Method::GET, 7), (Method::PUT, 0)] {
            let (answer, took) = asked(method, 429, Some("7")).await;
            let body = axum::body::to_bytes(answer.into_body(), 9999).await.unwrap();
            let status: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((took, &status["details"]["retryAfterSeconds"]), (held, &json!(7)));
        }
        assert_eq!(asked(Method::GET, 429, Some("3600")).await.1, u64::from(LONGEST_HOLD));
        for (status, header) in [
            (200, Some("7")),
            (429, None),
            (429, Some("Wed, 21 Oct 2015 07:28:00 GMT")),
        ] {
            let (answer, took) = asked(Method::GET, status, header).await;
            assert_eq!((answer.status().as_u16(), took), (status, 0), "{header:?}");
        }
    }
}
