//! A semaphore whose permits go to the tenant that held permits for the least time lately. Neither one tenant with many waiters nor
//! many tenants with long work delay another tenant's short work by much.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::fair_order::FairOrder;
use crate::lanes::Lane;

/// The permits and their waiters. `K` identifies a tenant.
#[derive(Debug)]
pub(crate) struct FairSemaphore<K: Clone + Eq + Hash>(Mutex<State<K>>);

#[derive(Debug)]
struct State<K: Clone + Eq + Hash> {
    /// Free permits; none while there are waiters.
    free: usize,
    /// Tenants with waiters.
    tenants: FairOrder<K>,
    /// The waiters of each tenant, lighter work first.
    waiting: HashMap<K, VecDeque<Waiter<K>>>,
    /// Waiters that are served before all tenants.
    first: VecDeque<(K, Waiter<K>)>,
    /// Numbers of waiters, by lane.
    of_lanes: [usize; Lane::ALL.len()],
}

#[derive(Debug)]
struct Waiter<K: Clone + Eq + Hash> {
    lane: Lane,
    turn: oneshot::Sender<Permit<K>>,
}

/// Where a waiter joins the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind its tenant's work of the same lane.
    Last,
    /// In front of it.
    Again,
    /// In front of all tenants.
    First,
}

impl<K: Clone + Eq + Hash> State<K> {
    fn line_up(&mut self, tenant: &K, waiter: Waiter<K>, place: Place) {
        let lane = waiter.lane;
        if place == Place::First {
            self.count(lane, 1);
            return self.first.push_back((tenant.clone(), waiter));
        }
        let waiting = self.waiting.entry(tenant.clone()).or_default();
        let is_behind = |other: &Waiter<K>| other.lane > lane || place == Place::Again && other.lane == lane;
        let place = waiting.iter().position(is_behind).unwrap_or(waiting.len());
        waiting.insert(place, waiter);
        self.count(lane, 1);
        self.tenants.push(tenant.clone());
    }

    fn count(&mut self, lane: Lane, change: isize) {
        if let Some(count) = self.of_lanes.get_mut(lane as usize) {
            *count = count.saturating_add_signed(change);
        }
    }

    fn next(&mut self) -> Option<(K, oneshot::Sender<Permit<K>>)> {
        if let Some((tenant, first)) = self.first.pop_front() {
            self.count(first.lane, -1);
            return Some((tenant, first.turn));
        }
        let tenant = self.tenants.pop()?;
        let waiting = self.waiting.get_mut(&tenant)?;
        let first = waiting.pop_front()?;
        if waiting.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.tenants.push(tenant.clone());
        }
        self.count(first.lane, -1);
        Some((tenant, first.turn))
    }
}

/// The right to work, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<K: Clone + Eq + Hash>(Option<Held<K>>);

#[derive(Debug)]
struct Held<K: Clone + Eq + Hash> {
    semaphore: Arc<FairSemaphore<K>>,
    tenant: K,
    since: Instant,
}

impl<K: Clone + Eq + Hash> Permit<K> {
    fn new(semaphore: &Arc<FairSemaphore<K>>, tenant: K) -> Self {
        Self(Some(Held {
            semaphore: semaphore.clone(),
            tenant,
            since: Instant::now(),
        }))
    }
}

impl<K: Clone + Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.semaphore.give_back(held.tenant, held.since.elapsed());
        }
    }
}

impl<K: Clone + Eq + Hash> FairSemaphore<K> {
    /// So many permits.
    pub(crate) fn new(permits: usize) -> Arc<Self> {
        Self::of(permits, FairOrder::default())
    }

    /// So many permits for work that takes seconds: what a tenant used counts for ten minutes.
    pub(crate) fn for_costly(permits: usize) -> Arc<Self> {
        Self::of(permits, FairOrder::of_costly())
    }

    fn of(permits: usize, tenants: FairOrder<K>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            free: permits,
            tenants,
            waiting: HashMap::new(),
            first: VecDeque::new(),
            of_lanes: [0; Lane::ALL.len()],
        })))
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        // No code panics while it holds the lock, and every step leaves the state consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit, for work of this tenant.
    pub(crate) async fn acquire(self: &Arc<Self>, tenant: &K, lane: Lane) -> Permit<K> {
        self.wait(tenant, lane, Place::Last).await
    }

    /// The same, for work that was interrupted: before the tenant's other waiters, but behind its lighter work.
    pub(crate) async fn acquire_again(self: &Arc<Self>, tenant: &K, lane: Lane) -> Permit<K> {
        self.wait(tenant, lane, Place::Again).await
    }

    /// Waits for the next permit, before all tenants, for work that had its turn among them already. The tenant is charged.
    pub(crate) async fn acquire_first(self: &Arc<Self>, tenant: &K, lane: Lane) -> Permit<K> {
        self.wait(tenant, lane, Place::First).await
    }

    /// Whether lighter work waits for a permit.
    pub(crate) fn lighter_waits(&self, lane: Lane) -> bool {
        let state = self.state();
        Lane::ALL
            .iter()
            .zip(state.of_lanes)
            .any(|(other, count)| *other < lane && count > 0)
    }

    /// Whether another tenant waits, or a waiter that is served before all tenants.
    pub(crate) fn another_waits(&self, tenant: &K) -> bool {
        let state = self.state();
        let own = usize::from(state.waiting.contains_key(tenant));
        !state.first.is_empty() || state.waiting.len() > own
    }

    async fn wait(self: &Arc<Self>, tenant: &K, lane: Lane, place: Place) -> Permit<K> {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                drop(state);
                return Permit::new(self, tenant.clone());
            }
            let (sender, turn) = oneshot::channel();
            state.line_up(tenant, Waiter { lane, turn: sender }, place);
            turn
        };
        // No code drops the sender unused; if it did, the work would still be done.
        turn.await.unwrap_or(Permit(None))
    }

    /// Passes a permit to the next waiter that has not given up.
    fn give_back(self: Arc<Self>, tenant: K, time: Duration) {
        let mut had = Some((tenant, time));
        loop {
            let next = {
                // Under one lock: a task that asked in between would wait for a permit that is free.
                let mut state = self.state();
                if let Some((tenant, time)) = had.take() {
                    state.tenants.charge(tenant, time);
                }
                let next = state.next();
                state.free += usize::from(next.is_none());
                next
            };
            let Some((tenant, next)) = next else { return };
            match next.send(Permit::new(&self, tenant)) {
                Ok(()) => return,
                // The waiter has given up. Dropping the permit that comes back must not return it a second time.
                Err(mut unsent) => unsent.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests {
    use super::*;

    /// Lines up a waiter of this tenant.
    async fn line_up(
        permits: &Arc<FairSemaphore<&'static str>>,
        tenant: &'static str,
        order: &Arc<Mutex<Vec<&'static str>>>,
    ) {
        let (permits, order) = (permits.clone(), order.clone());
        tokio::spawn(async move {
            let permit = permits.acquire(&tenant, Lane::Light).await;
            order.lock().unwrap().push(tenant);
            tokio::task::yield_now().await;
            drop(permit);
        });
        tokio::task::yield_now().await;
    }

    #[tokio::test(start_paused = true)]
    async fn tenants_take_turns() {
        let (permits, order) = (FairSemaphore::new(1), Arc::default());
        let first = permits.acquire(&"a", Lane::Light).await;
        for tenant in ["a", "a", "a", "a", "b", "c", "b"] {
            line_up(&permits, tenant, &order).await;
        }
        drop(first);
        while order.lock().unwrap().len() < 7 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().unwrap(), ["b", "c", "a", "b", "a", "a", "a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_lets_others_pass() {
        let (permits, order) = (FairSemaphore::new(1), Arc::default());
        let long = permits.acquire(&"a", Lane::Light).await;
        for tenant in ["a", "b", "b", "b", "b", "a"] {
            line_up(&permits, tenant, &order).await;
        }
        tokio::time::advance(Duration::from_millis(150)).await;
        drop(long);
        while order.lock().unwrap().len() < 6 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().unwrap(), ["b", "b", "b", "b", "a", "a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn first_work_has_the_next_permit_and_its_tenant_is_charged() {
        let (permits, order) = (FairSemaphore::new(1), Arc::default());
        let held = permits.acquire(&"a", Lane::Light).await;
        tokio::time::advance(Duration::from_millis(500)).await;
        drop(held);
        let held = permits.acquire(&"b", Lane::Long).await;
        line_up(&permits, "b", &order).await;
        assert!(!permits.another_waits(&"b"));
        let (first, told) = (permits.clone(), order.clone());
        let renders = tokio::spawn(async move {
            let _permit = first.acquire_first(&"a", Lane::Costly).await;
            told.lock().unwrap().push("a, first");
            tokio::time::sleep(Duration::from_millis(300)).await;
        });
        tokio::task::yield_now().await;
        assert!(permits.another_waits(&"b"), "longer work makes way");
        for tenant in ["c", "d", "a"] {
            line_up(&permits, tenant, &order).await;
        }
        drop(held);
        renders.await.unwrap();
        while order.lock().unwrap().len() < 5 {
            tokio::task::yield_now().await;
        }
        let order = order.lock().unwrap();
        assert_eq!(
            (order.first(), order.last()),
            (Some(&"a, first"), Some(&"a")),
            "{order:?}"
        );
    }

    #[tokio::test]
    async fn no_permit_is_lost_with_who_waited_for_it() {
        let permits = FairSemaphore::new(2);
        let both = [
            permits.acquire(&"a", Lane::Light).await,
            permits.acquire(&"a", Lane::Light).await,
        ];
        for tenant in ["a", "b"] {
            let given_up = tokio::time::timeout(
                std::time::Duration::from_millis(1),
                permits.acquire(&tenant, Lane::Light),
            )
            .await;
            assert!(given_up.is_err(), "there are two");
        }
        drop(both);
        let again = [
            permits.acquire(&"a", Lane::Light).await,
            permits.acquire(&"b", Lane::Light).await,
        ];
        assert_eq!(permits.state().free, 0);
        drop(again);
        assert_eq!(permits.state().free, 2);
    }

    #[tokio::test]
    async fn interrupted_work_goes_on_before_other_work_of_its_tenant_that_is_not_lighter() {
        let permits = FairSemaphore::new(1);
        let held = permits.acquire(&"a", Lane::Long).await;
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        for (lane, place, what) in [
            (Lane::Long, Place::Last, "long"),
            (Lane::Large, Place::Last, "large"),
            (Lane::Light, Place::Last, "light"),
            (Lane::Long, Place::Again, "interrupted"),
            (Lane::Light, Place::Last, "light too"),
        ] {
            let (permits, order) = (permits.clone(), order.clone());
            tokio::spawn(async move {
                let _permit = permits.wait(&"a", lane, place).await;
                order.lock().unwrap().push(what);
            });
            tokio::task::yield_now().await;
        }
        drop(held);
        while order.lock().unwrap().len() < 5 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            *order.lock().unwrap(),
            ["light", "light too", "interrupted", "long", "large"]
        );
    }

    #[tokio::test]
    async fn work_makes_way_for_lighter_work_alone() {
        let permits = FairSemaphore::new(1);
        let held = permits.acquire(&"a", Lane::Long).await;
        assert!(!permits.lighter_waits(Lane::Large));
        let waits = tokio::spawn({
            let permits = permits.clone();
            async move { permits.acquire(&"b", Lane::Long).await }
        });
        tokio::task::yield_now().await;
        assert!(permits.lighter_waits(Lane::Large) && !permits.lighter_waits(Lane::Long));
        drop(held);
        drop(waits.await.unwrap());
        assert!(!permits.lighter_waits(Lane::Large));
    }
}
