//! What is remembered of the passes over one SealedSecret.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Failure, REASON_OVER_LIMIT, Retry};

/// What was made known of a SealedSecret, by this process or, as its status shows, by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The generation that it was about.
    pub generation: Option<i64>,
    /// The failure; `None`: synced.
    pub failure: Option<Said>,
    /// When it was made known.
    pub at: Option<Timestamp>,
}

/// What is said of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The conditions' reason.
    pub reason: String,
    /// Their message.
    pub message: String,
}

impl Reported {
    /// Whether a reader learns nothing new from `other`.
    pub(crate) fn says_what(&self, other: &Self) -> bool {
        let message = |reported: &Self| reported.failure.as_ref().map(|said| said.message.clone());
        self.generation == other.generation && message(self) == message(other)
    }

    /// Whether `other` is a failure of the same kind, perhaps in other words.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let alike = |(a, b): (&Said, &Said)| a.reason == b.reason;
        self.generation == other.generation && self.failure.as_ref().zip(other.failure.as_ref()).is_some_and(alike)
    }
}

/// What is remembered of the passes over one SealedSecret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// uid of the SealedSecret: one that was made anew begins anew.
    pub uid: String,
    /// What was made known last.
    pub reported: Option<Reported>,
    /// Failures in a row.
    pub attempts: u32,
    /// How often its Secret was put right, in quick succession.
    pub repairs: Repairs,
    /// When the last failure is tried again; `None`: there is none.
    pub retry: Option<Retry>,
    /// resourceVersion of the Secret as it was last read or written.
    pub secret_version: Option<String>,
    /// resourceVersion of the Secret as it was last written, where the API server's admission made something of it otherwise:
    /// it would do the same again.
    pub admitted: Option<String>,
    /// Digest of the input of the last pass that succeeded.
    pub input_digest: Option<String>,
    /// Digest of the input of which a Secret was made that is nobody's: it is not made again.
    pub orphan_digest: Option<String>,
    /// Whether the last pass could not write the status: the next one is not skipped.
    pub unfinished: bool,
    /// The Secret that was in the way of the last pass, if that is why it failed.
    pub obstacle: Option<Obstacle>,
}

/// A failure for the sake of the Secret that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// Digest of the input.
    pub input_digest: String,
    /// What is said of it.
    pub failure: Failure,
}

impl Obstacle {
    /// From the outcome of a pass.
    pub(crate) fn of(failure: &Failure, input_digest: &str) -> Option<Self> {
        failure.is_of_a_secret_in_the_way().then(|| Self {
            input_digest: input_digest.to_owned(),
            failure: failure.clone(),
        })
    }
}

/// How often a Secret was put right while its SealedSecret stayed as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    /// In quick succession.
    count: u32,
    last: Option<Timestamp>,
}

impl Repairs {
    /// So many are made at once. Somebody who edits a Secret by hand does not come this far; a controller that wants another
    /// Secret than this one would go on for ever.
    const FREE: u32 = 5;
    /// Two of them with more time between them are not in quick succession.
    const QUICK: SignedDuration = SignedDuration::from_mins(1);

    /// Whether somebody else writes the Secret back as often as it is put right.
    pub(crate) fn are_contested(self) -> bool {
        self.count > Self::FREE
    }

    /// How much of a pause after the last one is left, where they are contested. What wakes the object meanwhile (the watch's
    /// word of that very repair, at least) says nothing of how long the Secret stays as it is.
    pub(crate) fn rest(self, pause: Duration, now: Timestamp) -> Option<Duration> {
        let since = self.last.filter(|_| self.are_contested())?.until(now).ok()?;
        let left = pause.checked_sub(Duration::try_from(since).ok()?)?;
        (!left.is_zero()).then_some(left)
    }

    /// One more. A Secret that is contested stays so, however long the pause before this repair was.
    pub(crate) fn and_one(self, now: Timestamp) -> Self {
        let quick = |last: Timestamp| now.duration_since(last) <= Self::QUICK;
        let follows = self.are_contested() || self.last.is_some_and(quick);
        Self {
            count: if follows { self.count.saturating_add(1) } else { 1 },
            last: Some(now),
        }
    }
}

impl Memory {
    /// Whether its templates go over a limit, which no key changes.
    pub(crate) fn is_over_limit(&self) -> bool {
        let failure = self.reported.as_ref().and_then(|reported| reported.failure.as_ref());
        failure.is_some_and(|said| said.reason == REASON_OVER_LIMIT)
    }

    /// Whether the last pass left nothing to do.
    pub(crate) fn is_settled(&self) -> bool {
        !self.unfinished && self.retry.is_none()
    }
}
