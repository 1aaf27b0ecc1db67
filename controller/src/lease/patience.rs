//! How long the election waits for an answer, and what a Lease that is written meanwhile has to say. Pure.
//!
//! Where the API server takes seconds for a write, a renewal that is given up early is one that never succeeds, and a Lease
//! that lasts as long as in good times is over before its next renewal is answered. So both grow with what was measured.

use std::time::Duration;

use super::LeaseTimes;

/// Longest wait for an answer, unless the flags say more.
const LONGEST: Duration = Duration::from_secs(24);

/// How long an answer is waited for.
#[derive(Debug)]
pub(super) struct Patience {
    times: LeaseTimes,
    now: Duration,
}

impl Patience {
    pub(super) fn new(times: LeaseTimes) -> Self {
        let now = shortest(&times);
        Self { times, now }
    }

    /// How long the answer to the next request is waited for.
    pub(super) fn lasts(&self) -> Duration {
        self.now
    }

    /// A write was answered after this time.
    pub(super) fn answered(&mut self, took: Duration) {
        self.now = self.clamped(took * 2);
    }

    /// A request was given up after this time. One that failed at once says nothing of how long an answer takes.
    pub(super) fn gave_up(&mut self, after: Duration) {
        if after >= self.now {
            self.now = self.clamped(self.now * 2);
        }
    }

    fn clamped(&self, wanted: Duration) -> Duration {
        let shortest = shortest(&self.times);
        wanted.clamp(shortest, LONGEST.max(shortest))
    }

    /// How long a leader writes after the begin of a renewal: until the next one is answered.
    pub(super) fn writes_for(&self) -> Duration {
        self.times.renew_deadline + self.extra() * 2
    }

    /// What that renewal says of how long its holder is respected, in whole seconds. What is over when the leader ceases to
    /// write grows too: its last write may be as slow.
    pub(super) fn lease_duration(&self) -> Duration {
        let lasts = self.times.lease_duration + self.extra() * 3;
        Duration::from_secs(lasts.as_secs() + u64::from(lasts.subsec_nanos() != 0))
    }

    /// How much more than in good times is waited.
    fn extra(&self) -> Duration {
        self.now.saturating_sub(shortest(&self.times))
    }
}

/// In good times: two tries fit into a leader's time.
fn shortest(times: &LeaseTimes) -> Duration {
    times.renew_deadline.saturating_sub(times.retry_period) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(patience: &Patience) -> [u64; 3] {
        [
            patience.lasts().as_secs(),
            patience.writes_for().as_secs(),
            patience.lease_duration().as_secs(),
        ]
    }

    #[test]
    fn it_grows_with_slow_answers_and_shrinks_with_quick_ones() {
        let mut patience = Patience::new(LeaseTimes::DEFAULT);
        assert_eq!(seconds(&patience), [3, 8, 12], "what the flags say");
        patience.gave_up(Duration::from_secs(1));
        assert_eq!(seconds(&patience), [3, 8, 12], "it failed at once");
        patience.gave_up(Duration::from_secs(3));
        assert_eq!(seconds(&patience), [6, 14, 21]);
        patience.answered(Duration::from_secs(4));
        assert_eq!(seconds(&patience), [8, 18, 27]);
        for _ in 0..9 {
            patience.gave_up(Duration::from_secs(60));
        }
        assert_eq!(seconds(&patience), [24, 50, 75], "it is bounded");
        patience.answered(Duration::from_millis(10));
        assert_eq!(seconds(&patience), [3, 8, 12]);
    }

    /// A renewal that begins at once after the answer of the one before is answered before the leader's time is over.
    #[test]
    fn renewals_that_take_long_leave_no_gap() {
        let mut patience = Patience::new(LeaseTimes::DEFAULT);
        for took in (1..=12).map(Duration::from_secs) {
            patience.answered(took);
            assert!(took * 2 <= patience.writes_for(), "{took:?}");
            assert!(patience.writes_for() < patience.lease_duration(), "{took:?}");
        }
    }
}
