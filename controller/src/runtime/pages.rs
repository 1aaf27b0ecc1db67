//! Lists in pages that fit into memory. How many objects a page has is for the client to say, and how large they are for
//! tenants: a page that is too large is given up, and the list is asked for again in smaller ones.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response, Uri};
use futures::StreamExt as _;
use thiserror::Error;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

/// Largest page, in bytes, that more than [`FEWEST`] objects may take.
const LARGEST: usize = 16 << 20;
/// A page of so few is taken whatever its size; the API server bounds that of an object.
const FEWEST: u32 = 10;
/// How many times smaller the next pages are after one that was too large.
const SMALLER: u32 = 5;

/// A page was given up.
#[derive(Debug, Error)]
#[error("a page of {objects} objects takes more than {LARGEST} bytes; asking for {next} at a time")]
struct TooLarge {
    objects: u32,
    next: u32,
}

/// How long pages stay small once one was too large: longer than a list in small pages takes, which would else begin anew.
const STAY_SMALL: Duration = Duration::from_secs(3600);

/// Bounds the pages of all lists, which stay small for [`STAY_SMALL`] once one was too large.
#[derive(Debug, Clone)]
pub(super) struct PagesLayer(Arc<Mutex<Most>>);

impl PagesLayer {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }
}

/// The most objects in a page, and until when; none: as many as the client asks for.
#[derive(Debug, Default)]
struct Most(Option<(u32, Instant)>);

impl Most {
    fn now(&mut self) -> u32 {
        self.0 = self.0.filter(|(_, until)| Instant::now() < *until);
        self.0.map_or(u32::MAX, |(most, _)| most)
    }

    fn lower(&mut self, most: u32) {
        self.0 = Some((most.min(self.now()), Instant::now() + STAY_SMALL));
    }
}

impl<S> Layer<S> for PagesLayer {
    type Service = Pages<S>;

    fn layer(&self, inner: S) -> Pages<S> {
        Pages {
            inner,
            most: self.0.clone(),
        }
    }
}

pub(super) struct Pages<S> {
    inner: S,
    most: Arc<Mutex<Most>>,
}

impl<S, A, B> Service<Request<A>> for Pages<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let page = page(request.uri(), lock(&self.most).now());
        if let Some((_, uri)) = &page {
            *request.uri_mut() = uri.clone();
        }
        let sent = self.inner.call(request);
        let most = self.most.clone();
        Box::pin(async move {
            let answer = sent.await?.map(Body::new);
            Ok(match page {
                Some((objects, _)) if objects > FEWEST => answer.map(|body| bounded(body, objects, most)),
                _ => answer,
            })
        })
    }
}

fn lock(most: &Mutex<Most>) -> MutexGuard<'_, Most> {
    most.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many objects are asked for, and where, if this is a page of a list: `most` at most.
fn page(uri: &Uri, most: u32) -> Option<(u32, Uri)> {
    let query = uri.query()?;
    if query.split('&').any(|part| part == "watch=true") {
        return None;
    }
    let limit = query.split('&').find_map(|part| part.strip_prefix("limit="))?;
    let objects = limit.parse::<u32>().ok()?;
    let fewer = objects.min(most);
    let query = query.replacen(&format!("limit={limit}"), &format!("limit={fewer}"), 1);
    let uri = format!("{}?{query}", uri.path());
    Some((fewer, uri.parse().ok()?))
}

/// The body of a page, which ends with an error when it becomes too large.
fn bounded(body: Body, objects: u32, most: Arc<Mutex<Most>>) -> Body {
    let mut read = 0_usize;
    Body::from_stream(body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(BoxError::from)?;
        read += chunk.len();
        if read <= LARGEST {
            return Ok(chunk);
        }
        let next = (objects / SMALLER).max(FEWEST);
        lock(&most).lower(next);
        Err(BoxError::from(TooLarge { objects, next }))
    }))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_pages_are_given_up_and_smaller_ones_asked_for() {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = asked.clone();
        // Objects of 1 MiB.
        let server = tower::service_fn(move |request: Request<()>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let objects = page(request.uri(), u32::MAX).map_or(0, |(objects, _)| objects as usize);
            seen.lock().unwrap().push(query);
            let chunks =
                futures::stream::iter((0..objects).map(|_| Ok::<_, Infallible>(Bytes::from(vec![0; 1 << 20]))));
            async move { Ok::<_, Infallible>(Response::new(Body::from_stream(chunks))) }
        });
        let mut pages = PagesLayer::new().layer(server);
        let mut ask = async |query: &str| {
            let request = Request::get(format!("/api/v1/secrets?{query}")).body(()).unwrap();
            let answer = pages.call(request).await.unwrap();
            let mut body = answer.into_body().into_data_stream();
            let mut read = 0;
            while let Some(chunk) = body.next().await {
                read += chunk.map_err(|error| error.to_string())?.len();
            }
            Ok::<_, String>(read)
        };
        let error = ask("limit=250&continue=a").await.unwrap_err();
        assert!(error.contains("asking for 50 at a time"), "{error}");
        assert!(ask("limit=250").await.is_err());
        assert_eq!(ask("limit=250&continue=b").await, Ok(10 << 20));
        assert_eq!(ask("limit=3").await, Ok(3 << 20));
        assert_eq!(ask("watch=true&limit=250").await, Ok(0));
        tokio::time::advance(STAY_SMALL).await;
        assert!(ask("limit=20&continue=c").await.is_err());
        assert_eq!(
            *asked.lock().unwrap(),
            [
                "limit=250&continue=a",
                "limit=50",
                "limit=10&continue=b",
                "limit=3",
                "watch=true&limit=250",
                "limit=20&continue=c"
            ]
        );
    }
}
