//! What is remembered of the passes over one SealedSecret.

use std::collections::BTreeSet;
use std::num::NonZeroI64;
use std::time::Duration;

use crds::reasons;
use jiff::{SignedDuration, Timestamp};
use sealing::input_digest::Packed;
use sealing::key::Fingerprint;

use super::compact::Version;
use super::sealed_entry::SealedEntry;
use crate::digest;
use crate::error::{Failure, Retry};

/// The last reported result, by this process or, according to the status, by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The generation that it is about.
    pub generation: Option<i64>,
    /// The failure; `None`: synced.
    pub failure: Option<Said>,
    /// When it was reported.
    pub at: Option<Timestamp>,
}

/// The reported failure. Each failing object holds one for as long as it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The conditions' reason, shortened.
    pub reason: Box<str>,
    /// Digest of their message, which takes up to 4 KiB and is only compared.
    message: u64,
}

impl Said {
    /// Longest reason that is kept, in bytes: others may write statuses, too. All of ours are shorter.
    const LONGEST_REASON: usize = 64;

    /// This reason, with this message.
    pub(crate) fn new(reason: &str, message: &str) -> Self {
        let end = reason.floor_char_boundary(Self::LONGEST_REASON);
        Self {
            reason: reason.get(..end).unwrap_or_default().into(),
            message: digest::of(message),
        }
    }
}

impl Reported {
    /// Whether `other` says the same.
    pub(crate) fn says_what(&self, other: &Self) -> bool {
        let message = |reported: &Self| reported.failure.as_ref().map(|said| said.message);
        self.generation == other.generation && message(self) == message(other)
    }

    /// Whether `other` is a failure of the same kind, perhaps with another message.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let alike = |(a, b): (&Said, &Said)| a.reason == b.reason;
        self.generation == other.generation && self.failure.as_ref().zip(other.failure.as_ref()).is_some_and(alike)
    }
}

/// What is remembered of the passes over one SealedSecret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReconcileState {
    /// uid of the SealedSecret: a recreated one starts without a state.
    pub uid: String,
    /// The last reported result.
    pub reported: Option<Reported>,
    /// Failures in a row.
    pub attempts: u32,
    /// How often its Secret was repaired in quick succession.
    pub repairs: Repairs,
    /// How the last failure is retried; `None`: there is none.
    pub retry: Option<Retry>,
    /// resourceVersion of the Secret as it was last read or written.
    pub secret_version: Option<String>,
    /// resourceVersion of the Secret as last written, if the API server's admission altered it: it would alter it again.
    pub admitted: Option<String>,
    /// Digest of the input of the last pass that succeeded.
    pub input_digest: Option<String>,
    /// Digest of the input whose Secret has no owner: it is not created again.
    pub orphan_digest: Option<String>,
    /// Whether the last pass could not write the status: the next pass is not skipped.
    pub unfinished: bool,
    /// The result of the last pass, if its status could not be written.
    pub unsaid: Option<Box<Unsaid>>,
    /// Why the last pass failed, if an existing Secret was in the way.
    pub obstacle: Option<Obstacle>,
}

/// A result that another pass would repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsaid {
    /// Digest of the input.
    pub input_digest: String,
    /// Version of the keys.
    pub keys: u64,
    /// The keys that opened the object, or why nothing can be made of it.
    pub outcome: Result<BTreeSet<Fingerprint>, Failure>,
}

/// A failure because of an existing Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// Digest of the input.
    pub input_digest: String,
    /// The failure.
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

/// How often a Secret was repaired while its SealedSecret did not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    /// Number in quick succession.
    count: u32,
    last: Option<Timestamp>,
}

impl Repairs {
    /// Repairs allowed before backing off. Manual edits do not reach this number; a controller that wants another Secret would go
    /// on without end.
    const FREE: u32 = 5;
    /// Two repairs with more time between them are not in quick succession.
    const QUICK: SignedDuration = SignedDuration::from_mins(1);

    /// Whether something else overwrites the Secret as often as it is repaired.
    pub(crate) fn are_contested(self) -> bool {
        self.count > Self::FREE
    }

    /// The rest of a pause after the last repair, while the Secret is contested. A wake-up meanwhile (by the watch's report of
    /// that repair, at least) does not tell whether the Secret stays as it is.
    pub(crate) fn rest(self, pause: Duration, now: Timestamp) -> Option<Duration> {
        let since = self.last.filter(|_| self.are_contested())?.until(now).ok()?;
        let left = pause.checked_sub(Duration::try_from(since).ok()?)?;
        (!left.is_zero()).then_some(left)
    }

    /// Adds a repair. A contested Secret stays contested, however long the pause before this repair was.
    pub(crate) fn and_one(self, now: Timestamp) -> Self {
        let quick = |last: Timestamp| now.duration_since(last) <= Self::QUICK;
        let follows = self.are_contested() || self.last.is_some_and(quick);
        Self {
            count: if follows { self.count.saturating_add(1) } else { 1 },
            last: Some(now),
        }
    }
}

impl ReconcileState {
    /// Whether its templates exceed a limit, which no key changes.
    pub(crate) fn is_over_limit(&self) -> bool {
        let failure = self.reported.as_ref().and_then(|reported| reported.failure.as_ref());
        failure.is_some_and(|said| &*said.reason == reasons::OVER_LIMIT)
    }

    /// Whether nothing is left to do after the last pass.
    pub(crate) fn is_settled(&self) -> bool {
        !self.unfinished && self.retry.is_none()
    }
}

/// A [`ReconcileState`] in the cache. That of an object in sync, which most are, takes little memory.
#[derive(Debug)]
pub(super) enum KeptState {
    /// Only that it was in sync. The time of the report is left out: only failures need it.
    InSync {
        generation: Option<NonZeroI64>,
        secret_version: Option<Version>,
        /// `None`: that of the cached entry.
        input_digest: Option<Box<Packed>>,
    },
    Other(Box<ReconcileState>),
}

impl KeptState {
    /// `entry` is the cached entry of the SealedSecret.
    pub(super) fn new(memory: ReconcileState, entry: &SealedEntry) -> Self {
        let Some(input) = memory.input_digest.as_deref() else {
            return Self::Other(Box::new(memory));
        };
        let reported = memory.reported.as_ref();
        let in_sync = Self::InSync {
            generation: reported.and_then(|reported| NonZeroI64::new(reported.generation?)),
            secret_version: memory.secret_version.as_deref().map(Version::from),
            input_digest: Some(Packed::from(input))
                .filter(|input| *input != entry.digest)
                .map(Box::new),
        };
        let mut timeless = memory.clone();
        timeless.reported = timeless.reported.map(|reported| Reported { at: None, ..reported });
        if in_sync.memory(entry) == timeless {
            in_sync
        } else {
            Self::Other(Box::new(memory))
        }
    }

    /// The state; `entry` is the cached entry of the SealedSecret.
    pub(super) fn memory(&self, entry: &SealedEntry) -> ReconcileState {
        match self {
            Self::InSync {
                generation,
                secret_version,
                input_digest,
            } => ReconcileState {
                uid: entry.uid.to_string(),
                reported: Some(Reported {
                    generation: generation.map(NonZeroI64::get),
                    failure: None,
                    at: None,
                }),
                secret_version: secret_version.as_ref().map(ToString::to_string),
                input_digest: Some(input_digest.as_deref().unwrap_or(&entry.digest).to_string()),
                ..ReconcileState::default()
            },
            Self::Other(memory) => (**memory).clone(),
        }
    }

    /// The cached entry gets another digest than this.
    pub(super) fn hold_digest(&mut self, digest: Packed) {
        if let Self::InSync { input_digest, .. } = self {
            input_digest.get_or_insert_with(|| Box::new(digest));
        }
    }

    /// The whole state, unless the object was in sync.
    pub(super) fn other(&self) -> Option<&ReconcileState> {
        match self {
            Self::InSync { .. } => None,
            Self::Other(memory) => Some(memory),
        }
    }

    /// The SealedSecret has changed: earlier failures do not count.
    pub(super) fn begin_anew(&mut self) {
        if let Self::Other(memory) = self {
            memory.attempts = 0;
            memory.repairs = Repairs::default();
        }
    }

    /// Whether the Secret was last read or written at this version.
    pub(super) fn knows(&self, version: &Version) -> bool {
        match self {
            Self::InSync { secret_version, .. } => secret_version.as_ref() == Some(version),
            Self::Other(memory) => memory.secret_version.as_deref().map(Version::from).as_ref() == Some(version),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.other().is_none_or(ReconcileState::is_settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::StatusEntry;

    fn entry(digest: &str) -> SealedEntry {
        SealedEntry {
            uid: "u1".into(),
            version: "5".into(),
            generation: NonZeroI64::new(3),
            created: None,
            goes: false,
            options: crate::annotation::Options::default(),
            digest: digest.into(),
            instance: None,
            status: StatusEntry {
                says_synced: true,
                generation: NonZeroI64::new(3),
                failure: None,
                conditions: [None; crds::names::CONDITION_TYPES.len()],
                opened_by: [].into(),
                written: None,
            },
        }
    }

    #[test]
    fn failure_is_kept_without_its_text() {
        let failed = |message: &str| Reported {
            generation: Some(3),
            failure: Some(Said::new(&"r".repeat(5000), message)),
            at: None,
        };
        let (one, same, other) = (failed(&"m".repeat(4096)), failed(&"m".repeat(4096)), failed("m"));
        assert!(one.says_what(&same) && !one.says_what(&other) && one.is_like(&other));
        let shown = format!("{one:?}");
        assert!(shown.len() < 200, "{} bytes", shown.len());
    }

    #[test]
    fn nothing_that_matters_is_lost() {
        let in_sync = ReconcileState {
            uid: "u1".to_owned(),
            reported: Some(Reported {
                generation: Some(3),
                failure: None,
                at: None,
            }),
            secret_version: Some("7".to_owned()),
            input_digest: Some("digest".to_owned()),
            ..ReconcileState::default()
        };
        let (before, after) = (entry("digest"), entry("another"));
        let mut kept = KeptState::new(in_sync.clone(), &before);
        assert!(kept.other().is_none(), "{kept:?}");
        assert_eq!(kept.memory(&before), in_sync);
        assert!(kept.is_settled() && kept.knows(&"7".into()) && !kept.knows(&"8".into()));
        assert_eq!(KeptState::new(in_sync.clone(), &after).memory(&after), in_sync);
        kept.hold_digest(before.digest.clone());
        kept.hold_digest(after.digest.clone());
        assert_eq!(kept.memory(&after), in_sync, "of the object as it was");
        let changes: [fn(&mut ReconcileState); 9] = [
            |memory| memory.reported = None,
            |memory| memory.reported.as_mut().unwrap().failure = Some(Said::new("r", "m")),
            |memory| memory.attempts = 1,
            |memory| memory.repairs = memory.repairs.and_one(Timestamp::UNIX_EPOCH),
            |memory| memory.retry = Some(Retry::Slow),
            |memory| memory.admitted = Some("7".to_owned()),
            |memory| memory.orphan_digest = Some("d".to_owned()),
            |memory| memory.unfinished = true,
            |memory| memory.input_digest = None,
        ];
        for change in changes {
            let mut memory = in_sync.clone();
            change(&mut memory);
            let mut kept = KeptState::new(memory.clone(), &before);
            kept.hold_digest(before.digest.clone());
            assert_eq!(kept.memory(&after), memory);
            assert!(kept.other().is_some(), "{memory:?}");
            assert!(kept.knows(&"7".into()));
        }
    }
}
