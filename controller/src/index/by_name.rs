//! A map by namespace and name, which holds each namespace once.

use std::collections::HashMap;

use crate::object_ref::ObjectName;
use crate::shrink::shrink;

/// What is known by namespace and name. The values are in boxes: a map that grows has room for twice its entries.
#[derive(Debug)]
pub(super) struct ByName<T>(HashMap<Box<str>, HashMap<Box<str>, Box<T>>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Default> ByName<T> {
    pub(super) fn get(&self, name: &ObjectName) -> Option<&T> {
        self.0.get(&*name.namespace)?.get(&*name.name).map(|value| &**value)
    }

    pub(super) fn get_mut(&mut self, name: &ObjectName) -> Option<&mut T> {
        let named = self.0.get_mut(&*name.namespace)?;
        named.get_mut(&*name.name).map(|value| &mut **value)
    }

    /// What is known by that name; a new value, if there is none.
    pub(super) fn get_or_new(&mut self, name: &ObjectName) -> &mut T {
        let named = self.0.entry(name.namespace.as_str().into()).or_default();
        named.entry(name.name.as_str().into()).or_default()
    }

    pub(super) fn remove(&mut self, name: &ObjectName) {
        let Some(named) = self.0.get_mut(&*name.namespace) else {
            return;
        };
        named.remove(&*name.name);
        shrink(named);
        if named.is_empty() {
            self.0.remove(&*name.namespace);
            shrink(&mut self.0);
        }
    }

    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|namespace| &**namespace)
    }

    /// Names and values of one namespace.
    pub(super) fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = (&str, &T)> {
        let named = self.0.get(namespace).into_iter().flatten();
        named.map(|(name, value)| (&**name, &**value))
    }

    /// The names in `namespace`, or in all, whose values are `wanted`.
    pub(super) fn names(&self, namespace: Option<&str>, wanted: impl Fn(&T) -> bool) -> Vec<ObjectName> {
        let namespaces = self
            .namespaces()
            .filter(|other| namespace.is_none_or(|one| one == *other));
        let names = namespaces.flat_map(|namespace| {
            let wanted = self.of_namespace(namespace).filter(|(_, value)| wanted(value));
            wanted.map(|(name, _)| ObjectName {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        });
        names.collect()
    }

    /// Removes what of a namespace is not to be kept.
    pub(super) fn retain(&mut self, namespace: &str, mut keep: impl FnMut(&mut T) -> bool) {
        if let Some(named) = self.0.get_mut(namespace) {
            named.retain(|_, value| keep(value));
            shrink(named);
            if named.is_empty() {
                self.0.remove(namespace);
                shrink(&mut self.0);
            }
        }
    }

    /// The values of `namespace`, or all.
    pub(super) fn values_mut(&mut self, namespace: Option<&str>) -> impl Iterator<Item = &mut T> {
        let all = self.0.iter_mut();
        let wanted = all.filter(move |(other, _)| namespace.is_none_or(|one| one == &***other));
        wanted.flat_map(|(_, named)| named.values_mut().map(|value| &mut **value))
    }
}
