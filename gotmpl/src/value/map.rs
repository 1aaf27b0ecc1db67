//! Maps.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::types::Type;
use crate::value::{Str, Value};

/// A Go map with string keys, shared by its clones. Ordered as Go prints and ranges: by bytes of the key.
#[derive(Clone)]
pub struct Map(Rc<Content>);

struct Content {
    element: &'static Type,
    nil: bool,
    entries: RefCell<BTreeMap<Str, Value>>,
    /// Whether the engine has registered it, to empty it when the rendering ends.
    held: Cell<bool>,
}

impl Drop for Content {
    fn drop(&mut self) {
        drop_flat(std::mem::take(self.entries.get_mut()).into_values());
    }
}

/// Drops values without recursion: unshared containers wait in a queue, the rest is dropped at once.
pub(super) fn drop_flat(values: impl Iterator<Item = Value>) {
    let is_last = |value: &Value| match value {
        Value::List(list) => list.is_sole(),
        Value::Map(map) => Rc::strong_count(&map.0) == 1,
        _ => false,
    };
    let mut queue: Vec<Value> = values.filter(is_last).collect();
    while let Some(value) = queue.pop() {
        match value {
            Value::List(list) => queue.extend(list.into_sole_items().into_iter().flatten().filter(is_last)),
            Value::Map(map) => {
                if let Some(content) = Rc::into_inner(map.0) {
                    queue.extend(content.entries.take().into_values().filter(is_last));
                }
            }
            _ => {}
        }
    }
}

impl Map {
    /// An empty map with elements of this type.
    pub fn new(element: &'static Type) -> Map {
        Map::with(element, BTreeMap::new(), false)
    }

    /// The nil map: empty and immutable.
    pub fn nil(element: &'static Type) -> Map {
        Map::with(element, BTreeMap::new(), true)
    }

    fn with(element: &'static Type, entries: BTreeMap<Str, Value>, nil: bool) -> Map {
        Map(Rc::new(Content {
            element,
            nil,
            entries: RefCell::new(entries),
            held: Cell::new(false),
        }))
    }

    /// A `map[string]string`.
    pub fn of_strings<K: Into<Str>, V: Into<Str>>(entries: impl IntoIterator<Item = (K, V)>) -> Map {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.into(), Value::string(value)));
        Map::with(&Type::String, entries.collect(), false)
    }

    /// The type of the elements.
    pub fn element_type(&self) -> &'static Type {
        self.0.element
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// Whether both are the same map, not only equal ones.
    pub fn is_same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The element under a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow().get(key).cloned()
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.0.entries.borrow().contains_key(key)
    }

    /// Inserts an element; the caller ensures that it has the element type. Returns `false`, without a change, for the
    /// nil map, where Go panics.
    #[must_use]
    pub fn insert(&self, key: impl Into<Str>, value: Value) -> bool {
        if !self.0.nil {
            let old = self.0.entries.borrow_mut().insert(key.into(), value);
            drop(old); // After the borrow: dropping a map that holds this one must not find it borrowed.
        }
        !self.0.nil
    }

    /// Removes an element.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow_mut().remove(key)
    }

    /// The entries in the order of their keys. The map must not be changed while the result lives: call [`Map::to_vec`]
    /// before calling anything that could.
    pub fn entries(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.0.entries.borrow()
    }

    /// The entries in the order of their keys, copied (each a shallow clone).
    pub fn to_vec(&self) -> Vec<(Str, Value)> {
        let entries = self.0.entries.borrow();
        entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Registers it with the engine; `true` the first time.
    pub(crate) fn hold(&self) -> bool {
        !self.0.held.replace(true)
    }

    /// Empties it, which breaks every cycle that goes through it.
    pub fn clear(&self) {
        let entries = self.0.entries.take();
        drop(entries);
    }
}

/// The entries of a map with elements of type `interface {}`.
impl<K: Into<Str>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Map {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
        Map::with(&Type::Any, entries.collect(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_and_keys_are_in_the_order_of_their_bytes() {
        let map: Map = [("b", Value::Int(1)), ("a", Value::Int(2))].into_iter().collect();
        assert!(map.clone().insert("B", Value::Nil));
        let keys: Vec<_> = map.to_vec().into_iter().map(|(key, _)| key.to_vec()).collect();
        assert_eq!(keys, [b"B".to_vec(), b"a".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn nothing_enters_the_nil_map() {
        let map = Map::nil(&Type::Any);
        assert!(!map.insert("a", Value::Nil));
        assert!(map.is_empty());
    }

    #[test]
    fn a_map_that_holds_itself_can_be_emptied() {
        let map = Map::new(&Type::Any);
        assert!(map.insert("self", Value::Map(map.clone())));
        map.clear();
        assert!(map.is_empty());
    }
}
