//! Permits for private-key work, as many as cores, given to the namespaces in turn: whoever has many broken objects, each of
//! which costs a try with every key, holds up nobody else by more than one of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Shared by all who open.
#[derive(Debug)]
pub(crate) struct Cores(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Permits that nobody has; none while somebody waits.
    free: usize,
    /// Namespaces with somebody who waits, in turn.
    turns: VecDeque<String>,
    waiting: HashMap<String, VecDeque<oneshot::Sender<Permit>>>,
}

impl State {
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        let namespace = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&namespace)?;
        let first = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&namespace);
        } else {
            self.turns.push_back(namespace);
        }
        first
    }
}

/// The right to use a core, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<Arc<Cores>>);

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(cores) = self.0.take() {
            cores.give_back();
        }
    }
}

impl Cores {
    /// So many permits.
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            free: count,
            ..State::default()
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if it did, the state would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit, for work of this namespace.
    pub(crate) async fn take(self: &Arc<Self>, namespace: &str) -> Permit {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Permit(Some(self.clone()));
            }
            let (sender, turn) = oneshot::channel();
            let waiting = state.waiting.entry(namespace.to_owned()).or_default();
            let is_first = waiting.is_empty();
            waiting.push_back(sender);
            if is_first {
                state.turns.push_back(namespace.to_owned());
            }
            turn
        };
        // The sender is dropped without a word by nobody; if it were, the work would be done all the same.
        turn.await.unwrap_or(Permit(None))
    }

    /// Gives a permit to the next in turn who still waits.
    fn give_back(self: Arc<Self>) {
        let mut permit = Permit(Some(self.clone()));
        loop {
            let Some(next) = self.state().next() else {
                // Nobody waits: it must not be given back once more.
                permit.0 = None;
                self.state().free += 1;
                return;
            };
            match next.send(permit) {
                Ok(()) => return,
                Err(back) => permit = back,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts somebody of this namespace in the line.
    async fn line_up(cores: &Arc<Cores>, namespace: &'static str, order: &Arc<Mutex<Vec<&'static str>>>) {
        let (cores, order) = (cores.clone(), order.clone());
        tokio::spawn(async move {
            let permit = cores.take(namespace).await;
            order.lock().unwrap().push(namespace);
            tokio::task::yield_now().await;
            drop(permit);
        });
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn namespaces_take_turns() {
        let (cores, order) = (Cores::new(1), Arc::default());
        let first = cores.take("a").await;
        for namespace in ["a", "a", "a", "a", "b", "c", "b"] {
            line_up(&cores, namespace, &order).await;
        }
        drop(first);
        while order.lock().unwrap().len() < 7 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().unwrap(), ["a", "b", "c", "a", "b", "a", "a"]);
    }

    #[tokio::test]
    async fn no_permit_is_lost_with_who_waited_for_it() {
        let cores = Cores::new(2);
        let both = [cores.take("a").await, cores.take("a").await];
        for namespace in ["a", "b"] {
            let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), cores.take(namespace)).await;
            assert!(given_up.is_err(), "there are two");
        }
        drop(both);
        let again = [cores.take("a").await, cores.take("b").await];
        assert_eq!(cores.state().free, 0);
        drop(again);
        assert_eq!(cores.state().free, 2);
    }
}
