//! What the store makes of the time: when the next key is due, and which keys are from the future.

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::warn;

use super::super::schedule::{self, KeyState};
use super::KeyStore;

impl KeyStore {
    /// When the next key is made. Not before the keys that there are have been listed, and by the leader alone.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if !self.listed || !self.leadership.leads() {
            return None;
        }
        let (now, since) = (Timestamp::now(), |instant: Instant| instant.elapsed());
        let current = self.published.borrow().current.clone();
        let begin = current.as_ref().map(|current| current.cert.not_before());
        let state = KeyState {
            current: current.map(|current| current.age),
            is_ahead: begin.is_some_and(|begin| schedule::is_ahead(begin, now)),
            lacking_for: self.lacking_since.map(since),
            made_before: self.made.map(since),
        };
        let by_age = schedule::next_key(state, self.settings.renew_period, self.settings.cutoff, now);
        let due = if self.owed { now } else { by_age? };
        let wait = self
            .not_before
            .map(|not_before| not_before.saturating_duration_since(Instant::now()));
        Some(
            wait.and_then(|wait| now.checked_add(wait).ok())
                .map_or(due, |earliest| due.max(earliest)),
        )
    }

    pub(super) fn is_due(&self) -> bool {
        self.due().is_some_and(|due| due <= Timestamp::now())
    }

    /// Names each key Secret from the future once.
    pub(super) fn name_from_the_future(&mut self, now: Timestamp) {
        for (secretname, begin) in self.inventory.ahead(now) {
            if self.named.insert(secretname.to_owned()) {
                warn!(secretname, %begin, "a key is from the future: a clock is wrong, or was when it was made");
            }
        }
    }
}
