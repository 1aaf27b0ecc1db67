//! A limit on the memory of a source's values, charged before they are allocated.
//!
//! The prices are what the allocator takes, rounded up: trees of 64-bit pointers with half-full nodes, vectors that
//! double. A test measures them (`one_request_takes_little_memory` in the controller's black box).

use std::cell::Cell;
use std::mem::size_of;

use super::error::{DocumentError, Place};

/// A map entry without its text: the key twice, a slot in the tree of values and in that of marks, and its mark.
pub(super) const ENTRY: usize = 448;
/// The first nodes of the two trees of a map that is not empty.
pub(super) const MAP: usize = 1024;
/// An item of a list: a value and a mark, in vectors that double.
pub(super) const ITEM: usize = 384;

/// Bytes that are left.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }

    pub(super) fn unlimited() -> Self {
        Self::new(usize::MAX)
    }

    /// Charges these bytes; `false` when fewer are left.
    pub(super) fn pay(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or_default());
        left.is_some()
    }

    /// As [`Budget::pay`], with an error for `place`.
    pub(super) fn charge(&self, bytes: usize, place: Place) -> Result<(), DocumentError> {
        if self.pay(bytes) {
            Ok(())
        } else {
            Err(DocumentError::TooLarge { place })
        }
    }

    /// Charges the largest capacity that a vector of this many `T` may have.
    pub(super) fn charge_slots<T>(&self, count: usize, place: Place) -> Result<(), DocumentError> {
        self.charge(count.saturating_mul(3 * size_of::<T>()), place)
    }
}
