//! Slices.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use crate::types::Type;
use crate::value::{Value, map};

/// A Go slice: a window on an array that other slices may share.
#[derive(Clone)]
pub struct List(Rc<Window>);

struct Window {
    element: &'static Type,
    array: Rc<Array>,
    start: usize,
    len: usize,
    capacity: usize,
    nil: bool,
}

/// The array under slices. Dropped without recursion, however deep lists are nested in lists.
struct Array(RefCell<Vec<Value>>);

impl Drop for Array {
    fn drop(&mut self) {
        map::drop_flat(std::mem::take(self.0.get_mut()).into_iter());
    }
}

impl List {
    /// A slice of these items, whose array has no further capacity. The caller ensures that each has the element type.
    pub fn new(element: &'static Type, items: Vec<Value>) -> List {
        List::whole(element, items, false)
    }

    /// The nil slice of this element type: empty, and `null` in JSON.
    pub fn nil(element: &'static Type) -> List {
        List::whole(element, Vec::new(), true)
    }

    fn whole(element: &'static Type, items: Vec<Value>, nil: bool) -> List {
        let len = items.len();
        List(Rc::new(Window {
            element,
            array: Rc::new(Array(RefCell::new(items))),
            start: 0,
            len,
            capacity: len,
            nil,
        }))
    }

    /// The type of the elements.
    pub fn element_type(&self) -> &'static Type {
        self.0.element
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Its capacity: how far slicing can extend it.
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The elements. The list must not be changed while the result lives: call [`List::to_vec`] before calling anything
    /// that could.
    pub fn items(&self) -> Ref<'_, [Value]> {
        Ref::map(self.0.array.0.borrow(), |items| {
            items.get(self.0.start..self.0.start + self.0.len).unwrap_or_default()
        })
    }

    /// The elements, copied (each a shallow clone).
    pub fn to_vec(&self) -> Vec<Value> {
        self.items().to_vec()
    }

    /// The element at a place.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items().get(index).cloned()
    }

    /// The window `[from:to]` on the same array, with room up to `limit`, all counted from this one's start. `None`
    /// unless `from ≤ to ≤ limit ≤ capacity`.
    pub fn slice(&self, from: usize, to: usize, limit: usize) -> Option<List> {
        if from > to || to > limit || limit > self.0.capacity {
            return None;
        }
        Some(List(Rc::new(Window {
            element: self.0.element,
            array: Rc::clone(&self.0.array),
            start: self.0.start + from,
            len: to - from,
            capacity: limit - from,
            nil: self.0.nil,
        })))
    }

    /// Sorts the shared array in place, as Go's `sort` does.
    pub fn sort_by(&self, compare: impl FnMut(&Value, &Value) -> std::cmp::Ordering) {
        if let Some(window) = self
            .0
            .array
            .0
            .borrow_mut()
            .get_mut(self.0.start..self.0.start + self.0.len)
        {
            window.sort_by(compare);
        }
    }

    /// Whether this is the only reference to the window.
    pub(super) fn is_sole(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }

    /// Takes the elements out when the array is not shared.
    pub(super) fn into_sole_items(self) -> Option<Vec<Value>> {
        let window = Rc::into_inner(self.0)?;
        Rc::into_inner(window.array).map(|array| array.0.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(list: &List) -> Vec<i128> {
        list.items().iter().filter_map(Value::integer).collect()
    }

    #[test]
    fn windows_share_one_array() {
        let whole = List::new(&Type::Int, [3, 1, 2].map(Value::Int).to_vec());
        let part = whole.slice(0, 2, 3).unwrap();
        part.sort_by(|a, b| a.integer().cmp(&b.integer()));
        assert_eq!(numbers(&whole), [1, 3, 2]);
        assert_eq!(numbers(&part.slice(0, 3, 3).unwrap()), [1, 3, 2]);
        assert!(whole.slice(0, 4, 4).is_none() && whole.slice(2, 1, 3).is_none());
    }

    #[test]
    fn a_list_nested_very_deep_is_dropped_without_overflow() {
        let mut value = Value::list(Vec::new());
        for _ in 0..1_000_000 {
            value = Value::list(vec![value]);
        }
        drop(value);
    }
}
