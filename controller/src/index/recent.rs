//! What happened to a name lately. Bounded in number and in time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::object_name::ObjectName;

/// Names that are remembered at most; of more, the oldest go.
pub(crate) const REMEMBERED: usize = 4096;

/// Names with the instant at which something happened to them last.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    last: HashMap<ObjectName, Instant>,
    order: VecDeque<(Instant, ObjectName)>,
}

impl Recent {
    /// Remembers that it happened to `name`, and forgets what is older than `age`.
    pub(crate) fn note(&mut self, name: ObjectName, now: Instant, age: Duration) {
        let old = |at: &Instant| now.saturating_duration_since(*at) > age;
        while self.order.len() >= REMEMBERED || self.order.front().is_some_and(|(at, _)| old(at)) {
            let Some((at, name)) = self.order.pop_front() else {
                break;
            };
            if self.last.get(&name) == Some(&at) {
                self.last.remove(&name);
            }
        }
        self.last.insert(name.clone(), now);
        self.order.push_back((now, name));
    }

    /// When it happened to `name` last, if that is remembered.
    pub(crate) fn at(&self, name: &ObjectName) -> Option<Instant> {
        self.last.get(name).copied()
    }

    /// Forgets `name`.
    pub(crate) fn forget(&mut self, name: &ObjectName) {
        self.last.remove(name);
    }

    /// How much is remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.order.len().max(self.last.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> ObjectName {
        ObjectName {
            namespace: "ns".to_owned(),
            name: n.to_string(),
        }
    }

    #[test]
    fn the_latest_counts_and_what_is_old_goes() {
        let (start, age) = (Instant::now(), Duration::from_secs(10));
        let mut recent = Recent::default();
        recent.note(name(1), start, age);
        recent.note(name(1), start + age / 2, age);
        recent.note(name(2), start + age + age / 4, age);
        assert_eq!(
            recent.at(&name(1)),
            Some(start + age / 2),
            "its first time went, not its second"
        );
        recent.forget(&name(1));
        assert_eq!(recent.at(&name(1)), None);
        recent.note(name(3), start + 3 * age, age);
        assert_eq!((recent.at(&name(2)), recent.len()), (None, 1));
    }

    #[test]
    fn it_is_bounded() {
        let mut recent = Recent::default();
        let now = Instant::now();
        for n in 0..3 * REMEMBERED {
            recent.note(name(n), now, Duration::from_secs(10));
        }
        assert_eq!(recent.len(), REMEMBERED);
        assert!(recent.at(&name(0)).is_none() && recent.at(&name(3 * REMEMBERED - 1)).is_some());
    }
}
