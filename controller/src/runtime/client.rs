//! The clients of the API server, and the controller's own namespace.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderValue, Request, Response};
use crds::names;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use kube::client::{Body, ClientBuilder};
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use super::pages::PagesLayer;
use super::retry_after::RetryAfterLayer;
use crate::args::VERSION;
use crate::contact::{Asked, ContactLayer, Contacts};
use crate::lease::fence::{FenceLayer, is_election};
use crate::lease::leadership::Leadership;
use crate::request::at_most::AtMostLayer;
use crate::request::{LONGEST_REQUEST, longest_silence};
use crate::settings::ApiSettings;

/// Where Kubernetes tells a Pod its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Why there is no client.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// The kubeconfig.
    #[error("the kubeconfig {path} cannot be used")]
    Kubeconfig {
        /// The file, or `$KUBECONFIG`.
        path: String,
        /// What is wrong.
        source: KubeconfigError,
    },
    /// No kubeconfig was given, and this process does not run in a Pod.
    #[error("not in a cluster: name a kubeconfig with --kubeconfig or KUBECONFIG")]
    NotInCluster(#[source] InClusterError),
    /// A proxy is configured, which the controller does not use.
    #[error(
        "the kubeconfig, or the environment, names the proxy {0}: the controller goes to the API server directly only"
    )]
    Proxy(String),
    /// The client.
    #[error("no client for the API server can be made")]
    Client(#[source] kube::Error),
}

/// Clients and the namespace that is the controller's own.
pub(crate) struct Access {
    /// For everything but watches. A request that is cancelled closes its connection, so that the next uses another.
    pub client: Client,
    /// For watches, and their lists: many share a connection.
    pub watching: Client,
    /// Becomes true if they do not, because the API server does not speak HTTP/2.
    pub watches_alone: watch::Receiver<bool>,
    /// The namespace.
    pub namespace: String,
}

/// Makes the clients, which write only while this replica leads: with the given kubeconfig, otherwise as the Pod's service
/// account. The kubeconfig in the home directory is only used if it is given, so that no cluster is served by accident.
pub(crate) async fn connect(
    settings: &ApiSettings,
    leadership: Leadership,
    contacts: &Arc<Contacts>,
) -> Result<Access, ClientError> {
    let config = config(settings.kubeconfig.as_deref()).await?;
    access(config, settings, leadership, contacts)
}

fn access(
    mut config: Config,
    settings: &ApiSettings,
    leadership: Leadership,
    contacts: &Arc<Contacts>,
) -> Result<Access, ClientError> {
    let namespace = own_namespace(&config);
    let silence = longest_silence(settings.watch_seconds);
    config.read_timeout = Some(silence);
    config.reset_reader_on_write = true;
    // The audit log names the controller so, and the part before the slash is its name as a field manager.
    let agent = format!("{}/{VERSION} (sealed-secrets)", names::FIELD_MANAGER);
    config
        .headers
        .extend(HeaderValue::try_from(agent).map(|agent| (USER_AGENT, agent)));
    if let Some(proxy) = &config.proxy_url {
        // Only the host: the URL may hold a password.
        return Err(ClientError::Proxy(proxy.host().unwrap_or_default().to_owned()));
    }
    let pace = settings.limit.map(|(qps, burst)| {
        // A positive finite rate is a period that governor takes; the settings allow no other.
        let quota = Quota::with_period(Duration::from_secs_f64(1.0 / qps)).map(|quota| quota.allow_burst(burst));
        Arc::new(RateLimiter::direct(quota.unwrap_or(Quota::per_second(burst))))
    });
    // kube's own client would retry behind the fence and the rate limit, so a write could be sent long after this replica stopped
    // leading.
    let direct = connection::direct(&config).map_err(ClientError::Client)?;
    // Not every caller sets a timeout; a list without an answer would block everything that waits for it.
    let direct = direct.map_future(|answer| async {
        timeout(LONGEST_REQUEST, answer)
            .await
            .unwrap_or_else(|late| Err(late.into()))
    });
    let (multiplexed, watches_alone) =
        connection::multiplexed::direct(&config, silence, LONGEST_REQUEST).map_err(ClientError::Client)?;
    let noting = |of| ContactLayer {
        contacts: contacts.clone(),
        of,
    };
    let direct = ClientBuilder::new(direct, &config.default_namespace).with_layer(&noting(Asked::by_request));
    let watching = ClientBuilder::new(multiplexed, &config.default_namespace)
        .with_layer(&noting(Asked::by_watch))
        .with_layer(&PagesLayer::new());
    Ok(Access {
        client: client(direct, pace.clone(), leadership.clone()),
        watching: client(watching, pace, leadership),
        watches_alone,
        namespace,
    })
}

pub(super) fn client<S, B>(
    connection: ClientBuilder<S>,
    pace: Option<Arc<DefaultDirectRateLimiter>>,
    leadership: Leadership,
) -> Client
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError, Future: Send + 'static> + Send + 'static,
    B: axum::body::HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let builder = connection
        .with_layer(&AtMostLayer)
        .with_layer(&RetryAfterLayer)
        .with_layer(&FenceLayer(leadership));
    match pace {
        None => builder.build(),
        Some(pace) => builder.with_layer(&PacedLayer(pace)).build(),
    }
}

async fn config(named: Option<&Path>) -> Result<Config, ClientError> {
    let from_env = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    let (path, kubeconfig) = match (named, from_env) {
        (Some(path), _) => (path.display().to_string(), Kubeconfig::read_from(path)),
        (None, Some(paths)) => {
            let shown = PathBuf::from(paths).display().to_string();
            // Cannot be `None`: the variable is set.
            (shown, Kubeconfig::from_env().map(Option::unwrap_or_default))
        }
        (None, None) => return Config::incluster().map_err(ClientError::NotInCluster),
    };
    let wrong = |source| ClientError::Kubeconfig {
        path: path.clone(),
        source,
    };
    Config::from_custom_kubeconfig(kubeconfig.map_err(wrong)?, &KubeConfigOptions::default())
        .await
        .map_err(wrong)
}

/// `$POD_NAMESPACE`, else the service account's, else the kubeconfig context's, which is `default` if it names none.
fn own_namespace(config: &Config) -> String {
    let from_env = std::env::var("POD_NAMESPACE").ok();
    let from_file = || std::fs::read_to_string(NAMESPACE_FILE).ok();
    let told = from_env
        .filter(|name| !name.is_empty())
        .or_else(from_file)
        .map(|name| name.trim().to_owned());
    told.filter(|name| !name.is_empty())
        .unwrap_or_else(|| config.default_namespace.clone())
}

/// Limits the rate of requests, except those of the election: a renewal that waits comes too late.
struct PacedLayer(Arc<DefaultDirectRateLimiter>);

impl<S> Layer<S> for PacedLayer {
    type Service = Paced<S>;

    fn layer(&self, inner: S) -> Paced<S> {
        Paced {
            inner,
            limiter: self.0.clone(),
        }
    }
}

struct Paced<S> {
    inner: S,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl<S, B> Service<Request<B>> for Paced<S>
where
    S: Service<Request<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let limiter = (!is_election(&request)).then(|| self.limiter.clone());
        // Nothing is sent before the future is polled.
        let sent = self.inner.call(request);
        Box::pin(async move {
            if let Some(limiter) = limiter {
                limiter.until_ready().await;
            }
            sent.await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use k8s_openapi::api::core::v1::Namespace;
    use kube::Api;
    use tokio::net::TcpListener;

    use super::*;
    use crate::lease::leadership::Standing;

    fn settings() -> ApiSettings {
        ApiSettings {
            kubeconfig: None,
            limit: None,
            watch_seconds: 30,
        }
    }

    /// Clients of the API server that listens there.
    fn access_to(listener: &TcpListener) -> Access {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (_, leadership) = Leadership::new(Standing::Alone);
        access(
            Config::new(url.parse().unwrap()),
            &settings(),
            leadership,
            &Arc::default(),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_refused_request_is_not_sent_again_behind_the_fence() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = access_to(&listener).client;
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = sent.clone();
        let overloaded = Router::new().fallback(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]) }
        });
        tokio::spawn(async move { axum::serve(listener, overloaded).await });
        assert!(Api::<Namespace>::all(client).get("a").await.is_err());
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_proxy_is_refused_and_not_passed_by() {
        let mut config = Config::new("https://192.0.2.1".parse().unwrap());
        config.proxy_url = "http://user:password@proxy.example:3128".parse().ok();
        let (_, leadership) = Leadership::new(Standing::Alone);
        let access = access(config, &settings(), leadership, &Arc::default());
        let error = access.err().unwrap().to_string();
        assert!(
            error.contains("the proxy proxy.example:") && !error.contains("password"),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_went_silent_is_given_up() {
        for watching in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let access = access_to(&listener);
            let silent = tokio::spawn(async move {
                let held = (listener.accept().await, listener.accept().await);
                std::future::pending::<()>().await;
                drop(held);
            });
            let api = Api::<Namespace>::all(if watching { access.watching } else { access.client });
            let answer = timeout(Duration::from_secs(31), api.get("a")).await;
            assert!(answer.expect("it ends").is_err());
            silent.abort();
        }
    }
}
