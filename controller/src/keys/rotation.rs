//! How far the making of the next key is. Pure but for the clock that never goes back, which is given.

use std::time::Duration;

use sealing::key::Fingerprint;
use tokio::time::Instant;

use crate::backoff;

const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(300);

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Rotation {
    /// The next key is made when its time has come.
    #[default]
    Idle,
    /// A key was asked for: it is made whatever the age of the current one.
    Requested,
    /// The last tries failed.
    Backoff(Backoff),
    /// The last tries failed, and in one of them a Secret with this key was sent and not answered: it may be there.
    Unconfirmed(Fingerprint, Backoff),
}

/// Tries that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Instant,
    /// Whether the key was asked for.
    requested: bool,
}

impl Rotation {
    /// A key is asked for. A pause after a failure is not waited for: whoever asks may have mended the cause.
    pub(crate) fn request(&mut self) {
        match self {
            Self::Idle | Self::Requested => *self = Self::Requested,
            Self::Backoff(backoff) | Self::Unconfirmed(_, backoff) => backoff.requested = true,
        }
    }

    /// A try failed. `sent`: the key whose Secret was sent and not answered in it.
    pub(crate) fn fail(&mut self, sent: Option<Fingerprint>, now: Instant) {
        let failures = self.backoff().map_or(0, |backoff| backoff.failures).saturating_add(1);
        let backoff = Backoff {
            failures,
            not_before: now + backoff::growing(failures, RETRY_FIRST, RETRY_LONGEST),
            requested: self.is_requested(),
        };
        *self = match sent.or_else(|| self.unconfirmed().cloned()) {
            Some(key) => Self::Unconfirmed(key, backoff),
            None => Self::Backoff(backoff),
        };
    }

    /// Whether a key was asked for, and is not made yet.
    pub(crate) fn is_requested(&self) -> bool {
        matches!(self, Self::Requested) || self.backoff().is_some_and(|backoff| backoff.requested)
    }

    /// The key whose Secret may be there, though its creation was not answered.
    pub(crate) fn unconfirmed(&self) -> Option<&Fingerprint> {
        match self {
            Self::Unconfirmed(key, _) => Some(key),
            Self::Idle | Self::Requested | Self::Backoff(_) => None,
        }
    }

    /// How much longer the next try waits after one that failed.
    pub(crate) fn pause(&self, now: Instant) -> Duration {
        self.backoff().map_or(Duration::ZERO, |backoff| {
            backoff.not_before.saturating_duration_since(now)
        })
    }

    fn backoff(&self) -> Option<&Backoff> {
        match self {
            Self::Backoff(backoff) | Self::Unconfirmed(_, backoff) => Some(backoff),
            Self::Idle | Self::Requested => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use sealing::key::PrivateKey;

    use super::*;

    fn key() -> Fingerprint {
        PrivateKey::generate(2048).unwrap().public().fingerprint().clone()
    }

    #[test]
    fn failures_pause_longer_each_time() {
        let now = Instant::now();
        let mut rotation = Rotation::default();
        assert_eq!(rotation.pause(now), Duration::ZERO);
        for seconds in [2, 4, 8] {
            rotation.fail(None, now);
            assert_eq!(rotation.pause(now), Duration::from_secs(seconds));
        }
        assert_eq!(rotation.pause(now + Duration::from_secs(9)), Duration::ZERO);
        assert!(!rotation.is_requested() && rotation.unconfirmed().is_none());
    }

    #[test]
    fn requests_and_unanswered_keys_outlive_failures() {
        let now = Instant::now();
        let (first, second) = (key(), key());
        let mut rotation = Rotation::default();
        rotation.request();
        rotation.fail(Some(first.clone()), now);
        rotation.fail(None, now);
        assert!(rotation.is_requested());
        assert_eq!(rotation.unconfirmed(), Some(&first));
        rotation.fail(Some(second.clone()), now);
        assert_eq!(rotation.unconfirmed(), Some(&second));
        let mut rotation = Rotation::default();
        rotation.fail(None, now);
        assert!(!rotation.is_requested());
        rotation.request();
        assert!(rotation.is_requested() && rotation.pause(now) > Duration::ZERO);
    }
}
