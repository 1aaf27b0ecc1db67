//! Private-key work in slices: a piece of work keeps its core until it is done, unless other work waits. It gives the core up after
//! [`SLICE`] for lighter work, and after [`TURN`] for another tenant's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sealing::keyring::Pace;
use tokio::runtime::Handle;

use crate::fair_semaphore::{FairSemaphore, Permit};
use crate::lanes::Lane;

/// The cores, by the namespace whose objects they work for.
pub(crate) type Cores = FairSemaphore<String>;

/// How long work goes on while lighter work waits: a few operations with a key of 4096 bits.
const SLICE: Duration = Duration::from_millis(15);
/// How long work goes on while another tenant's work waits, lighter or not: short enough for tenants with little work, and long enough
/// that few pieces of work are in progress at a time.
const TURN: Duration = Duration::from_millis(100);

/// The core of one piece of work, which gives it up in between.
#[derive(Debug)]
pub(crate) struct Slices {
    cores: Arc<Cores>,
    tenant: String,
    lane: Lane,
    runtime: Handle,
    slice: Mutex<Slice>,
    operations_left: AtomicU64,
    given_up: AtomicBool,
}

#[derive(Debug)]
struct Slice {
    permit: Option<Permit<String>>,
    begun: Instant,
}

impl Slices {
    /// Waits for a core for this tenant's work, which may take so many operations.
    pub(crate) async fn begin(cores: &Arc<Cores>, tenant: &str, lane: Lane, operations: u64) -> Arc<Self> {
        let tenant = tenant.to_owned();
        let permit = cores.acquire(&tenant, lane).await;
        Arc::new(Self {
            cores: cores.clone(),
            tenant,
            lane,
            runtime: Handle::current(),
            slice: Mutex::new(Slice {
                permit: Some(permit),
                begun: Instant::now(),
            }),
            operations_left: AtomicU64::new(operations),
            given_up: AtomicBool::new(false),
        })
    }

    /// Ends the work at its next operation once the returned guard is dropped.
    pub(crate) fn ended_with(self: &Arc<Self>) -> GivesUp {
        GivesUp(self.clone())
    }
}

impl Pace for Slices {
    fn before_operation(&self) -> bool {
        let mut slice = self.slice.lock().unwrap_or_else(PoisonError::into_inner);
        let had = slice.begun.elapsed();
        let makes_way = || had >= TURN && self.cores.another_waits(&self.tenant);
        if had >= SLICE && self.cores.lighter_waits(self.lane) || makes_way() {
            slice.permit = None;
            let again = self.cores.acquire_again(&self.tenant, self.lane);
            slice.permit = Some(self.runtime.block_on(again));
            slice.begun = Instant::now();
        }
        let less = |left: u64| left.checked_sub(1);
        let left = self
            .operations_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        left.is_ok() && !self.given_up.load(Ordering::Relaxed)
    }
}

/// Ends the work when it is dropped.
#[derive(Debug)]
pub(crate) struct GivesUp(Arc<Slices>);

impl Drop for GivesUp {
    fn drop(&mut self) {
        self.0.given_up.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn long_work_makes_room_for_lighter_work_and_goes_on() {
        let cores = Cores::new(1);
        let long = Slices::begin(&cores, "long", Lane::Long, u64::MAX).await;
        let (stop, runs) = (Arc::new(AtomicBool::new(false)), long.clone());
        let stopped = stop.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut operations = 0;
            while !stopped.load(Ordering::Relaxed) {
                assert!(runs.before_operation());
                std::thread::sleep(Duration::from_millis(2));
                operations += 1;
            }
            operations
        });
        for _ in 0..3 {
            let start = Instant::now();
            let short = Slices::begin(&cores, "short", Lane::Light, 1).await;
            assert!(start.elapsed() < Duration::from_secs(5));
            drop(short);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(work.await.unwrap() > 0);
        drop(long);
        drop(Slices::begin(&cores, "short", Lane::Light, 1).await);
    }

    /// Otherwise requests over HTTP and objects with costly templates would wait until all large objects are opened.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn long_work_makes_room_for_heavier_work_of_others() {
        for heavier in [Lane::Costly, Lane::Strangers] {
            let cores = Cores::new(1);
            let large = Slices::begin(&cores, "large", Lane::Large, u64::MAX).await;
            let (stop, runs) = (Arc::new(AtomicBool::new(false)), large.clone());
            let stopped = stop.clone();
            let work = tokio::task::spawn_blocking(move || {
                while !stopped.load(Ordering::Relaxed) {
                    assert!(runs.before_operation());
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            let waits = Slices::begin(&cores, "other", heavier, 1);
            let had_a_turn = tokio::time::timeout(Duration::from_secs(20), waits).await.is_ok();
            stop.store(true, Ordering::Relaxed);
            work.await.unwrap();
            assert!(had_a_turn, "{heavier:?}");
        }
    }

    #[tokio::test]
    async fn work_ends_when_nobody_waits_for_it() {
        let cores = Cores::new(1);
        let work = Slices::begin(&cores, "a", Lane::Light, 2).await;
        let waits = work.ended_with();
        assert!(work.before_operation());
        drop(waits);
        assert!(!work.before_operation());
    }

    #[tokio::test]
    async fn work_ends_with_its_operations() {
        let cores = Cores::new(1);
        let work = Slices::begin(&cores, "a", Lane::Light, 2).await;
        assert!(work.before_operation() && work.before_operation() && !work.before_operation());
    }
}
