//! What happened to a name lately. Bounded in number and in time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::object_ref::ObjectName;

/// Names of one namespace that are remembered at most; of more, the oldest go. What happens in one namespace, however often,
/// has nothing forgotten of another.
pub(crate) const REMEMBERED: usize = 1024;

/// Names with the instant at which something happened to them last.
#[derive(Debug, Default)]
pub(crate) struct TtlCache {
    namespaces: HashMap<String, OfNamespace>,
    swept: Option<Instant>,
}

impl TtlCache {
    /// Remembers that it happened to `name`, and forgets what is older than `age`.
    pub(crate) fn note(&mut self, name: ObjectName, now: Instant, age: Duration) {
        if self
            .swept
            .is_none_or(|swept| now.saturating_duration_since(swept) > age)
        {
            self.namespaces.retain(|_, recent| {
                recent
                    .order
                    .back()
                    .is_some_and(|(at, _)| now.saturating_duration_since(*at) <= age)
            });
            self.swept = Some(now);
        }
        self.namespaces
            .entry(name.namespace.clone())
            .or_default()
            .note(name, now, age);
    }

    /// When it happened to `name` last, if that is remembered.
    pub(crate) fn at(&self, name: &ObjectName) -> Option<Instant> {
        self.namespaces.get(&name.namespace)?.last.get(name).copied()
    }

    /// Forgets `name`.
    pub(crate) fn forget(&mut self, name: &ObjectName) {
        if let Some(recent) = self.namespaces.get_mut(&name.namespace) {
            recent.last.remove(name);
        }
    }

    /// How much is remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let recent = self.namespaces.values();
        recent.map(|recent| recent.order.len().max(recent.last.len())).sum()
    }
}

/// The names of one namespace.
#[derive(Debug, Default)]
struct OfNamespace {
    last: HashMap<ObjectName, Instant>,
    order: VecDeque<(Instant, ObjectName)>,
}

impl OfNamespace {
    fn note(&mut self, name: ObjectName, now: Instant, age: Duration) {
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
        let mut recent = TtlCache::default();
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
        let mut recent = TtlCache::default();
        let now = Instant::now();
        for n in 0..3 * REMEMBERED {
            recent.note(name(n), now, Duration::from_secs(10));
        }
        assert_eq!(recent.len(), REMEMBERED);
        let elsewhere = ObjectName {
            namespace: "other".to_owned(),
            name: "one".to_owned(),
        };
        recent.note(elsewhere.clone(), now, Duration::from_secs(10));
        for n in 0..3 * REMEMBERED {
            recent.note(name(n), now, Duration::from_secs(10));
        }
        assert_eq!(recent.at(&elsewhere), Some(now), "another namespace's");
        assert!(recent.at(&name(0)).is_none() && recent.at(&name(3 * REMEMBERED - 1)).is_some());
    }
}
