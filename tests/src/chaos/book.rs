//! The expected state: the values of each object, and the number of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The expected state of one object.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Every value that was ever asked for.
    pub values: BTreeSet<u64>,
    /// The one that it is to have now; none when the SealedSecret was deleted.
    pub current: Option<u64>,
    /// How often a client other than the controller changed something of it.
    pub changes: u64,
}

/// All that was asked for.
#[derive(Debug, Default)]
pub struct Pages {
    /// By the object's name.
    pub objects: BTreeMap<String, Wanted>,
    /// How many keys the rule for renewals allows at most.
    pub keys: usize,
    /// Faults so far, and kills: each may cost one more try.
    pub faults: u64,
    last: u64,
}

impl Pages {
    /// Asks for a new value of that object: one above all before.
    pub fn edit(&mut self, name: &str) -> u64 {
        self.last += 1;
        let value = self.last;
        let wanted = self.change(name);
        wanted.values.insert(value);
        wanted.current = Some(value);
        value
    }

    /// Notes that something of that object is changed.
    pub fn change(&mut self, name: &str) -> &mut Wanted {
        let wanted = self.objects.entry(name.to_owned()).or_default();
        wanted.changes += 1;
        wanted
    }
}

/// The pages, as several threads read and write them.
#[derive(Debug, Default)]
pub struct Book(Mutex<Pages>);

impl Book {
    /// Opens it.
    pub fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
