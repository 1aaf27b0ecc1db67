//! Work on all cores.

use rayon::prelude::*;

/// What `work` makes of each item, in the order of the items.
///
/// # Errors
/// The first failure in that order, whichever happened first in time.
pub(crate) fn in_order<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Send + Sync,
) -> Result<Vec<R>, E> {
    // Starting threads takes longer than most single items do.
    if let [one] = items {
        return Ok(vec![work(one)?]);
    }
    let results: Vec<Result<R, E>> = items.par_iter().map(work).collect();
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        let doubled = in_order(&items, |item| Ok::<_, ()>(item * 2)).unwrap();
        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(in_order(&items[7..8], |item| Ok::<_, ()>(*item)), Ok(vec![7]));
    }

    #[test]
    fn the_first_failure_in_that_order_is_told() {
        let items: Vec<u32> = (0..1000).collect();
        // The late failures are there at once, the first one takes its time.
        let fail = |item: &u32| match item {
            17 => {
                std::thread::sleep(std::time::Duration::from_millis(50));
                Err(17)
            }
            18.. => Err(*item),
            _ => Ok(()),
        };
        assert_eq!(in_order(&items, fail), Err(17));
    }
}
