//! The lanes of passes. A pass begins in the light lane, and begins again in a heavier one when it turns out to need it. So short
//! passes never wait for a place that long or large ones hold. Of an object that waits for a lane, only its name is in memory.

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
    /// Any object and any Secret, with [`HEAVY_OPERATIONS`] and without costly templates.
    Large,
    /// The same, and any number of operations.
    LargeLong,
    /// [`Lane::Large`] with templates that make keys or hash passwords, for [`COSTLY_WORK`]. Their work cannot be interrupted.
    Costly,
    /// The same, with all the time that templates may take.
    Costliest,
    /// The same, and any number of operations.
    CostlyLong,
    /// Not a pass: a request over HTTP.
    Strangers,
}

impl Lane {
    /// From the lightest to the heaviest.
    pub(crate) const ALL: [Lane; 8] = [
        Lane::Light,
        Lane::Long,
        Lane::Large,
        Lane::LargeLong,
        Lane::Costly,
        Lane::Costliest,
        Lane::CostlyLong,
        Lane::Strangers,
    ];

    /// Those of passes.
    pub(crate) fn of_passes() -> impl Iterator<Item = Lane> {
        Lane::ALL.into_iter().filter(|lane| *lane != Lane::Strangers)
    }

    /// Passes at a time. A large one takes up to 8 MiB: the object, the plaintexts, the Secret, its JSON, the answer and its parsed
    /// form. Others take up to some 200 KiB, most of them far less.
    pub(crate) fn places(self) -> usize {
        match self {
            Lane::Light | Lane::Long => 256,
            Lane::Large | Lane::Costly | Lane::Strangers => 8,
            Lane::LargeLong => 6,
            Lane::Costliest => 4,
            Lane::CostlyLong => 2,
        }
    }

    /// Private-key operations of a pass. Passes with many share few places among themselves: all that are in work end at about the
    /// same time, and passes with few would wait for that.
    pub(crate) fn operations(self) -> u64 {
        match self {
            Lane::Light => LIGHT_OPERATIONS,
            Lane::Large | Lane::Costly | Lane::Costliest => HEAVY_OPERATIONS,
            _ => u64::MAX,
        }
    }

    /// Values of an object that is opened in this lane. Each takes an operation at least; light passes are few operations only, so
    /// half of theirs are left for values that several keys are tried on.
    pub(crate) fn values(self) -> u64 {
        match self {
            Lane::Light => LIGHT_OPERATIONS / 2,
            other => other.operations(),
        }
    }

    /// The next lane with more of them; a lane that allows any number is its own.
    pub(crate) fn with_more_operations(self) -> Lane {
        match self {
            Lane::Light => Lane::Long,
            Lane::Large => Lane::LargeLong,
            Lane::Costly | Lane::Costliest => Lane::CostlyLong,
            any => any,
        }
    }

    /// Milliseconds that the templates of a pass may spend on functions that are slow by design.
    pub(crate) fn work(self) -> u32 {
        match self {
            Lane::Costly => COSTLY_WORK,
            Lane::Costliest | Lane::CostlyLong => WORK,
            _ => 0,
        }
    }

    /// The next lane with more of it; one that allows the maximum is its own.
    pub(crate) fn with_more_work(self) -> Lane {
        if self < Lane::Costly {
            Lane::Costly
        } else {
            self.max(Lane::Costliest)
        }
    }
}

/// The maximum number of threads for blocking work. A pass that gives up its core keeps its thread, and the pass that gets the core
/// needs a thread, too. With fewer threads than passes, all of them could wait for each other.
pub(crate) fn blocking_threads() -> usize {
    /// For files, name resolution, and blocking work of libraries.
    const OF_OTHERS: usize = 64;
    OF_OTHERS + Lane::ALL.map(Lane::places).iter().sum::<usize>()
}

/// Private-key operations of a light pass: some 45 ms of a core with a key of 4096 bits.
const LIGHT_OPERATIONS: u64 = 32;

/// Private-key operations of a large or costly pass: about a second of a core with a key of 4096 bits, on a slow machine.
const HEAVY_OPERATIONS: u64 = 256;

/// Work of a costly pass, in milliseconds: one or two hashed passwords, or a key. A namespace gets no more before it is another's
/// turn.
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
            // The semaphore is never closed.
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
    fn more_operations_and_more_work_lead_to_lanes_that_allow_them() {
        for lane in Lane::of_passes() {
            let more = lane.with_more_operations();
            assert!(
                more == lane && lane.operations() == u64::MAX || more > lane && more.operations() > lane.operations()
            );
            assert!(
                more.work() >= lane.work(),
                "{lane:?} goes on to {more:?}, where its templates are refused"
            );
        }
        assert_eq!(Lane::LargeLong.with_more_work(), Lane::Costly);
        assert_eq!(Lane::Costly.with_more_work(), Lane::Costliest);
        assert_eq!(Lane::CostlyLong.with_more_work(), Lane::CostlyLong);
    }

    #[test]
    fn every_pass_may_have_a_thread() {
        let places: usize = Lane::of_passes().map(Lane::places).sum();
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
