//! The SealedSecrets that wait for a pass: each once, one namespace after the other, some of them not before a time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::object_ref::ObjectName;

/// Passes of one namespace at a time: objects that take long, or that a webhook holds up, leave the other workers to others.
pub(crate) const OF_A_NAMESPACE: usize = 16;

/// A queue that any number of workers serve. An object is never given to two workers at once.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Names that are ready, by namespace.
    ready: HashMap<String, VecDeque<String>>,
    /// Namespaces that have ready names and fewer than [`OF_A_NAMESPACE`] in work, in turn: a tenant with ten thousand
    /// objects delays another's by one.
    turns: VecDeque<String>,
    /// How many names workers have, by namespace.
    working: HashMap<String, usize>,
    queued: HashSet<ObjectName>,
    /// Names that workers have, and whether they became ready again meanwhile.
    in_work: HashMap<ObjectName, bool>,
    /// Names that become ready later, each at most once.
    later: BTreeMap<(Instant, u64), ObjectName>,
    times: HashMap<ObjectName, (Instant, u64)>,
    serial: u64,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if it did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `name` given to a worker, now.
    pub(crate) fn add(&self, name: ObjectName) {
        self.state().make_ready(name);
        self.changed.notify_one();
    }

    /// Has `name` given to a worker after `pause`, or at the time it already has if that is sooner.
    pub(crate) fn add_after(&self, name: ObjectName, pause: Duration) {
        self.state().make_later(name, Instant::now() + pause);
        self.changed.notify_one();
    }

    /// There is nothing to be done for `name` any more. (What a worker has is finished.)
    pub(crate) fn forget(&self, name: &ObjectName) {
        self.state().forget(name);
    }

    /// How many names are ready and wait for a worker.
    pub(crate) fn waiting(&self) -> usize {
        self.state().queued.len()
    }

    /// Waits for a name that is ready. The worker says [`Queue::done`] when it has finished.
    pub(crate) async fn next(&self) -> ObjectName {
        loop {
            let due = {
                let mut state = self.state();
                state.ripen(Instant::now());
                if let Some(name) = state.take() {
                    if !state.turns.is_empty() {
                        self.changed.notify_one();
                    }
                    return name;
                }
                state.later.keys().next().map(|(due, _)| *due)
            };
            let changed = self.changed.notified();
            match due {
                Some(due) => {
                    let _ = tokio::time::timeout_at(due, changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// The worker has finished with `name`; it is given out again after `pause`, if there is one.
    pub(crate) fn done(&self, name: ObjectName, pause: Option<Duration>) {
        let mut state = self.state();
        let again = state.finish(&name);
        if again {
            state.make_ready(name);
        } else if let Some(pause) = pause {
            state.make_later(name, Instant::now() + pause);
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    fn make_ready(&mut self, name: ObjectName) {
        if let Some(time) = self.times.remove(&name) {
            self.later.remove(&time);
        }
        if let Some(again) = self.in_work.get_mut(&name) {
            *again = true;
        } else if self.queued.insert(name.clone()) {
            let has_room = self.has_room(&name.namespace);
            let waiting = self.ready.entry(name.namespace.clone()).or_default();
            if waiting.is_empty() && has_room {
                self.turns.push_back(name.namespace);
            }
            waiting.push_back(name.name);
        }
    }

    fn has_room(&self, namespace: &str) -> bool {
        self.working.get(namespace).is_none_or(|count| *count < OF_A_NAMESPACE)
    }

    /// No worker has `name` any more; says whether it became ready again meanwhile.
    fn finish(&mut self, name: &ObjectName) -> bool {
        let had_room = self.has_room(&name.namespace);
        if let Some(count) = self.working.get_mut(&name.namespace) {
            *count -= 1;
            if *count == 0 {
                self.working.remove(&name.namespace);
            }
        }
        if !had_room && self.ready.contains_key(&name.namespace) {
            self.turns.push_back(name.namespace.clone());
        }
        self.in_work.remove(name) == Some(true)
    }

    fn make_later(&mut self, name: ObjectName, due: Instant) {
        if self.queued.contains(&name) || self.times.get(&name).is_some_and(|(known, _)| *known <= due) {
            return;
        }
        if let Some(time) = self.times.remove(&name) {
            self.later.remove(&time);
        }
        self.serial += 1;
        let time = (due, self.serial);
        self.times.insert(name.clone(), time);
        self.later.insert(time, name);
    }

    fn forget(&mut self, name: &ObjectName) {
        if let Some(time) = self.times.remove(name) {
            self.later.remove(&time);
        }
        if self.queued.remove(name)
            && let Some(waiting) = self.ready.get_mut(&name.namespace)
        {
            waiting.retain(|other| *other != name.name);
            if waiting.is_empty() {
                self.ready.remove(&name.namespace);
                self.turns.retain(|namespace| *namespace != name.namespace);
            }
        }
    }

    fn ripen(&mut self, now: Instant) {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let name = first.remove();
            self.times.remove(&name);
            self.make_ready(name);
        }
    }

    fn take(&mut self) -> Option<ObjectName> {
        let namespace = self.turns.pop_front()?;
        let waiting = self.ready.get_mut(&namespace)?;
        let name = waiting.pop_front()?;
        let is_last = waiting.is_empty();
        if is_last {
            self.ready.remove(&namespace);
        }
        *self.working.entry(namespace.clone()).or_default() += 1;
        if !is_last && self.has_room(&namespace) {
            self.turns.push_back(namespace.clone());
        }
        let name = ObjectName { namespace, name };
        self.queued.remove(&name);
        self.in_work.insert(name.clone(), false);
        Some(name)
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        let (namespace, name) = text.split_once('/').unwrap();
        ObjectName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    async fn next(queue: &Queue) -> String {
        queue.next().await.to_string()
    }

    async fn idle(queue: &Queue) -> bool {
        tokio::time::timeout(Duration::from_millis(1), queue.next())
            .await
            .is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn namespaces_take_turns() {
        let queue = Queue::default();
        for text in ["a/1", "a/2", "a/3", "b/1", "a/4"] {
            queue.add(name(text));
        }
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(next(&queue).await);
        }
        assert_eq!(order, ["a/1", "b/1", "a/2", "a/3", "a/4"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_takes_no_more_than_its_workers() {
        let queue = Queue::default();
        for n in 0..=OF_A_NAMESPACE {
            queue.add(name(&format!("a/{n}")));
        }
        let mut held = Vec::new();
        for _ in 0..OF_A_NAMESPACE {
            held.push(queue.next().await);
        }
        assert!(idle(&queue).await, "it has all of them");
        queue.add(name("b/1"));
        assert_eq!(next(&queue).await, "b/1");
        queue.add(name("a/more"));
        queue.done(held.remove(0), None);
        assert_eq!(next(&queue).await, format!("a/{OF_A_NAMESPACE}"));
        assert!(idle(&queue).await);
        queue.add(held[0].clone());
        let first = held.remove(0);
        queue.done(first.clone(), None);
        assert_eq!(next(&queue).await, "a/more");
        queue.done(held.remove(0), None);
        assert_eq!(next(&queue).await, first.to_string());
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_waits_once_and_is_never_worked_on_twice() {
        let queue = Queue::default();
        queue.add(name("a/1"));
        queue.add(name("a/1"));
        assert_eq!(queue.waiting(), 1);
        assert_eq!(next(&queue).await, "a/1");
        assert_eq!(queue.waiting(), 0);
        assert!(idle(&queue).await);
        queue.add(name("a/1"));
        assert!(idle(&queue).await, "it is in work");
        queue.done(name("a/1"), Some(Duration::from_secs(60)));
        assert_eq!(
            next(&queue).await,
            "a/1",
            "what came meanwhile does not wait for the pause"
        );
        queue.done(name("a/1"), None);
        assert!(idle(&queue).await);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_kept_and_cut_short() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.add_after(name("a/1"), Duration::from_secs(10));
        queue.add_after(name("a/1"), Duration::from_secs(20));
        queue.add_after(name("a/2"), Duration::from_secs(5));
        assert_eq!(next(&queue).await, "a/2");
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(next(&queue).await, "a/1");
        assert_eq!(start.elapsed().as_secs(), 10);
        queue.done(name("a/1"), Some(Duration::from_secs(100)));
        queue.add(name("a/1"));
        assert_eq!(next(&queue).await, "a/1", "a change does not wait for the pause");
        queue.done(name("a/1"), None);
        assert!(
            tokio::time::timeout(Duration::from_secs(1000), queue.next())
                .await
                .is_err(),
            "the pause went with it"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_of_what_is_forgotten() {
        let queue = Queue::default();
        for text in ["a/1", "a/2", "b/1"] {
            queue.add(name(text));
        }
        queue.add_after(name("c/1"), Duration::from_secs(5));
        for text in ["a/1", "b/1", "c/1", "d/1"] {
            queue.forget(&name(text));
        }
        assert_eq!(next(&queue).await, "a/2");
        queue.done(name("a/2"), None);
        assert!(idle(&queue).await);
        let state = queue.state();
        assert!(state.ready.is_empty() && state.turns.is_empty() && state.queued.is_empty());
        assert!(state.later.is_empty() && state.times.is_empty() && state.in_work.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn several_workers_share_the_work() {
        let queue = std::sync::Arc::new(Queue::default());
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        for n in 0..4 {
            queue.add(name(&format!("a/{n}")));
        }
        let mut seen = HashSet::new();
        for worker in workers {
            seen.insert(worker.await.unwrap());
        }
        assert_eq!(seen.len(), 4);
    }
}
