//! The composition root: the only place that builds clients, spawns tasks and wires watches.

pub(crate) mod client;
mod election_task;
mod pages;
mod retry_after;
mod signals;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use connection::multiplexed;
use kube::Api;
use sealing::recent_keys::RecentKeys;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::args::VERSION;
use crate::cert_configmap::CertConfigMap;
use crate::events::Events;
use crate::index::Index;
use crate::keys::KeysReader;
use crate::keys::store::KeyStore;
use crate::keys::watcher::KeyApi;
use crate::lease::leadership::{Leadership, Standing};
use crate::metrics::Metrics;
use crate::open_files;
use crate::queue::Queue;
use crate::reconcile::gc::Tombstones;
use crate::reconcile::status_pruning::StatusPruning;
use crate::reconcile::unreadable::Unreadable;
use crate::reconcile::{KeysAt, Reconciler};
use crate::relist::{self, Listed, Relist, Relists};
use crate::request::longest_without_answer;
use crate::resync::Resync;
use crate::served::{self, Capacity};
use crate::server::listen::{self, ListenError};
use crate::server::{self, Accepted, Shared};
use crate::settings::{HttpSettings, Settings};
use crate::slices::Cores;
use crate::watch::Watches;

/// How long passes and requests in progress have at the end; a Pod gets 30 s.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// The most objects that are opened and rendered at a time, on any node: each rendering may take 32 MiB. Four cores open more
/// objects in a second than an API server takes.
const MOST_CORES: usize = 4;

/// Why the controller did not start.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    /// A port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The API server cannot be reached.
    #[error(transparent)]
    Client(#[from] client::ClientError),
    /// There are more namespaces than files.
    #[error("{namespaces} namespaces cannot be watched with {files} open files: raise the limit (ulimit -n)")]
    OpenFiles {
        /// How many files may be open.
        files: u64,
        /// How many namespaces are to be watched.
        namespaces: usize,
    },
    /// The same, where each watch takes a file.
    #[error(
        "the API server does not speak HTTP/2, so {namespaces} namespaces take {} connections, with {files} open files: raise \
         the limit (ulimit -n)",
        2 * namespaces
    )]
    OpenFilesAlone {
        /// How many files may be open.
        files: u64,
        /// How many namespaces are to be watched.
        namespaces: usize,
    },
    /// The operating system refuses handlers for signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
    /// Cannot happen: the metrics are constants.
    #[error("the metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`StartError`]; once it runs, nothing ends it but a signal.
pub(crate) async fn run(settings: Settings) -> Result<(), StartError> {
    info!(version = VERSION, "Starting sealed-secrets controller");
    if let Some(namespaces) = settings.reconcile.formats.told() {
        info!(namespaces, "format v1 is not opened in these namespaces");
    }
    let stop = signals::stop().map_err(StartError::Signals)?;
    let new_key = signals::new_key().map_err(StartError::Signals)?;
    let (parts, told) = Parts::new(settings, stop).await?;
    let (settings, stop) = (&parts.settings, &parts.stop);
    let election = election_task::stand(&settings.installation, &parts.access, told, stop);
    let (store, keys) = parts.key_store();
    let processors = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_CORES);
    let cores = Cores::new(processors);
    let served = served::listed(&settings.scope, &parts.access.namespace);
    let files = open_files::raise();
    let selects = settings.scope.namespace_selector.is_some();
    let connections = connections(files, served.len(), selects)?;
    let capacity = Capacity {
        files: open_files::left(files, watches(served.len()), connections as u64),
        watches_alone: parts.access.watches_alone.clone(),
    };
    let ready = Arc::new(AtomicBool::new(false));
    let servers = serve(&settings.http, parts.shared(&keys, &ready, &cores), connections, stop).await?;
    let mut writers = JoinSet::from_iter([store.run(new_key)]);
    tokio::spawn(parts.cert_configmap(&keys).run());
    tokio::spawn(relist::watch_for_restores(
        served::first_of(&served, &parts.access.client),
        parts.relist.clone(),
    ));
    tokio::spawn(parts.resync().run());
    let namespaces = served.len();
    let selector = settings.scope.namespace_selector.clone();
    let filled = served::fill(parts.watches(), served, selector, capacity);
    let reconciler = Arc::new(parts.reconciler(&keys, cores, processors));
    tokio::select! {
        error = too_few_files(parts.access.watches_alone.clone(), files, namespaces) => return Err(error),
        () = async { filled.await; current_key(keys).await } => {
            ready.store(true, Ordering::Relaxed);
            info!("ready");
            let terms = (parts.leadership.clone(), parts.relist.clone());
            work::work(&mut writers, reconciler, terms, parts.known.clone(), stop).await;
        }
        () = stop.cancelled() => {}
    }
    info!("stopping");
    finish(writers, election, servers).await;
    Ok(())
}

/// What the tasks share.
struct Parts {
    settings: Settings,
    access: client::Access,
    leadership: Leadership,
    relist: Relist,
    relists: Relists,
    events: Events,
    metrics: Arc<Metrics>,
    known: Known,
    stop: CancellationToken,
}

impl Parts {
    /// Also returns the channel on which the election tells whether this replica leads.
    async fn new(settings: Settings, stop: CancellationToken) -> Result<(Self, watch::Sender<Standing>), StartError> {
        let (told, leadership) = Leadership::new(Standing::Follows);
        let known = Known::default();
        let omit_labels = settings.http.omit_secret_labels;
        let metrics = Arc::new(Metrics::new(VERSION, omit_labels, known.index.clone())?);
        let access = client::connect(&settings.api, leadership.clone(), &metrics.contacts).await?;
        let (relist, relists) = Relist::new();
        let parts = Self {
            events: Events::start(&access.client, &leadership),
            settings,
            access,
            leadership,
            relist,
            relists,
            metrics,
            known,
            stop,
        };
        Ok((parts, told))
    }

    fn key_store(&self) -> (KeyStore, KeysReader) {
        KeyStore::new(
            KeyApi::new(&self.access.client, &self.access.namespace),
            self.access.namespace.clone(),
            self.settings.keys.clone(),
            self.events.clone(),
            self.metrics.clone(),
            (self.leadership.clone(), self.relists.clone(), self.stop.clone()),
        )
    }

    fn shared(&self, keys: &KeysReader, ready: &Arc<AtomicBool>, cores: &Arc<Cores>) -> Shared {
        Shared::new(
            keys.clone(),
            (ready.clone(), self.leadership.clone()),
            (self.metrics.clone(), longest_without_answer(&self.settings.api)),
            Accepted {
                deprecated_data: self.settings.reconcile.accept_deprecated_data,
                formats: Arc::new(self.settings.reconcile.formats.clone()),
            },
            cores.clone(),
        )
    }

    fn cert_configmap(&self, keys: &KeysReader) -> CertConfigMap {
        CertConfigMap::new(
            Api::namespaced(self.access.client.clone(), &self.access.namespace),
            &self.settings.installation.name,
            keys.clone(),
            (self.leadership.clone(), self.relists.clone()),
        )
    }

    fn watches(&self) -> Watches {
        let settings = &self.settings;
        Watches {
            client: self.access.watching.clone(),
            index: self.known.index.clone(),
            queue: self.known.queue.clone(),
            metrics: self.metrics.clone(),
            events: self.events.clone(),
            gone: settings.reconcile.delete_secrets.then(|| self.known.gone.clone()),
            leadership: self.leadership.clone(),
            seconds: settings.api.watch_seconds,
            relists: self.relists.clone(),
            listed: self.known.listed.clone(),
            settings: settings.reconcile.clone(),
            unreadable: self.known.unreadable.clone(),
            labels: settings.scope.label_selector.clone(),
            secrets: settings.reconcile.repair,
        }
    }

    fn resync(&self) -> Resync {
        Resync {
            period: self.settings.resync_period,
            index: self.known.index.clone(),
            queue: self.known.queue.clone(),
            settings: self.settings.reconcile.clone(),
            relist: self.relist.clone(),
            leadership: self.leadership.clone(),
            metrics: self.metrics.clone(),
        }
    }

    fn reconciler(&self, keys: &KeysReader, cores: Arc<Cores>, processors: usize) -> Reconciler {
        Reconciler {
            client: self.access.client.clone(),
            index: self.known.index.clone(),
            keys: keys.clone(),
            events: self.events.clone(),
            metrics: self.metrics.clone(),
            settings: self.settings.reconcile.clone(),
            cores,
            costly: Cores::for_costly(processors.saturating_sub(1).max(1)),
            costliest: Cores::for_costly(1),
            recent_keys: RecentKeys::default(),
            status_pruning: StatusPruning::default(),
            keys_at: KeysAt::new(self.access.namespace.clone(), self.settings.keys.prefix.clone()),
            gone: self.known.gone.clone(),
            unreadable: self.known.unreadable.clone(),
            labels: self.settings.scope.label_selector.clone(),
            #[cfg(test)]
            opening: None,
        }
    }
}

/// What the watches fill and the passes read.
#[derive(Clone, Default)]
struct Known {
    index: Arc<Index>,
    queue: Arc<Queue>,
    gone: Arc<Tombstones>,
    /// SealedSecrets that cannot be read.
    unreadable: Arc<Unreadable>,
    listed: Listed,
}

/// What is not finished in time is cut off: a Secret is written whole or not at all.
async fn finish(mut writers: JoinSet<()>, election: election_task::Standby, mut servers: JoinSet<()>) {
    let all = async {
        while writers.join_next().await.is_some() {}
        // Another replica may lead while this one still answers HTTP requests.
        election.give_up().await;
        while servers.join_next().await.is_some() {}
    };
    let _ = tokio::time::timeout(LAST_WORDS, all).await;
}

/// How many connections each port may have, where watches share theirs.
fn connections(files: u64, namespaces: usize, labelled: bool) -> Result<usize, StartError> {
    let watching = watches(namespaces).div_ceil(multiplexed::ANSWERS as u64);
    let connections =
        open_files::connections(files, watching, labelled).ok_or(StartError::OpenFiles { files, namespaces })?;
    Ok(usize::try_from(connections).unwrap_or(usize::MAX))
}

/// Two kinds are watched in each namespace.
fn watches(namespaces: usize) -> u64 {
    u64::try_from(namespaces).unwrap_or(u64::MAX).saturating_mul(2)
}

/// Waits until it is known that watches do not share connections, and that there are too few files for that.
async fn too_few_files(mut watches_alone: watch::Receiver<bool>, files: u64, namespaces: usize) -> StartError {
    let alone = watches_alone.wait_for(|alone| *alone).await.is_ok();
    if alone {
        warn!(
            "the API server, or what stands before it, does not speak HTTP/2: each watch takes a connection of its own"
        );
    }
    if alone && open_files::connections(files, watches(namespaces), false).is_none() {
        return StartError::OpenFilesAlone { files, namespaces };
    }
    std::future::pending().await
}

async fn serve(
    settings: &HttpSettings,
    shared: Shared,
    connections: usize,
    stop: &CancellationToken,
) -> Result<JoinSet<()>, StartError> {
    let mut ports = vec![
        (
            "HTTP server",
            "listen-addr",
            settings.listen,
            server::routes(shared.clone(), settings),
        ),
        (
            "HTTP metrics server",
            "listen-metrics-addr",
            settings.listen_metrics,
            server::metrics_routes(shared.clone()),
        ),
    ];
    if let Some(address) = settings.listen_probe {
        let routes = server::probe_routes(shared);
        ports.push(("HTTP probe server", "listen-probe-addr", address, routes));
    }
    let (read, write) = (settings.read_timeout, settings.write_timeout);
    let mut servers = JoinSet::new();
    for (what, flag, address, routes) in ports {
        let listener = listen::bind(flag, address).await?;
        let addr = listener
            .local_addr()
            .map_or_else(|_| String::new(), |addr| addr.to_string());
        info!(addr, "{what} serving");
        servers.spawn(listen::serve(
            listener,
            routes,
            (read, write),
            connections,
            stop.clone(),
        ));
    }
    Ok(servers)
}

async fn current_key(mut keys: KeysReader) {
    let _ = keys.wait_for(|keys| keys.current.is_some()).await;
}
