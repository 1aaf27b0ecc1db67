//! The generic cell rate algorithm: who may do how much, one bucket each, in a table that is bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// One each interval, and so many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// The time in which one comes back.
    pub interval: Duration,
    /// How many there are at once.
    pub limit: u32,
}

/// What is said of one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether it is allowed.
    pub allowed: bool,
    /// How many there are at once.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// The time until all of them are there again.
    pub reset: Duration,
    /// The time until another is allowed, where this one is not.
    pub retry_after: Option<Duration>,
}

impl Rate {
    /// The algorithm: `missing` is the time until the bucket is full, and what is asked for takes one interval out of it.
    pub(crate) fn judge(self, missing: Duration) -> Verdict {
        let tolerance = self.interval.saturating_mul(self.limit);
        let after = missing + self.interval;
        let allowed = after <= tolerance;
        let reset = if allowed { after } else { missing };
        let left = tolerance.saturating_sub(reset).as_nanos() / self.interval.as_nanos().max(1);
        Verdict {
            allowed,
            limit: self.limit,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset,
            retry_after: (!allowed).then(|| after - tolerance),
        }
    }
}

/// The buckets of all who asked lately.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    /// When the bucket of each is full again; `None` is the crowd.
    full_at: HashMap<Option<K>, Instant>,
    /// How many are kept; who comes beyond shares one with others.
    most: usize,
    /// When full buckets were forgotten last.
    swept: Option<Instant>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Keeps at most `most` of them.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            full_at: HashMap::new(),
            most,
            swept: None,
        }
    }

    /// Whether there is no room for a bucket of its own for `who`.
    pub(crate) fn is_crowded(&mut self, who: &Option<K>, now: Instant) -> bool {
        self.sweep(now);
        self.full_at.len() >= self.most && !self.full_at.contains_key(who)
    }

    /// When the bucket of `who` is full again.
    pub(crate) fn full_at(&mut self, who: K, now: Instant) -> &mut Instant {
        let who = Some(who);
        let crowded = self.is_crowded(&who, now);
        let full_at = self.full_at.entry(who.filter(|_| !crowded)).or_insert(now);
        *full_at = (*full_at).max(now);
        full_at
    }

    /// Takes one out of the bucket of `who`; says whether there was one.
    pub(crate) fn take(&mut self, who: K, rate: Rate, now: Instant) -> bool {
        let full_at = self.full_at(who, now);
        let verdict = rate.judge(*full_at - now);
        *full_at = now + verdict.reset;
        verdict.allowed
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.full_at.len()
    }

    /// Forgets full buckets when the table is full; at most once a second, since a crowd would make everyone walk the table.
    fn sweep(&mut self, now: Instant) {
        let lately = self
            .swept
            .is_some_and(|swept| now.saturating_duration_since(swept) < Duration::from_secs(1));
        if self.full_at.len() >= self.most && !lately {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.swept = Some(now);
        }
    }
}
