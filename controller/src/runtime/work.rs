//! The passes. They run while this replica leads, and only after it has read what the former leader wrote.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::Known;
use crate::keys::KeysReader;
use crate::lanes::{Lane, Pass, Places, Unfinished};
use crate::lease::leadership::Leadership;
use crate::object_ref::ObjectName;
use crate::queue::Queue;
use crate::reconcile::Reconciler;
use crate::relist::Relist;

/// Pause after a pass that panicked.
const AFTER_PANIC: Duration = Duration::from_secs(60);

async fn wake_on_new_keys(mut keys: KeysReader, known: &Known) {
    while keys.changed().await.is_ok() {
        for name in known.index.waiting_for_keys() {
            known.queue.add(name);
        }
    }
}

/// The first term of a process, before which no other replica led ([`Leadership::begins`]).
const FIRST_TERM: u64 = 1;

/// Begins each term. Before any but the first, another replica may have led, and the watches may not have reported its writes
/// yet. So everything is listed again before the first pass, the states of former passes are dropped, and each object gets a
/// pass, as at a start. Garbage that the other leader left is collected.
async fn begin_terms((mut leadership, relist): (Leadership, Relist), known: &Known, begun: watch::Sender<Option<u64>>) {
    loop {
        let term = leadership.begins().await;
        if term > FIRST_TERM {
            let number = relist.now();
            let mut ends = leadership.clone();
            tokio::select! {
                () = known.listed.since(number) => {}
                () = ends.ends(term) => continue,
            }
            known.index.forget_passes();
            for name in known.index.sealed_names(None) {
                known.queue.add(name);
            }
        }
        for name in known.gone.names().into_iter().chain(known.unreadable.names()) {
            known.queue.add(name);
        }
        begun.send_replace(Some(term));
        leadership.ends(term).await;
    }
}

/// Starts the passes, and wakes objects for them until `stop`.
pub(super) async fn work(
    writers: &mut JoinSet<()>,
    reconciler: Arc<Reconciler>,
    terms: (Leadership, Relist),
    known: Known,
    stop: &CancellationToken,
) {
    let keys = reconciler.keys.clone();
    let (begun, term) = watch::channel(None);
    let passes = Passes {
        reconciler,
        leadership: terms.0.clone(),
        term,
        queue: known.queue.clone(),
        long: Queue::new(Lane::Long.places()),
        large: Queue::new(Lane::Large.places()),
        large_long: Queue::new(Lane::LargeLong.places()),
        costly: Queue::new(Lane::Costly.places()),
        costliest: Queue::new(Lane::Costliest.places()),
        costly_long: Queue::new(Lane::CostlyLong.places()),
    };
    writers.spawn(Arc::new(passes).run(stop.clone()));
    tokio::select! {
        () = wake_on_new_keys(keys, &known) => {}
        () = begin_terms(terms, &known, begun) => {}
        () = stop.cancelled() => {}
    }
}

/// Runs the passes while this replica leads.
struct Passes {
    reconciler: Arc<Reconciler>,
    leadership: Leadership,
    /// The term that began last.
    term: watch::Receiver<Option<u64>>,
    queue: Arc<Queue>,
    /// Objects that wait for a place in the lane of this name.
    long: Queue,
    large: Queue,
    large_long: Queue,
    costly: Queue,
    costliest: Queue,
    costly_long: Queue,
}

impl Passes {
    /// Starts passes until `stop`, then waits for those that have begun.
    async fn run(self: Arc<Self>, stop: CancellationToken) {
        let lanes = Lane::of_passes().map(|lane| self.clone().run_lane(lane, stop.clone()));
        futures::future::join_all(lanes).await;
    }

    async fn run_lane(self: Arc<Self>, lane: Lane, stop: CancellationToken) {
        let places = Places::new(lane, stop.clone());
        let mut begun = JoinSet::new();
        loop {
            let pass = places.take().await;
            while begun.try_join_next().is_some() {}
            let name = tokio::select! {
                () = stop.cancelled() => break,
                name = self.next(lane) => name,
            };
            let passes = self.clone();
            begun.spawn(async move { passes.pass(name, &pass).await });
        }
        while begun.join_next().await.is_some() {}
    }

    /// The queue of a lane. In the first, names that wait in a heavier one count as in work.
    fn queue(&self, lane: Lane) -> &Queue {
        match lane {
            Lane::Light => &self.queue,
            Lane::Long => &self.long,
            Lane::Large => &self.large,
            Lane::LargeLong => &self.large_long,
            Lane::Costly => &self.costly,
            Lane::Costliest => &self.costliest,
            Lane::CostlyLong | Lane::Strangers => &self.costly_long,
        }
    }

    async fn next(&self, lane: Lane) -> ObjectName {
        loop {
            let (mut leadership, mut begun) = (self.leadership.clone(), self.term.clone());
            let term = leadership.begins().await;
            tokio::select! {
                // The sender lives as long as the passes.
                _ = begun.wait_for(|begun| *begun == Some(term)) => {}
                () = leadership.ends(term) => continue,
            }
            let queue = self.queue(lane);
            let name = queue.next().await;
            let waiting: usize = Lane::of_passes().map(|lane| self.queue(lane).waiting()).sum();
            let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
            self.reconciler.metrics.queue_length.set(waiting);
            if self.leadership.term() == Some(term) {
                return name;
            }
            // The term ended while there was nothing to do.
            queue.done(name, Some(Duration::ZERO));
        }
    }

    async fn pass(&self, name: ObjectName, pass: &Pass) {
        let done = AssertUnwindSafe(self.reconciler.reconcile(&name, pass))
            .catch_unwind()
            .await;
        let pause = match done {
            Ok(Ok(pause)) => pause,
            Ok(Err(Unfinished::Needs(lane))) => {
                debug!(key = %name, ?lane, "it takes a heavier lane");
                if pass.lane == Lane::Light {
                    self.queue.pass_on(&name);
                } else {
                    self.queue(pass.lane).done(name.clone(), None);
                }
                self.queue(lane).add(name);
                return;
            }
            Ok(Err(Unfinished::Ending)) => None,
            Err(_) => {
                error!(key = %name, "a pass died; this is a fault of the controller");
                Some(AFTER_PANIC)
            }
        };
        if pass.lane != Lane::Light {
            self.queue(pass.lane).done(name.clone(), None);
        }
        self.queue.done(name, pause);
    }
}
