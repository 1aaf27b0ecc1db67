//! The objects of one watch that cannot be read: each is reported once, and counted.

use std::collections::HashMap;

use crds::Fault;
use prometheus::IntGauge;

use crate::metrics::Metrics;
use crate::object_ref::ObjectName;

pub(super) struct UnreadableObjects {
    gauge: IntGauge,
    faults: HashMap<ObjectName, Listed>,
}

/// An object that cannot be read.
struct Listed {
    fault: Fault,
    /// The list that is read now, or was read last, has it.
    is_listed: bool,
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
        let now = Listed {
            fault: fault.clone(),
            is_listed: true,
        };
        let before = self.faults.insert(name.clone(), now);
        if before.is_none() {
            self.gauge.inc();
        }
        before.is_none_or(|before| before.fault != *fault)
    }

    /// An object can be read, or is gone. Says whether it was counted.
    pub(super) fn remove(&mut self, name: &ObjectName) -> bool {
        let was_counted = self.faults.remove(name).is_some();
        if was_counted {
            self.gauge.dec();
        }
        was_counted
    }

    /// All are about to be listed.
    pub(super) fn list_begins(&mut self) {
        for object in self.faults.values_mut() {
            object.is_listed = false;
        }
    }

    /// Those that the list did not have.
    pub(super) fn not_listed(&self) -> Vec<ObjectName> {
        let missing = self.faults.iter().filter(|(_, object)| !object.is_listed);
        missing.map(|(name, _)| name.clone()).collect()
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
        let metrics = Metrics::new("v1", false, std::sync::Arc::default()).unwrap();
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
        objects.list_begins();
        assert!(!objects.insert(&name("b"), &fault("spec")));
        assert_eq!(objects.not_listed(), [name("a")]);
        assert!(objects.remove(&name("a")) && !objects.remove(&name("a")));
        assert_eq!(metrics.unreadable_objects.get(), 1);
        drop(objects);
        assert_eq!(metrics.unreadable_objects.get(), 0);
    }
}
