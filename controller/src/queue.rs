//! The SealedSecrets that wait for a pass: each once, their namespaces in a fair order, some of them with a time before which
//! they are not due.

mod rooms;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fair_order::FairOrder;
use crate::lanes::Lane;
use crate::object_ref::ObjectName;
use crate::shrink::shrink;

use rooms::Rooms;

/// A queue that any number of workers serve. An object is never given to two workers at once.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Names that are ready, by namespace. There is no entry without names.
    ready: HashMap<String, Ready>,
    /// Namespaces that have ready names, and had room when they came. A tenant with ten thousand objects delays another's by one,
    /// and many namespaces with slow passes delay one with quick passes by next to nothing.
    namespaces: FairOrder<String>,
    /// Namespaces that have ready names and no room.
    full: HashSet<String>,
    /// How many passes of each namespace are in work.
    rooms: Rooms,
    /// How many names are ready.
    waiting: usize,
    /// Names that workers have.
    in_work: HashMap<ObjectName, InWork>,
    /// Names that become ready later, each at most once.
    later: BTreeMap<(Instant, u64), Arc<ObjectName>>,
    times: HashMap<Arc<ObjectName>, (Instant, u64)>,
    serial: u64,
}

/// Names of one namespace, in the order in which they became ready. Each string is held once.
#[derive(Debug, Default)]
struct Ready {
    order: VecDeque<Arc<str>>,
    names: HashSet<Arc<str>>,
}

impl Ready {
    /// Adds a name. Returns whether it is new.
    fn push(&mut self, name: &str) -> bool {
        if self.names.contains(name) {
            return false;
        }
        let name = Arc::from(name);
        self.names.insert(Arc::clone(&name));
        self.order.push_back(name);
        true
    }

    fn pop(&mut self) -> Option<Arc<str>> {
        let name = self.order.pop_front()?;
        self.names.remove(&name);
        Some(name)
    }

    /// Removes a name. Returns whether it was there.
    fn remove(&mut self, name: &str) -> bool {
        let was = self.names.remove(name);
        if was {
            self.order.retain(|other| **other != *name);
        }
        was
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[derive(Debug)]
struct InWork {
    /// `None` while it waits in another queue.
    since: Option<Instant>,
    /// Whether it became ready again meanwhile.
    again: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self::new(Lane::Light.places())
    }
}

impl Queue {
    /// A queue for so many workers.
    pub(crate) fn new(places: usize) -> Self {
        let state = State {
            ready: HashMap::new(),
            namespaces: FairOrder::default(),
            full: HashSet::new(),
            rooms: Rooms::new(places),
            waiting: 0,
            in_work: HashMap::new(),
            later: BTreeMap::new(),
            times: HashMap::new(),
            serial: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and every step leaves the state consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `name` ready.
    pub(crate) fn add(&self, name: ObjectName) {
        self.state().make_ready(name);
        self.changed.notify_one();
    }

    /// Makes `name` ready after `pause`, unless it already becomes ready sooner.
    pub(crate) fn add_after(&self, name: ObjectName, pause: Duration) {
        self.state().make_later(name, Instant::now() + pause);
        self.changed.notify_one();
    }

    /// Removes `name`. A worker that has it goes on.
    pub(crate) fn forget(&self, name: &ObjectName) {
        self.state().forget(name);
    }

    /// How many names are ready.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// Waits for a ready name. The worker calls [`Queue::done`] when it has finished.
    pub(crate) async fn next(&self) -> ObjectName {
        loop {
            let due = {
                let mut state = self.state();
                state.ripen(Instant::now());
                if let Some(name) = state.take() {
                    if !state.namespaces.is_empty() {
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

    /// The worker moves `name` to another queue. It counts as in work here, and its namespace is not charged for the time.
    pub(crate) fn pass_on(&self, name: &ObjectName) {
        let mut state = self.state();
        if let Some(since) = state.in_work.get_mut(name).and_then(|in_work| in_work.since.take()) {
            state.give_back(&name.namespace, since.elapsed());
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The worker has finished with `name`, which becomes ready again after `pause`, if there is one.
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
        self.forget_time(&name);
        if let Some(in_work) = self.in_work.get_mut(&name) {
            in_work.again = true;
            return;
        }
        let ready = self.ready.entry(name.namespace.clone()).or_default();
        let was_empty = ready.is_empty();
        if !ready.push(&name.name) {
            return;
        }
        self.waiting += 1;
        if was_empty {
            self.line_up(name.namespace);
        }
    }

    /// A namespace with ready names waits for its turn, or for room.
    fn line_up(&mut self, namespace: String) {
        if self.rooms.has_room(&namespace) {
            self.namespaces.push(namespace);
        } else {
            self.full.insert(namespace);
        }
    }

    fn is_ready(&self, name: &ObjectName) -> bool {
        let ready = self.ready.get(&name.namespace);
        ready.is_some_and(|ready| ready.names.contains(&*name.name))
    }

    /// Ends the work on `name`. Returns whether it became ready again meanwhile.
    fn finish(&mut self, name: &ObjectName) -> bool {
        let Some(done) = self.in_work.remove(name) else {
            return false;
        };
        shrink(&mut self.in_work);
        if let Some(since) = done.since {
            self.give_back(&name.namespace, since.elapsed());
        }
        done.again
    }

    /// A pass of the namespace has ended, or has left this queue, after so long.
    fn give_back(&mut self, namespace: &str, after: Duration) {
        let was_open = self.rooms.is_open();
        self.rooms.give_back(namespace, after);
        self.namespaces.charge(namespace.to_owned(), after);
        if !self.ready.contains_key(namespace) {
            self.rooms.waits_no_more(namespace);
        }
        if self.rooms.is_open() && !was_open {
            for namespace in std::mem::take(&mut self.full) {
                self.line_up(namespace);
            }
        } else if let Some(namespace) = self.full.take(namespace) {
            self.line_up(namespace);
        }
    }

    fn make_later(&mut self, name: ObjectName, due: Instant) {
        if self.is_ready(&name) || self.times.get(&name).is_some_and(|(known, _)| *known <= due) {
            return;
        }
        self.forget_time(&name);
        self.serial += 1;
        let (time, name) = ((due, self.serial), Arc::new(name));
        self.times.insert(Arc::clone(&name), time);
        self.later.insert(time, name);
    }

    fn forget_time(&mut self, name: &ObjectName) {
        if let Some(time) = self.times.remove(name) {
            self.later.remove(&time);
            shrink(&mut self.times);
        }
    }

    fn forget(&mut self, name: &ObjectName) {
        self.forget_time(name);
        let Some(ready) = self.ready.get_mut(&name.namespace) else {
            return;
        };
        self.waiting -= usize::from(ready.remove(&name.name));
        if ready.is_empty() {
            self.ready.remove(&name.namespace);
            self.namespaces.remove(&name.namespace);
            self.full.remove(&name.namespace);
            self.rooms.waits_no_more(&name.namespace);
            shrink(&mut self.ready);
        }
    }

    fn ripen(&mut self, now: Instant) {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let name = first.remove();
            self.times.remove(&name);
            self.make_ready(Arc::unwrap_or_clone(name));
        }
        shrink(&mut self.times);
    }

    fn take(&mut self) -> Option<ObjectName> {
        // A namespace may have lost its room since it lined up.
        let namespace = self.namespaces.pop_if(|namespace| {
            let has_room = self.rooms.has_room(namespace);
            if !has_room {
                self.full.insert(namespace.clone());
            }
            has_room
        })?;
        let ready = self.ready.get_mut(&namespace)?;
        let name = ready.pop()?.to_string();
        self.waiting -= 1;
        self.rooms.take(&namespace);
        if ready.is_empty() {
            self.ready.remove(&namespace);
            shrink(&mut self.ready);
        } else {
            self.line_up(namespace.clone());
        }
        let name = ObjectName { namespace, name };
        let in_work = InWork {
            since: Some(Instant::now()),
            again: false,
        };
        self.in_work.insert(name.clone(), in_work);
        Some(name)
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
