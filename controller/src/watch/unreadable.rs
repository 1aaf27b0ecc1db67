//! The objects of one watch that cannot be read: each is reported once, and counted.

use std::collections::{HashMap, HashSet};

use prometheus::IntGauge;

use crate::metrics::Metrics;
use crate::object_name::ObjectName;

pub(super) struct UnreadableObjects {
    gauge: IntGauge,
    fields: HashMap<ObjectName, String>,
}

impl UnreadableObjects {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            gauge: metrics.unreadable_objects.clone(),
            fields: HashMap::new(),
        }
    }

    /// Counts an object. Says whether this is news: a write that changes nothing of it is not reported again.
    pub(super) fn insert(&mut self, name: &ObjectName, field: &str) -> bool {
        let before = self.fields.insert(name.clone(), field.to_owned());
        if before.is_none() {
            self.gauge.inc();
        }
        before.is_none_or(|before| before != field)
    }

    /// An object can be read, or is gone.
    pub(super) fn remove(&mut self, name: &ObjectName) {
        if self.fields.remove(name).is_some() {
            self.gauge.dec();
        }
    }

    /// Those that are not among `listed` are gone.
    pub(super) fn retain(&mut self, listed: &HashSet<ObjectName>) {
        let gone: Vec<_> = self
            .fields
            .keys()
            .filter(|name| !listed.contains(name))
            .cloned()
            .collect();
        for name in &gone {
            self.remove(name);
        }
    }
}

impl Drop for UnreadableObjects {
    fn drop(&mut self) {
        let left = i64::try_from(self.fields.len()).unwrap_or(i64::MAX);
        self.gauge.sub(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_and_reported_once() {
        let metrics = Metrics::new("v1", false).unwrap();
        let name = |name: &str| ObjectName {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        };
        let mut objects = UnreadableObjects::new(&metrics);
        assert!(objects.insert(&name("a"), "spec"));
        assert!(!objects.insert(&name("a"), "spec"), "the same again");
        assert!(objects.insert(&name("a"), "spec.data"));
        assert!(objects.insert(&name("b"), "spec"));
        assert_eq!(metrics.unreadable_objects.get(), 2);
        objects.retain(&HashSet::from([name("b")]));
        assert_eq!(metrics.unreadable_objects.get(), 1);
        drop(objects);
        assert_eq!(metrics.unreadable_objects.get(), 0);
    }
}
