//! The objects of one watch that cannot be read: each is reported once, and counted.

use std::collections::{HashMap, HashSet};

use crds::Fault;
use prometheus::IntGauge;

use crate::metrics::Metrics;
use crate::object_ref::ObjectName;

pub(super) struct UnreadableObjects {
    gauge: IntGauge,
    faults: HashMap<ObjectName, Fault>,
}

impl UnreadableObjects {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            gauge: metrics.unreadable_objects.clone(),
            faults: HashMap::new(),
        }
    }

    /// Counts an object. Says whether this is news: a write that changes nothing of it is not reported again.
    pub(super) fn insert(&mut self, name: &ObjectName, fault: &Fault) -> bool {
        let before = self.faults.insert(name.clone(), fault.clone());
        if before.is_none() {
            self.gauge.inc();
        }
        before.is_none_or(|before| before != *fault)
    }

    /// An object can be read, or is gone.
    pub(super) fn remove(&mut self, name: &ObjectName) {
        if self.faults.remove(name).is_some() {
            self.gauge.dec();
        }
    }

    /// Those that are not among `listed` are gone.
    pub(super) fn retain(&mut self, listed: &HashSet<ObjectName>) {
        let gone: Vec<_> = self
            .faults
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
        let left = i64::try_from(self.faults.len()).unwrap_or(i64::MAX);
        self.gauge.sub(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(field: &str) -> Fault {
        Fault::Type(field.to_owned())
    }

    #[test]
    fn objects_are_counted_and_reported_once() {
        let metrics = Metrics::new("v1", false).unwrap();
        let name = |name: &str| ObjectName {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        };
        let mut objects = UnreadableObjects::new(&metrics);
        assert!(objects.insert(&name("a"), &fault("spec")));
        assert!(!objects.insert(&name("a"), &fault("spec")), "the same again");
        assert!(objects.insert(&name("a"), &fault("spec.data")));
        assert!(objects.insert(&name("b"), &fault("spec")));
        assert_eq!(metrics.unreadable_objects.get(), 2);
        objects.retain(&HashSet::from([name("b")]));
        assert_eq!(metrics.unreadable_objects.get(), 1);
        drop(objects);
        assert_eq!(metrics.unreadable_objects.get(), 0);
    }
}
