//! Growing pauses between tries.

use std::time::Duration;

use jiff::Timestamp;

/// Pause before try `attempt` (from 1): `first`, then twice as long each time, at most `longest`.
pub(crate) fn growing(attempt: u32, first: Duration, longest: Duration) -> Duration {
    let factor = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// Pauses of a watch that failed: an API server that comes back is noticed within seconds.
#[derive(Debug, Default)]
pub(crate) struct WatchPauses(u32);

const WATCH_FIRST: Duration = Duration::from_millis(250);
const WATCH_LONGEST: Duration = Duration::from_secs(5);

impl Iterator for WatchPauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0 = self.0.saturating_add(1);
        Some(growing(self.0, WATCH_FIRST, WATCH_LONGEST))
    }
}

impl kube::runtime::utils::Backoff for WatchPauses {
    fn reset(&mut self) {
        self.0 = 0;
    }
}

/// Longest sleep at a time, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Sleeps until `due`, or for ever where that is never; may wake before.
pub(crate) async fn until(due: Option<Timestamp>) {
    let left = due.map_or(LONGEST_SLEEP, |due| {
        Duration::try_from(due - Timestamp::now()).unwrap_or_default()
    });
    tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pause = |attempt| growing(attempt, Duration::from_secs(2), Duration::from_secs(300)).as_secs();
        assert_eq!([1, 2, 3, 8, 9, 40, u32::MAX].map(pause), [2, 4, 8, 256, 300, 300, 300]);
    }
}
