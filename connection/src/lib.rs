//! How both programs connect to the Kubernetes API server: directly, and without delays.

pub mod multiplexed;

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::{Body, ConfigExt as _};
use tower::util::BoxService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _};

/// What [`kube::client::ClientBuilder`] makes a client of.
pub type Connection = BoxService<Request<Body>, Response<Incoming>, BoxError>;

type Connector = TimeoutConnector<HttpsConnector<HttpConnector>>;
type Pool = legacy::Client<Connector, Body>;

/// Time without traffic after which a connection is probed. A NAT or a load balancer may have dropped it.
const PROBE_AFTER: Duration = Duration::from_secs(10);
/// Pause between two probes.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// A peer that acknowledges neither data nor probes for this long is considered dead (on Linux; elsewhere three probes
/// decide).
#[cfg(target_os = "linux")]
const GONE_AFTER: Duration = Duration::from_secs(20);
const PROBES: u32 = 3;
/// Time after which an idle connection is not reused: a peer that acknowledges packets, and answers nothing, would
/// swallow the next request.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// A client like kube's, with four differences. Nagle's algorithm (RFC 896) is off: it delays the first request on each
/// connection by 40 ms, until the API server has acknowledged the handshake. A refused request is not retried: the
/// caller decides about that. A dead peer is noticed within half a minute, with or without traffic. There is no proxy:
/// where one is allowed, use kube's own client.
///
/// # Errors
/// The configuration of TLS or of the user is not usable.
pub fn direct(config: &Config) -> kube::Result<Connection> {
    with_layers(config, pool(config)?.map_err(BoxError::from))
}

/// Connections of HTTP/1.1: one request at a time on each.
fn pool(config: &Config) -> kube::Result<Pool> {
    let https = config.rustls_https_connector_with_connector(tcp())?;
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_FOR)
        .build(with_timeouts(config, https)))
}

/// What makes connections of HTTP/2, where the API server speaks it.
fn http2_connector(config: &Config) -> kube::Result<Connector> {
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(config.rustls_client_config()?)
        .https_or_http();
    // An invalid name is an error of the HTTP/1.1 connector, which uses the same configuration.
    let name = config.tls_server_name.clone().and_then(|name| name.try_into().ok());
    if let Some(name) = name {
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(with_timeouts(
        config,
        builder.enable_all_versions().wrap_connector(tcp()),
    ))
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(PROBE_AFTER));
    tcp.set_keepalive_interval(Some(PROBE_EVERY));
    tcp.set_keepalive_retries(Some(PROBES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(GONE_AFTER));
    tcp
}

fn with_timeouts(config: &Config, https: HttpsConnector<HttpConnector>) -> Connector {
    let mut connector = TimeoutConnector::new(https);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    connector
}

/// Adds the API server's address and the user's credentials to requests.
fn with_layers<S, B>(config: &Config, connections: S) -> kube::Result<BoxService<Request<Body>, Response<B>, BoxError>>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: 'static,
{
    let layers = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?);
    Ok(layers.service(connections).boxed())
}
