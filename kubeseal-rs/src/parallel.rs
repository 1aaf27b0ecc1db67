//! Work on all cores.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// What `work` makes of each item that `source` hands over, in the order of the items. Work begins while the source is
/// still read.
///
/// # Errors
/// That of the source; else the first failure in that order, whichever happened first in time.
pub(crate) fn in_order<T: Send, R: Send, E: Send>(
    source: impl FnOnce(&mut dyn FnMut(T)) -> Result<(), E>,
    work: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (sender, receiver) = mpsc::channel::<(usize, T)>();
    let (receiver, results) = (Mutex::new(receiver), Mutex::new(Vec::new()));
    let until_done = || {
        loop {
            let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((position, item)) = next else { return };
            let result = work(item);
            results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((position, result));
        }
    };
    let read = thread::scope(|scope| {
        let mut count = 0;
        let read = source(&mut |item| {
            // The receiver lives as long as this.
            let _ = sender.send((count, item));
            count += 1;
            // Starting threads takes longer than most single items do.
            if count == 2 {
                for _ in 1..cores() {
                    scope.spawn(until_done);
                }
            }
        });
        drop(sender);
        until_done();
        read
    });
    read?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs work that calculates and then writes files, with rayon inside: on more threads than there are cores, because a
/// thread that waits for the disk leaves its core idle.
pub(crate) fn with_writes<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    const THREADS_A_CORE: usize = 8;
    match rayon::ThreadPoolBuilder::new()
        .num_threads(THREADS_A_CORE * cores())
        .build()
    {
        Ok(pool) => pool.install(work),
        // Rayon's own threads do it too.
        Err(_) => work(),
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::in_order;

    fn doubled<E: Send>(
        items: impl IntoIterator<Item = u32>,
        end: Result<(), E>,
        work: impl Fn(u32) -> Result<u32, E> + Sync,
    ) -> Result<Vec<u32>, E> {
        let source = |take: &mut dyn FnMut(u32)| {
            items.into_iter().for_each(take);
            end
        };
        in_order(source, work)
    }

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for count in [0, 1, 2, 1000] {
            let work = |item: u32| Ok::<_, ()>(item * 2);
            let expected = (0..count).map(|item| item * 2).collect();
            assert_eq!(doubled(0..count, Ok(()), work), Ok(expected));
        }
    }

    #[test]
    fn the_first_failure_in_that_order_is_told() {
        // The late failures are there at once, the first one takes its time.
        let fail = |item| match item {
            17 => {
                std::thread::sleep(std::time::Duration::from_millis(50));
                Err(17)
            }
            18.. => Err(item),
            item => Ok(item),
        };
        assert_eq!(doubled(0..1000, Ok(()), fail), Err(17));
        assert_eq!(
            doubled(0..1000, Err(5000), fail),
            Err(5000),
            "what ends the source comes first"
        );
    }
}
