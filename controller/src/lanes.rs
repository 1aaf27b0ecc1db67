//! The lanes of passes. A pass is begun in the light one, and begins again in a heavier one once it is known to need it: what
//! takes little never waits for what takes long, or for what is large. Who waits for a place in a lane is held by name alone.

use std::sync::Arc;

use sealing::render::WORK;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// What a pass may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// A small object, a small Secret, and [`LIGHT_OPERATIONS`].
    Light,
    /// The same, and any number of operations.
    Long,
    /// Anything but what comes next.
    Large,
    /// The same, and templates that make keys or hash passwords, which take a core and not in slices: for [`COSTLY_WORK`].
    Costly,
    /// The same, for as long as they may.
    Costliest,
    /// No pass, but a request of anybody who reaches the port.
    Strangers,
}

impl Lane {
    /// From the lightest to the heaviest.
    pub(crate) const ALL: [Lane; 6] = [
        Lane::Light,
        Lane::Long,
        Lane::Large,
        Lane::Costly,
        Lane::Costliest,
        Lane::Strangers,
    ];
    /// Those of passes.
    pub(crate) const OF_PASSES: [Lane; 5] = [Lane::Light, Lane::Long, Lane::Large, Lane::Costly, Lane::Costliest];

    /// Passes at a time. A large one takes up to 8 MiB: the object, what was opened, the Secret, its JSON, the answer and its tree.
    /// Others take up to some 200 KiB, and most of them next to nothing.
    pub(crate) fn places(self) -> usize {
        match self {
            Lane::Light | Lane::Long => 256,
            Lane::Large => 16,
            Lane::Costly | Lane::Strangers => 8,
            Lane::Costliest => 4,
        }
    }

    /// Milliseconds that the templates of a pass may take for what is costly by design.
    pub(crate) fn work(self) -> u32 {
        match self {
            Lane::Costly => COSTLY_WORK,
            Lane::Costliest => WORK,
            _ => 0,
        }
    }

    /// The next lane with more of it; the last one has all that there is.
    pub(crate) fn with_more_work(self) -> Lane {
        if self < Lane::Costly {
            Lane::Costly
        } else {
            Lane::Costliest
        }
    }
}

/// Threads for work that blocks, at most. What gives up its core in the middle of its work keeps its thread, and whoever has that core
/// then may need one too: were there fewer threads than passes, all of them could wait for each other.
pub(crate) fn blocking_threads() -> usize {
    /// For files, name resolution, and whatever libraries do in such threads.
    const OF_OTHERS: usize = 64;
    OF_OTHERS + Lane::ALL.map(Lane::places).iter().sum::<usize>()
}

/// Private-key operations of a light pass: some 45 ms of a core with a key of 4096 bits.
pub(crate) const LIGHT_OPERATIONS: u64 = 32;

/// Work of a costly pass, in milliseconds: a hashed password or two, a key. However many namespaces come for the first time, each
/// has no more before it is another's turn.
const COSTLY_WORK: u32 = 300;

/// The places of a lane. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    lane: Lane,
    free: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Places {
    /// Of this lane. No pass waits for anything after `stop`.
    pub(crate) fn new(lane: Lane, stop: CancellationToken) -> Self {
        let free = Arc::new(Semaphore::new(lane.places()));
        Self { lane, free, stop }
    }

    /// Waits for a place.
    pub(crate) async fn take(&self) -> Pass {
        Pass {
            lane: self.lane,
            stop: self.stop.clone(),
            // It is never closed.
            _place: self.free.clone().acquire_owned().await.ok(),
        }
    }
}

/// A pass, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    /// Where it is.
    pub lane: Lane,
    stop: CancellationToken,
    _place: Option<OwnedSemaphorePermit>,
}

/// Why a pass is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// The process is about to end.
    Ending,
    /// It needs a heavier lane.
    Needs(Lane),
}

impl Pass {
    /// # Errors
    /// This lane is too light.
    pub(crate) fn needs(&self, lane: Lane) -> Result<(), Unfinished> {
        if lane > self.lane {
            Err(Unfinished::Needs(lane))
        } else {
            Ok(())
        }
    }

    /// Waits, as for a core, or for what another thread does.
    ///
    /// # Errors
    /// The process is about to end.
    pub(crate) async fn wait_for<F: Future>(&self, what: F) -> Result<F::Output, Unfinished> {
        self.stop.run_until_cancelled(what).await.ok_or(Unfinished::Ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pass_says_what_it_needs_and_waits_for_nothing_at_the_end() {
        let stop = CancellationToken::new();
        let pass = Places::new(Lane::Long, stop.clone()).take().await;
        assert_eq!(pass.needs(Lane::Light), Ok(()));
        assert_eq!(pass.needs(Lane::Long), Ok(()));
        assert_eq!(pass.needs(Lane::Large), Err(Unfinished::Needs(Lane::Large)));
        assert_eq!(pass.wait_for(async { 7 }).await, Ok(7));
        stop.cancel();
        assert_eq!(
            pass.wait_for(std::future::pending::<()>()).await,
            Err(Unfinished::Ending)
        );
    }

    #[test]
    fn every_pass_may_have_a_thread() {
        let places: usize = Lane::OF_PASSES.map(Lane::places).iter().sum();
        assert!(blocking_threads() > places + Lane::Strangers.places());
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_pass_has_ended() {
        let places = Places::new(Lane::Large, CancellationToken::new());
        let mut passes = Vec::new();
        for _ in 0..Lane::Large.places() {
            passes.push(places.take().await);
        }
        let another = tokio::time::timeout(std::time::Duration::from_millis(1), places.take());
        assert!(another.await.is_err());
        passes.pop();
        places.take().await;
    }
}
