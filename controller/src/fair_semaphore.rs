//! A semaphore whose permits go to tenants in turn: however many of one tenant wait, another waits for its turn only. A tenant
//! that has held a permit for long lets the others pass for as many turns.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// A permit that is held for longer costs its tenant a turn for each of these.
const TURN: Duration = Duration::from_millis(50);
/// Most turns that a tenant lets pass.
const MOST_TURNS: u32 = 100;

/// The permits, and who waits for one. `K` tells tenants apart.
#[derive(Debug)]
pub(crate) struct FairSemaphore<K: Clone + Eq + Hash>(Mutex<State<K>>);

#[derive(Debug)]
struct State<K: Clone + Eq + Hash> {
    /// Permits that nobody has; none while somebody waits.
    free: usize,
    /// Tenants with somebody who waits, in turn.
    turns: VecDeque<K>,
    waiting: HashMap<K, VecDeque<oneshot::Sender<Permit<K>>>>,
    /// Turns that tenants have to let pass. None is kept while nobody waits.
    owed: HashMap<K, u32>,
}

impl<K: Clone + Eq + Hash> State<K> {
    fn next(&mut self) -> Option<(K, oneshot::Sender<Permit<K>>)> {
        for _ in 1..self.turns.len() {
            let owed = self.turns.front().and_then(|tenant| self.owed.get_mut(tenant));
            let Some(owed) = owed.filter(|owed| **owed > 0) else {
                break;
            };
            *owed -= 1;
            self.turns.rotate_left(1);
        }
        let tenant = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&tenant)?;
        let first = waiting.pop_front()?;
        if waiting.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.turns.push_back(tenant.clone());
        }
        if self.turns.is_empty() {
            self.owed.clear();
        }
        Some((tenant, first))
    }

    /// A tenant has held a permit for so long.
    fn held(&mut self, tenant: K, time: Duration) {
        let turns = u32::try_from(time.as_millis() / TURN.as_millis()).unwrap_or(MOST_TURNS);
        if turns > 0 && !self.turns.is_empty() {
            let owed = self.owed.entry(tenant).or_default();
            *owed = owed.saturating_add(turns).min(MOST_TURNS);
        }
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
            held.semaphore.state().held(held.tenant, held.since.elapsed());
            held.semaphore.give_back();
        }
    }
}

impl<K: Clone + Eq + Hash> FairSemaphore<K> {
    /// So many permits.
    pub(crate) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            free: permits,
            turns: VecDeque::new(),
            waiting: HashMap::new(),
            owed: HashMap::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        // No code panics while it holds the lock; if it did, the state would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit, for work of this tenant.
    pub(crate) async fn acquire(self: &Arc<Self>, tenant: &K) -> Permit<K> {
        self.wait(tenant, false).await
    }

    /// A permit that nobody has. There is none while somebody waits for one.
    pub(crate) fn try_acquire(self: &Arc<Self>, tenant: &K) -> Option<Permit<K>> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(Permit::new(self, tenant.clone()))
    }

    /// As [`FairSemaphore::acquire`], in front of the others of this tenant: for work that was interrupted.
    pub(crate) async fn acquire_again(self: &Arc<Self>, tenant: &K) -> Permit<K> {
        self.wait(tenant, true).await
    }

    /// Whether another tenant waits for a permit.
    pub(crate) fn others_wait(&self, tenant: &K) -> bool {
        self.state().turns.iter().any(|other| other != tenant)
    }

    async fn wait(self: &Arc<Self>, tenant: &K, in_front: bool) -> Permit<K> {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                drop(state);
                return Permit::new(self, tenant.clone());
            }
            let (sender, turn) = oneshot::channel();
            let waiting = state.waiting.entry(tenant.clone()).or_default();
            let is_first = waiting.is_empty();
            if in_front {
                waiting.push_front(sender);
            } else {
                waiting.push_back(sender);
            }
            if is_first {
                state.turns.push_back(tenant.clone());
            }
            turn
        };
        // The sender is dropped without a word by nobody; if it were, the work would be done all the same.
        turn.await.unwrap_or(Permit(None))
    }

    /// Gives a permit to the next in turn who still waits.
    fn give_back(self: Arc<Self>) {
        loop {
            let next = {
                // Under one lock: whoever came in between would wait for a permit that nobody has.
                let mut state = self.state();
                let next = state.next();
                state.free += usize::from(next.is_none());
                next
            };
            let Some((tenant, next)) = next else { return };
            match next.send(Permit::new(&self, tenant)) {
                Ok(()) => return,
                // Whoever waited has given up; what comes back is this permit, and gives nothing back itself.
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

    /// Puts somebody of this tenant in the line.
    async fn line_up(
        permits: &Arc<FairSemaphore<&'static str>>,
        tenant: &'static str,
        order: &Arc<Mutex<Vec<&'static str>>>,
    ) {
        let (permits, order) = (permits.clone(), order.clone());
        tokio::spawn(async move {
            let permit = permits.acquire(&tenant).await;
            order.lock().unwrap().push(tenant);
            tokio::task::yield_now().await;
            drop(permit);
        });
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn tenants_take_turns() {
        let (permits, order) = (FairSemaphore::new(1), Arc::default());
        let first = permits.acquire(&"a").await;
        for tenant in ["a", "a", "a", "a", "b", "c", "b"] {
            line_up(&permits, tenant, &order).await;
        }
        drop(first);
        while order.lock().unwrap().len() < 7 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().unwrap(), ["a", "b", "c", "a", "b", "a", "a"]);
    }

    #[tokio::test]
    async fn long_work_lets_others_pass() {
        let (permits, order) = (FairSemaphore::new(1), Arc::default());
        let long = permits.acquire(&"a").await;
        for tenant in ["a", "b", "b", "b", "b", "a"] {
            line_up(&permits, tenant, &order).await;
        }
        std::thread::sleep(3 * TURN);
        drop(long);
        while order.lock().unwrap().len() < 6 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().unwrap(), ["b", "b", "b", "a", "b", "a"]);
        assert!(permits.state().owed.is_empty());
    }

    #[tokio::test]
    async fn no_permit_is_lost_with_who_waited_for_it() {
        let permits = FairSemaphore::new(2);
        let both = [permits.acquire(&"a").await, permits.acquire(&"a").await];
        for tenant in ["a", "b"] {
            let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), permits.acquire(&tenant)).await;
            assert!(given_up.is_err(), "there are two");
        }
        drop(both);
        let again = [permits.acquire(&"a").await, permits.acquire(&"b").await];
        assert_eq!(permits.state().free, 0);
        drop(again);
        assert_eq!(permits.state().free, 2);
    }

    #[tokio::test]
    async fn interrupted_work_goes_on_before_other_work_of_its_tenant() {
        let permits = FairSemaphore::new(1);
        let held = permits.acquire(&"a").await;
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        line_up(&permits, "a", &order).await;
        assert!(!permits.others_wait(&"a") && permits.others_wait(&"b"));
        let (again, seen) = (permits.clone(), order.clone());
        let interrupted = tokio::spawn(async move {
            let _permit = again.acquire_again(&"a").await;
            seen.lock().unwrap().push("interrupted");
        });
        tokio::task::yield_now().await;
        drop(held);
        interrupted.await.unwrap();
        while order.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().unwrap(), ["interrupted", "a"]);
    }
}
