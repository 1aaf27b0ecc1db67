//! Requests of whose answers no more than so much is read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use futures::StreamExt as _;
use thiserror::Error;
use tower::{BoxError, Layer, Service};

/// A bound on one answer, as an extension of its request.
#[derive(Debug, Clone)]
pub(crate) struct AtMost {
    left: Arc<AtomicUsize>,
}

/// An answer was given up.
#[derive(Debug, Error)]
#[error("the answer is larger than was wanted")]
pub(crate) struct TooLarge;

impl AtMost {
    /// So many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let left = Arc::new(AtomicUsize::new(bytes.saturating_add(1)));
        Self { left }
    }

    /// Whether the answer had more.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Counts what was read.
    ///
    /// # Errors
    /// It is more than was wanted.
    pub(crate) fn read(&self, bytes: usize) -> Result<(), TooLarge> {
        let less = |left: usize| Some(left.saturating_sub(bytes));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if self.is_exceeded() { Err(TooLarge) } else { Ok(()) }
    }
}

/// Gives answers up where their requests say so.
#[derive(Debug, Clone)]
pub(crate) struct AtMostLayer;

impl<S> Layer<S> for AtMostLayer {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded(inner)
    }
}

pub(crate) struct Bounded<S>(S);

impl<S, A, B> Service<Request<A>> for Bounded<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let bound = request.extensions().get::<AtMost>().cloned();
        let sent = self.0.call(request);
        Box::pin(async move {
            let answer = sent.await?.map(Body::new);
            Ok(match bound {
                Some(bound) => answer.map(|body| bounded(body, bound)),
                None => answer,
            })
        })
    }
}

fn bounded(body: Body, bound: AtMost) -> Body {
    Body::from_stream(body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(BoxError::from)?;
        bound.read(chunk.len())?;
        Ok::<_, BoxError>(chunk)
    }))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test]
    async fn an_answer_ends_where_it_becomes_too_large() {
        let server =
            tower::service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Body::from(vec![7; 1000]))) });
        let mut client = AtMostLayer.layer(server);
        for (most, fits) in [(999, false), (1000, true)] {
            let bound = AtMost::new(most);
            let mut request = Request::new(());
            request.extensions_mut().insert(bound.clone());
            let answer = client.call(request).await.unwrap();
            let read = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
            assert_eq!((read.is_ok(), bound.is_exceeded()), (fits, !fits));
        }
        let answer = client.call(Request::new(())).await.unwrap();
        assert!(axum::body::to_bytes(answer.into_body(), usize::MAX).await.is_ok());
    }
}
