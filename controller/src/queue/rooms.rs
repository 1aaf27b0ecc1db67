//! How many passes of each namespace run at a time: many while most places are free, few for a namespace with slow passes.
//! (A congestion window: it grows with each quick pass and is halved by a slow one.)

use std::collections::HashMap;
use std::time::Duration;

use crate::shrink::shrink;

/// The most passes of one namespace at a time, so that its slow passes leave places to others.
pub(crate) const OF_A_NAMESPACE: usize = 16;
/// A pass that holds its place for longer is slow, whatever it waits for: a webhook, the API server or a core.
const SLOW: Duration = Duration::from_secs(1);

/// The places that each namespace holds.
#[derive(Debug)]
pub(super) struct Rooms {
    /// The most places of one namespace.
    most: usize,
    /// While fewer places than this are taken in all, each namespace may have `most`.
    open: usize,
    taken: usize,
    /// Namespaces that have work or wait.
    of: HashMap<String, Room>,
}

#[derive(Debug)]
struct Room {
    taken: usize,
    /// Places that it may have while most places are taken.
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

    /// Whether few enough places are taken that each namespace may have `most`.
    pub(super) fn is_open(&self) -> bool {
        self.taken < self.open
    }

    /// The namespace takes a place.
    pub(super) fn take(&mut self, namespace: &str) {
        if !self.of.contains_key(namespace) {
            self.of.insert(namespace.to_owned(), Room { taken: 0, width: 1 });
        }
        if let Some(room) = self.of.get_mut(namespace) {
            room.taken += 1;
            self.taken += 1;
        }
    }

    /// The namespace gives a place back, which it held for so long.
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

    /// Nothing of the namespace waits. If nothing is in work either, it is forgotten.
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
