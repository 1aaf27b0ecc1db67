//! The fence before writes: a replica that does not lead sends none, whoever in it asks.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Method, Request};
use thiserror::Error;
use tower::{BoxError, Layer, Service};

use super::leadership::Leadership;

/// The Lease itself is the way to leadership.
const LEASES: &str = "/apis/coordination.k8s.io/";

/// A write that was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this replica does not lead")]
pub(crate) struct NotLeading;

/// Whether a request may be sent only by the leader.
fn is_fenced(method: &Method, path: &str) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    !reads && !path.starts_with(LEASES)
}

/// Whether a request belongs to the election, which must not wait in line behind the leader's work.
pub(crate) fn is_election<B>(request: &Request<B>) -> bool {
    request.uri().path().starts_with(LEASES)
}

/// Puts the fence in front of a client.
pub(crate) struct FenceLayer(pub Leadership);

impl<S> Layer<S> for FenceLayer {
    type Service = Fence<S>;

    fn layer(&self, inner: S) -> Fence<S> {
        Fence {
            inner,
            leadership: self.0.clone(),
        }
    }
}

/// A client behind the fence.
pub(crate) struct Fence<S> {
    inner: S,
    leadership: Leadership,
}

impl<S, B> Service<Request<B>> for Fence<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let fenced = is_fenced(request.method(), request.uri().path()).then(|| self.leadership.clone());
        // Nothing is sent before the future is polled, so the question is asked in the last moment.
        let sent = self.inner.call(request);
        Box::pin(async move {
            if fenced.is_some_and(|leadership| !leadership.leads()) {
                return Err(NotLeading.into());
            }
            sent.await.map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::leadership::Standing;
    use super::*;

    /// Whether a request gets through the fence of a replica that stands so.
    async fn gets_through(standing: Standing, method: Method, path: &str) -> bool {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = sent.clone();
        let inner = tower::service_fn(move |_: Request<()>| {
            let counted = counted.clone();
            async move {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(())
            }
        });
        let (_election, leadership) = Leadership::new(standing);
        let mut fence = FenceLayer(leadership).layer(inner);
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        let answer = fence.call(request).await;
        assert_eq!(answer.is_ok(), sent.load(Ordering::Relaxed) == 1);
        answer.is_ok()
    }

    #[tokio::test]
    async fn a_follower_reads_and_stands_for_election_and_writes_nothing() {
        let secrets = "/api/v1/namespaces/a/secrets";
        let lease = "/apis/coordination.k8s.io/v1/namespaces/a/leases/b";
        for (method, path, passes) in [
            (Method::GET, secrets, true),
            (Method::POST, secrets, false),
            (Method::PUT, secrets, false),
            (Method::PATCH, secrets, false),
            (Method::DELETE, secrets, false),
            (Method::PUT, lease, true),
            (Method::POST, lease, true),
            (
                Method::PUT,
                "/api/v1/namespaces/a/secrets/apis/coordination.k8s.io/",
                false,
            ),
        ] {
            assert_eq!(
                gets_through(Standing::Follows, method.clone(), path).await,
                passes,
                "{method} {path}"
            );
            assert!(
                gets_through(Standing::Alone, method.clone(), path).await,
                "{method} {path}"
            );
        }
    }
}
