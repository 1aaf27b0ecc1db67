//! Digests of what is compared for as long as the process runs, and never kept beyond.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Texts with the same digest are taken for the same.
pub(crate) fn of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
