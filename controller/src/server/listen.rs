//! Sockets: bound before anything else starts, with limits on time and on the number of connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{self, AddExtension};
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Layer as _;
use tracing::debug;

use super::connections::{Connections, Pulse, in_request};
use super::permits::Peer;
use super::write_timeout::Patient;

/// One peer may have one in so many of a port's connections.
const PEERS: usize = 4;
/// Longest head of a request, and largest piece of a body that is read at once. (Go takes 1 MiB: 1,024 connections would hold
/// a gigabyte.)
const LONGEST_HEAD: usize = 16 << 10;
/// How long a connection may take to begin a request, or may take nothing of an answer.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// How much of an answer the kernel takes: what a peer does not read waits here, where it is counted. (The kernel doubles it, and
/// would take 4 MiB.)
const SEND_BUFFER: u32 = 32 << 10;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// How long open requests have at the end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A port could not be opened.
#[derive(Debug, Error)]
#[error("cannot listen on {address} (--{flag})")]
pub(crate) struct ListenError {
    flag: &'static str,
    address: SocketAddr,
    source: io::Error,
}

/// Opens a port. The unspecified IPv6 address means every address of both families; where there is no IPv6, those of
/// IPv4.
pub(crate) async fn bind(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    let bound = match listen(address) {
        Err(error) if address.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse => {
            listen((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        other => other,
    };
    bound.map_err(|source| ListenError { flag, address, source })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    // What is accepted inherits it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves so many connections at a time until `stop`; then open requests have a few seconds. A request may take `read` to
/// arrive, and `write` to be answered.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    (read, write): (Duration, Duration),
    connections: usize,
    stop: CancellationToken,
) {
    let timeout = tower_http::timeout::TimeoutLayer::with_status_code(
        axum::http::StatusCode::REQUEST_TIMEOUT,
        read.saturating_add(write),
    );
    let body_timeout = tower_http::timeout::RequestBodyTimeoutLayer::new(read);
    let routes = routes.layer((middleware::from_fn(in_request), timeout, body_timeout));
    let open = GracefulShutdown::new();
    let connections = Connections::new(connections, connections / PEERS);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    let at = |own: SocketAddr| Peer::at(own.ip(), address.ip());
                    let peer = stream.local_addr().map_or(Peer::of(address.ip()), at);
                    (stream, peer)
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others have to be closed first.
                    debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let admitted = connections.admit(peer);
        let layers = (Extension(peer), Extension(admitted.pulse.clone()));
        // Around the router: a layer of the router's own would be made anew for each of its routes.
        let routes = layers.layer(routes.clone());
        let connection = open.watch(connection(stream, routes, admitted.pulse.clone(), read, write));
        tokio::spawn(async move {
            tokio::select! {
                // A client that broke off is its own affair.
                _ = connection => {}
                () = admitted.pulse.given_up() => {}
            }
        });
    }
    let _ = tokio::time::timeout(LAST_WORDS, open.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    routes: AddExtension<AddExtension<Router, Arc<Pulse>>, Peer>,
    pulse: Arc<Pulse>,
    read: Duration,
    write: Duration,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = Box<dyn std::error::Error + Send + Sync>> + Send {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    // It counts from the moment the connection has nothing to do: one that stays silent makes room for others.
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(LONGEST_HEAD)
        .header_read_timeout(read.min(LONGEST_SILENCE));
    let stream = Patient::new(stream, write.min(LONGEST_SILENCE), pulse);
    builder
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .into_owned()
}

#[cfg(test)]
mod tests;
