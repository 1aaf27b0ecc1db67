//! Connections that many long-lived responses share, by HTTP/2: otherwise the watch of each namespace would take its
//! own.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, timeout};
use tower::util::BoxService;
use tower::{BoxError, Service as _, ServiceExt as _, service_fn};

use crate::{Connector, Pool, http2_connector, pool, with_layers};

/// Concurrent responses on one connection. An API server allows at least 100, and for this few one connection is fast
/// enough.
pub const ANSWERS: usize = 50;
/// Interval of pings. TCP acknowledgements are not enough: a relay sends them also when its peer is dead.
const PING_EVERY: Duration = Duration::from_secs(10);
/// A peer that leaves a ping unanswered for this long is considered dead.
const PING_WITHIN: Duration = Duration::from_secs(10);
/// Flow-control windows of one response, and of a connection: a slow reader must not block the others. A response gets no more than
/// its window in a round trip, and events of a watch may have 1.5 MB each: with 1 MiB, 33 MB/s come over 30 ms. What is received and
/// not yet read is bounded by the window of the connection.
const WINDOW_OF_ONE: u32 = 1 << 20;
const WINDOW_OF_ALL: u32 = 4 << 20;

/// As [`crate::Connection`].
pub type Connection = BoxService<Request<Body>, Response<Answer>, BoxError>;

/// As [`crate::direct`], for long-lived responses. A response that is silent for `silence` ends with an error, whatever
/// the state of the connection. Without HTTP/2 there are no pings, so a response that has not begun within `begins` is
/// given up. Also returns a flag that becomes true where the API server, or a proxy before it, does not speak HTTP/2:
/// then each response has its own connection.
///
/// # Errors
/// The configuration of TLS or of the user is not usable.
pub fn direct(
    config: &Config,
    silence: Duration,
    begins: Duration,
) -> kube::Result<(Connection, watch::Receiver<bool>)> {
    let (alone, is_alone) = watch::channel(false);
    let lines = Arc::new(Lines {
        connector: http2_connector(config)?,
        pool: pool(config)?,
        alone,
        silence,
        begins,
        lines: Mutex::default(),
    });
    let connections = service_fn(move |request| {
        let lines = lines.clone();
        async move { lines.send(request).await }
    });
    Ok((with_layers(config, connections)?, is_alone))
}

struct Lines {
    connector: Connector,
    /// For an API server that does not speak HTTP/2.
    pool: Pool,
    alone: watch::Sender<bool>,
    silence: Duration,
    begins: Duration,
    lines: Mutex<Vec<Arc<Line>>>,
}

/// A slot for one connection, which is made on demand. Each of its responses holds a reference.
#[derive(Default)]
struct Line(tokio::sync::Mutex<Option<SendRequest<Body>>>);

impl Lines {
    async fn send(&self, request: Request<Body>) -> Result<Response<Answer>, BoxError> {
        let line = self.line();
        let sent = async {
            match self.sender(&line, request.uri()).await? {
                Some(mut sender) => Ok(sender.send_request(request).await?),
                None => match timeout(self.begins, self.pool.request(request)).await {
                    Ok(answer) => Ok(answer?),
                    Err(_) => Err(silent()),
                },
            }
        };
        let response: Result<_, BoxError> = timeout(self.silence, sent).await.unwrap_or_else(|_| Err(silent()));
        let silence = self.silence;
        Ok(response?.map(|body| Answer {
            body,
            silence,
            quiet: Box::pin(tokio::time::sleep(silence)),
            _line: line,
        }))
    }

    /// A slot with room for another response.
    fn line(&self) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = |line: &Arc<Line>| Arc::strong_count(line) - 1;
        if let Some(line) = lines.iter().find(|line| answers(line) < ANSWERS) {
            return line.clone();
        }
        // Unused ones close when they are dropped.
        lines.retain(|line| answers(line) > 0);
        let line = Arc::new(Line::default());
        lines.push(line.clone());
        line
    }

    /// The sender of this slot's connection; `None`: the API server does not speak HTTP/2.
    async fn sender(&self, line: &Line, uri: &Uri) -> Result<Option<SendRequest<Body>>, BoxError> {
        let mut held = line.0.lock().await;
        if let Some(sender) = held.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(Some(sender.clone()));
        }
        if *self.alone.borrow() {
            return Ok(None);
        }
        let mut connector = self.connector.clone();
        let stream = connector.ready().await?.call(uri.clone()).await?;
        if !stream.connected().is_negotiated_h2() {
            self.alone.send_replace(true);
            return Ok(None);
        }
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_WITHIN)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW_OF_ONE)
            .initial_connection_window_size(WINDOW_OF_ALL)
            .handshake(stream)
            .await?;
        // Each response reports the error that ends the connection.
        tokio::spawn(async move { drop(connection.await) });
        *held = Some(sender.clone());
        Ok(Some(sender))
    }
}

/// The body of a response.
pub struct Answer {
    body: Incoming,
    silence: Duration,
    quiet: Pin<Box<Sleep>>,
    _line: Arc<Line>,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let silence = self.silence;
        match frame {
            Poll::Ready(frame) => {
                self.quiet.as_mut().reset(Instant::now() + silence);
                Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
            }
            Poll::Pending => self.quiet.as_mut().poll(context).map(|()| Some(Err(silent()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn silent() -> BoxError {
    "the API server is silent for longer than it promised".into()
}
