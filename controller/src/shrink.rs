//! Tables that give back their room: of a table that was large once, std's keep it.

use std::collections::HashMap;
use std::hash::Hash;

/// A table of so few is left as it is.
const FEW: usize = 64;

/// Gives back most of the room of a table of which less than a quarter is taken. Called after what is removed, it moves each
/// entry a bounded number of times.
pub(crate) fn shrink<K: Eq + Hash, V>(table: &mut HashMap<K, V>) {
    if table.capacity() / 4 > table.len().max(FEW) {
        table.shrink_to(2 * table.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_follows_what_is_there() {
        let mut table: HashMap<usize, ()> = (0..10_000).map(|n| (n, ())).collect();
        let full = table.capacity();
        for n in 0..10_000 {
            table.remove(&n);
            shrink(&mut table);
            assert!(table.capacity() <= 4 * table.len().max(FEW) + 3, "{}", table.capacity());
        }
        assert!(table.capacity() < full / 16);
    }
}
