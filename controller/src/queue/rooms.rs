//! How many passes of each namespace are in work at a time: many while most places are free, few of one whose passes take long.
//! (A congestion window: it grows with each quick pass and is halved by a slow one.)

use std::collections::HashMap;
use std::time::Duration;

use crate::shrink::shrink;

/// Most passes of one namespace at a time: objects that take long leave the other workers to others.
pub(crate) const OF_A_NAMESPACE: usize = 16;
/// A pass that takes longer is slow: a webhook holds it up, or the API server works on it for long.
const SLOW: Duration = Duration::from_secs(1);

/// Who has how many of the places.
#[derive(Debug)]
pub(super) struct Rooms {
    /// Most of one namespace.
    most: usize,
    /// While fewer are taken in all, each namespace may have so many.
    open: usize,
    taken: usize,
    /// Of namespaces that are not idle.
    of: HashMap<String, Room>,
}

#[derive(Debug)]
struct Room {
    taken: usize,
    /// Places that it may have in any case.
    width: usize,
}

impl Rooms {
    /// Of a lane with so many places.
    pub(super) fn new(places: usize) -> Self {
        let open = (places / 4).max(1);
        Self {
            most: open.min(OF_A_NAMESPACE),
            open,
            taken: 0,
            of: HashMap::new(),
        }
    }

    /// Whether the namespace may have another place.
    pub(super) fn has_room(&self, namespace: &str) -> bool {
        let may = |room: &Room| room.taken < room.width || self.is_open() && room.taken < self.most;
        self.of.get(namespace).is_none_or(may)
    }

    /// Whether each may have all that one may have.
    pub(super) fn is_open(&self) -> bool {
        self.taken < self.open
    }

    /// The namespace has one more.
    pub(super) fn take(&mut self, namespace: &str) {
        if !self.of.contains_key(namespace) {
            self.of.insert(namespace.to_owned(), Room { taken: 0, width: 1 });
        }
        if let Some(room) = self.of.get_mut(namespace) {
            room.taken += 1;
            self.taken += 1;
        }
    }

    /// The namespace has one less, after so long.
    pub(super) fn give_back(&mut self, namespace: &str, after: Duration) {
        if let Some(room) = self.of.get_mut(namespace) {
            room.taken -= 1;
            self.taken -= 1;
            room.width = match after > SLOW {
                true => (room.width / 2).max(1),
                false => (room.width + 1).min(self.most),
            };
        }
    }

    /// Nothing of the namespace waits. If nothing is in work either, nothing is remembered of it.
    pub(super) fn waits_no_more(&mut self, namespace: &str) {
        if self.of.get(namespace).is_some_and(|room| room.taken == 0) {
            self.of.remove(namespace);
            shrink(&mut self.of);
        }
    }

    /// Whether nothing is in work or remembered.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty() && self.taken == 0
    }
}
