//! Lists in pages that fit into memory. The client chooses the number of objects in a page, and tenants choose their sizes: a
//! page that is too large is given up, and the list starts again with smaller ones.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::http::{Request, Response, Uri};
use futures::{StreamExt as _, stream};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

/// Largest page with more than [`FEWEST`] objects, in bytes.
const LARGEST: usize = 16 << 20;
/// A page of this many objects is read whatever its size; the API server bounds the size of an object.
const FEWEST: u32 = 10;
/// Factor by which pages become smaller after one that was too large.
const SMALLER: u32 = 5;

/// A page was given up.
#[derive(Debug, Error)]
#[error("a page of {objects} objects takes more than {LARGEST} bytes; asking for {next} at a time")]
struct TooLarge {
    objects: u32,
    next: u32,
}

/// Lists that are read at a time: many start at once where namespaces are watched one by one.
const LISTS: usize = 16;
/// Of these, lists with more than [`LARGE`] bytes so far.
const LARGE_LISTS: usize = 2;
/// Bytes of a large page.
const LARGE: usize = 1 << 20;

/// How long pages stay small after one was too large: longer than a list in small pages takes, which would otherwise start over.
const STAY_SMALL: Duration = Duration::from_secs(3600);

/// Bounds the pages of all lists, which stay small for [`STAY_SMALL`] once one was too large.
#[derive(Debug, Clone)]
pub(super) struct PagesLayer {
    most: Arc<Mutex<Most>>,
    turns: Turns,
}

/// Who reads an answer.
#[derive(Debug, Clone)]
struct Turns {
    lists: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl PagesLayer {
    pub(super) fn new() -> Self {
        Self {
            most: Arc::default(),
            turns: Turns {
                lists: Arc::new(Semaphore::new(LISTS)),
                large: Arc::new(Semaphore::new(LARGE_LISTS)),
            },
        }
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
            most: self.most.clone(),
            turns: self.turns.clone(),
        }
    }
}

pub(super) struct Pages<S> {
    inner: S,
    most: Arc<Mutex<Most>>,
    turns: Turns,
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
        // Nothing is sent before the future is polled.
        let sent = self.inner.call(request);
        let (most, turns) = (self.most.clone(), self.turns.clone());
        Box::pin(async move {
            let Some((objects, _)) = page else {
                return Ok(sent.await?.map(Body::new));
            };
            // The semaphores are never closed.
            let turn = turns.lists.acquire_owned().await.ok();
            let page = Page {
                objects,
                read: 0,
                large: None,
                _turn: turn,
            };
            let answer = sent.await?.map(Body::new);
            Ok(answer.map(|body| page.read(body, (most, turns.large))))
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

/// A page that is being read.
struct Page {
    objects: u32,
    read: usize,
    large: Option<OwnedSemaphorePermit>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Page {
    /// The body of the page, which ends with an error when it becomes too large.
    fn read(self, body: Body, (most, large): (Arc<Mutex<Most>>, Arc<Semaphore>)) -> Body {
        let read = move |(mut page, mut body): (Self, BodyDataStream)| {
            let (most, large) = (most.clone(), large.clone());
            async move {
                let Some(chunk) = body.next().await else {
                    return Ok::<_, BoxError>(None);
                };
                let chunk = chunk?;
                page.read += chunk.len();
                if page.read > LARGEST && page.objects > FEWEST {
                    let next = (page.objects / SMALLER).max(FEWEST);
                    lock(&most).lower(next);
                    let objects = page.objects;
                    return Err(TooLarge { objects, next }.into());
                }
                if page.read > LARGE && page.large.is_none() {
                    page.large = large.acquire_owned().await.ok();
                }
                Ok(Some((chunk, (page, body))))
            }
        };
        Body::from_stream(stream::try_unfold((self, body.into_data_stream()), read))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::*;

    /// Each page is read to a megabyte, and two of them on from there.
    #[tokio::test(start_paused = true)]
    async fn few_large_pages_are_read_at_a_time() {
        let sent: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
        let layer = PagesLayer::new();
        let mut readers = tokio::task::JoinSet::new();
        for number in 0..3 * LISTS {
            let counted = sent.clone();
            let mut pages = layer.layer(tower::service_fn(move |_: Request<()>| {
                let counted = counted.clone();
                let chunks = futures::stream::iter(0..32).then(move |_| {
                    let counted = counted.clone();
                    async move {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        *counted.lock().unwrap().entry(number).or_default() += 1;
                        Ok::<_, Infallible>(Bytes::from(vec![0; 64 << 10]))
                    }
                });
                async move { Ok::<_, Infallible>(Response::new(Body::from_stream(chunks))) }
            }));
            let (sent, request) = (
                sent.clone(),
                Request::get("/api/v1/secrets?limit=500").body(()).unwrap(),
            );
            readers.spawn(async move {
                let answer = pages.call(request).await.unwrap();
                let mut body = answer.into_body().into_data_stream();
                while body.next().await.is_some() {
                    let sent = sent.lock().unwrap();
                    let open = sent.values().filter(|chunks| **chunks < 32);
                    let large = open.clone().filter(|chunks| **chunks > 17).count();
                    assert!(large <= LARGE_LISTS && open.count() <= LISTS, "{sent:?}");
                }
            });
        }
        while let Some(done) = readers.join_next().await {
            done.unwrap();
        }
        assert!(sent.lock().unwrap().values().all(|chunks| *chunks == 32));
    }

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
