//! Watches that begin with their list again: at each resync, and when the API server's data go back.
//!
//! A watch resumes at the resourceVersion that it has seen last. After etcd was restored from an older snapshot, that lies
//! in the future, and the API server sends nothing until its data get there: what is written meanwhile would be missed.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crds::{Lenient, SealedSecret};
use futures::{Stream, StreamExt as _, stream};
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::runtime::utils::Backoff as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tracing::warn;

use crate::backoff::WatchPauses;
use crate::error::ApiFailure;
use crate::request::in_time;

/// Pause between two looks at the API server's resourceVersion.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// A watch that was lost within this time after its list began has not worked: the pauses go on growing, since each new list
/// costs the API server everything there is.
const WORKED: Duration = Duration::from_secs(60);

/// Where watches learn that they have to list again. Each clone learns of each relist.
pub(crate) type Relists = watch::Receiver<u64>;

/// Has all watches list again.
#[derive(Debug, Clone)]
pub(crate) struct Relist(watch::Sender<u64>);

impl Relist {
    /// With where watches learn of it.
    pub(crate) fn new() -> (Self, Relists) {
        let (sender, relists) = watch::channel(0);
        (Self(sender), relists)
    }

    /// Has all watches list again; gives the number of this relist.
    pub(crate) fn now(&self) -> u64 {
        self.0.send_modify(|count| *count += 1);
        *self.0.borrow()
    }
}

/// With which relist the list of SealedSecrets began that is complete, by the namespace that is watched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed(Arc<watch::Sender<HashMap<Option<String>, u64>>>);

impl Listed {
    /// A list is complete that began with this relist.
    pub(crate) fn note(&self, namespace: Option<&str>, begun: u64) {
        self.0.send_modify(|listed| {
            listed.insert(namespace.map(str::to_owned), begun);
        });
    }

    /// The namespace is watched no more.
    pub(crate) fn forget(&self, namespace: &str) {
        self.0.send_modify(|listed| {
            listed.remove(&Some(namespace.to_owned()));
        });
    }

    /// Waits until everything that was ever listed has been listed with this relist or a later one.
    pub(crate) async fn since(&self, relist: u64) {
        let mut listed = self.0.subscribe();
        // Its sender is held here.
        let _ = listed
            .wait_for(|listed| listed.values().all(|begun| *begun >= relist))
            .await;
    }
}

/// What kube's watcher tells, with pauses after failures. A relist begins with [`watcher::Event::Init`], and so does what
/// follows when the API server could not be reached: it may have been restored meanwhile.
pub(crate) fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    relists: Relists,
) -> impl Stream<Item = Result<watcher::Event<K>, watcher::Error>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let begin = move || {
        watcher(api.clone(), config.clone())
            .backoff(WatchPauses::default())
            .boxed()
    };
    let first = (begin(), relists, (WatchPauses::default(), Instant::now()), begin);
    stream::unfold(
        first,
        |(mut events, mut relists, (mut pauses, mut begun), begin)| async move {
            loop {
                tokio::select! {
                    event = events.next() => {
                        let event = event?;
                        if event.as_ref().is_err_and(is_lost) {
                            if begun.elapsed() > WORKED {
                                pauses.reset();
                            }
                            begun = Instant::now();
                            let pause = tokio::time::sleep(pauses.next().unwrap_or_default());
                            events = stream::once(pause).filter_map(|()| ready(None)).chain(begin()).boxed();
                        }
                        return Some((event, (events, relists, (pauses, begun), begin)));
                    }
                    // Its sender lives as long as the process; without one there is no relist.
                    Ok(()) = relists.changed() => events = begin(),
                }
            }
        },
    )
}

/// Whether there was no answer, rather than one that refuses.
fn is_lost(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => {
            !matches!(error, kube::Error::Api(_))
        }
        _ => false,
    }
}

/// Looks at the API server's resourceVersion now and then, and has all watches list again when it goes back.
pub(crate) async fn watch_for_restores(api: Api<Lenient<PartialObjectMeta<SealedSecret>>>, relist: Relist) {
    let mut highest = 0;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        // While it cannot be read, the watches cannot either, and they say so.
        let Ok(Some(version)) = version(&api).await else {
            continue;
        };
        if version < highest {
            warn!(
                version,
                highest, "the API server's data went back to an older state: listing everything again"
            );
            relist.now();
        }
        highest = version;
    }
}

/// The API server's resourceVersion; none if it is no number.
async fn version(api: &Api<Lenient<PartialObjectMeta<SealedSecret>>>) -> Result<Option<u64>, ApiFailure> {
    let list = in_time(api.list(&ListParams::default().limit(1))).await?;
    Ok(list.metadata.resource_version.and_then(|version| version.parse().ok()))
}
