//! The bound on passes at a time. Waiting for a core does not count against the one that matters: a tenant whose objects
//! take long would else hold up all others.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Passes that may have begun. Most of them wait for a core, and hold next to nothing meanwhile.
const BEGUN: usize = 4096;
/// Passes that hold a plaintext or talk to the API server. Private-key work has its own bound, and so has each namespace
/// ([`crate::queue::OF_A_NAMESPACE`]).
const ACTIVE: usize = 256;

/// The bound. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PassLimit {
    begun: Arc<Semaphore>,
    active: Arc<Semaphore>,
    stop: CancellationToken,
}

impl PassLimit {
    /// Nothing waits for a core after `stop`.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            begun: Arc::new(Semaphore::new(BEGUN)),
            active: Arc::new(Semaphore::new(ACTIVE)),
            stop,
        }
    }

    /// Waits until another pass may begin.
    pub(crate) async fn begin(&self) -> Pass {
        // The semaphores are never closed.
        let begun = self.begun.clone().acquire_owned().await.ok();
        let active = self.active.clone().acquire_owned().await.ok();
        Pass {
            limit: self.clone(),
            active,
            _begun: begun,
        }
    }
}

/// A pass that has begun, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    limit: PassLimit,
    active: Option<OwnedSemaphorePermit>,
    _begun: Option<OwnedSemaphorePermit>,
}

impl Pass {
    /// Waits for a core (`acquire`), and counts as active again once it has one. `None`: the process is about to end.
    pub(crate) async fn wait_for_core<C: Future>(&mut self, acquire: impl Fn() -> C) -> Option<C::Output> {
        let stop = self.limit.stop.clone();
        stop.run_until_cancelled(self.wait(acquire)).await
    }

    async fn wait<C: Future>(&mut self, acquire: impl Fn() -> C) -> C::Output {
        self.active = None;
        loop {
            let core = acquire().await;
            if let Ok(active) = self.limit.active.clone().try_acquire_owned() {
                self.active = Some(active);
                return core;
            }
            // No core is idle while all active passes wait for the API server.
            drop(core);
            drop(self.limit.active.acquire().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::slices::Cores;

    async fn begins(limit: &PassLimit) -> Option<Pass> {
        tokio::time::timeout(Duration::from_millis(1), limit.begin()).await.ok()
    }

    #[tokio::test]
    async fn waiting_for_a_core_is_no_active_pass() {
        let limit = PassLimit::new(CancellationToken::new());
        let cores = Cores::new(1);
        let held = cores.acquire(&"a".to_owned()).await;
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..2 * ACTIVE {
            let mut pass = begins(&limit).await.expect("a pass may begin");
            let cores = cores.clone();
            waiting.spawn(async move {
                let tenant = "a".to_owned();
                let core = pass.wait_for_core(|| cores.acquire(&tenant)).await;
                assert!(pass.active.is_some());
                drop(core);
            });
            tokio::task::yield_now().await;
        }
        let mut active = Vec::new();
        while let Some(pass) = begins(&limit).await {
            active.push(pass);
        }
        assert_eq!(active.len(), ACTIVE);
        drop(held);
        let core = cores.acquire(&"b".to_owned()).await;
        drop(core);
        active.clear();
        while let Some(done) = waiting.join_next().await {
            done.unwrap();
        }
        assert_eq!(limit.active.available_permits(), ACTIVE);
        assert_eq!(limit.begun.available_permits(), BEGUN);
    }

    #[tokio::test]
    async fn nothing_waits_for_a_core_at_the_end() {
        let stop = CancellationToken::new();
        let mut pass = PassLimit::new(stop.clone()).begin().await;
        stop.cancel();
        assert_eq!(pass.wait_for_core(std::future::pending::<()>).await, None);
    }
}
