//! A bound on the memory that the values of a source take, charged before they are made.
//!
//! The prices are what the allocator gives for them, rounded up: trees of 64-bit pointers with nodes half full, vectors that
//! double. A test measures them (`controller`'s black box: `one_request_takes_little_memory`).

use std::cell::Cell;
use std::mem::size_of;

use super::error::{DocumentError, Place};

/// An entry of a map beside its text: the key twice, a slot in the tree of values and in that of marks, and its mark.
pub(super) const ENTRY: usize = 448;
/// The first nodes of the two trees of a map that is not empty.
pub(super) const MAP: usize = 1024;
/// An item of a list: a value and a mark, in vectors that double.
pub(super) const ITEM: usize = 384;

/// The bytes that may still be taken.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }

    pub(super) fn unlimited() -> Self {
        Self::new(usize::MAX)
    }

    /// Takes so many bytes; `false`: there are not so many left.
    pub(super) fn pay(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or_default());
        left.is_some()
    }

    /// As [`Budget::pay`], for what stands at `place`.
    pub(super) fn charge(&self, bytes: usize, place: Place) -> Result<(), DocumentError> {
        if self.pay(bytes) {
            Ok(())
        } else {
            Err(DocumentError::TooLarge { place })
        }
    }

    /// Takes what a vector of so many `T` may have reserved.
    pub(super) fn charge_slots<T>(&self, count: usize, place: Place) -> Result<(), DocumentError> {
        self.charge(count.saturating_mul(3 * size_of::<T>()), place)
    }
}
