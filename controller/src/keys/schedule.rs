//! When the next key is made. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long a running controller waits without an active key before it makes one: a Secret that was deleted by mistake
/// can be restored meanwhile, and a relabelling may be followed by another key.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// Shortest time between two keys that are made unasked, unless the renewal period is shorter: an API server's clock that
/// is behind dates each new key before the cut-off, and the next would be due at once.
pub(crate) const FLOOR: Duration = Duration::from_secs(60);

/// How far the begin of a certificate may be ahead of the clock here. Clocks of a cluster differ by seconds or minutes.
const AHEAD: Duration = Duration::from_secs(3600);

/// Whether a key whose certificate begins then was made by a clock that was ahead of the one here.
pub(crate) fn is_ahead(begin: Timestamp, now: Timestamp) -> bool {
    begin > after(now, AHEAD)
}

/// What the decision rests on. How long ago something happened is measured, and not by the time of day: that may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyState {
    /// Age of the current key.
    pub current: Option<Timestamp>,
    /// Whether it is from the future ([`is_ahead`]): its own age would never be over.
    pub is_ahead: bool,
    /// Whether a key is wanted whose certificate carries a hybrid key, and there is none of the current one's time.
    pub lacks_hybrid: bool,
    /// How long there has been no active key, in a controller that has had one; `None` at the first start.
    pub lacking_for: Option<Duration>,
    /// How long ago this process made a key last.
    pub made_before: Option<Duration>,
}

/// When the next key is made; `None`: never, as things are.
pub(crate) fn next_key(
    state: KeyState,
    period: Option<Duration>,
    cutoff: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let floor = period.map_or(FLOOR, |period| period.min(FLOOR));
    let pause = state.made_before.map(|before| floor.saturating_sub(before));
    let due = due(state, period, cutoff, now)?;
    Some(due.max(after(now, pause.unwrap_or_default())))
}

fn due(state: KeyState, period: Option<Duration>, cutoff: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let Some(age) = state.current else {
        let wait = state.lacking_for.map(|lacking| GRACE.saturating_sub(lacking));
        return Some(after(now, wait.unwrap_or_default()));
    };
    if state.lacks_hybrid || (state.is_ahead && period.is_some()) {
        return Some(now);
    }
    // A cut-off in the future takes effect when it comes; before that, a new key would only be cut off in its turn.
    let cut_off = cutoff.filter(|cutoff| age < *cutoff);
    let renewed = period.map(|period| after(age, period));
    cut_off.into_iter().chain(renewed).min()
}

fn after(instant: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    instant.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let (now, noon) = (Some("2024-06-01T00:00:00Z"), Some("2024-06-01T12:00:00Z"));
        let soon = Some("2024-06-01T00:00:30Z");
        // Half a day, twelve days and a month old.
        let (young, middle, old) = (
            Some("2024-05-31T12:00:00Z"),
            Some("2024-05-20T00:00:00Z"),
            Some("2024-05-01T00:00:00Z"),
        );
        let (passed, later) = (Some("2024-05-15T00:00:00Z"), Some("2024-07-01T00:00:00Z"));
        let (day, endless) = (Some(24), Some(u64::MAX / 3600));
        let end = Some("9999-12-30T22:00:00.999999999Z");
        // (name, current, seconds without, period in hours, cut-off, expected)
        let cases = [
            ("first start", None, None, day, None, now),
            ("first start, renewal off", None, None, None, None, now),
            ("the only key is gone", None, Some(30), day, None, soon),
            ("gone for long", None, Some(3600), None, None, now),
            ("young", young, None, day, None, noon),
            ("old", old, None, day, None, now),
            ("old, renewal off", old, None, None, None, None),
            ("cut off", old, None, None, passed, now),
            ("newer than the cut-off", middle, None, None, passed, None),
            ("cut off later", middle, None, None, later, later),
            ("due before the cut-off", young, None, day, later, noon),
            ("beyond the end of time", young, None, endless, None, end),
        ];
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (name, current, lacking, period, cutoff, expected) in cases {
            let state = KeyState {
                current: current.map(at),
                lacks_hybrid: false,
                is_ahead: false,
                lacking_for: lacking.map(Duration::from_secs),
                made_before: None,
            };
            let period = period.map(|hours| Duration::from_secs(hours * 3600));
            assert_eq!(
                next_key(state, period, cutoff.map(at), at(now.unwrap())),
                expected.map(at),
                "{name}"
            );
        }
    }

    #[test]
    fn keys_that_are_never_new_enough_are_not_made_in_a_loop() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (now, cutoff) = (at("2024-06-01T00:00:00Z"), Some(at("2024-05-31T00:00:00Z")));
        let next = |made_before: Option<Duration>, current: Option<&str>, period: Option<u64>| {
            let state = KeyState {
                current: current.map(at),
                lacks_hybrid: false,
                is_ahead: false,
                lacking_for: None,
                made_before,
            };
            next_key(state, period.map(Duration::from_secs), cutoff, now)
        };
        // The API server's clock is a year behind: the key that was made just now is as old as that.
        let behind = Some("2023-06-01T00:00:00Z");
        assert_eq!(next(None, behind, None), Some(now), "the first one is made at once");
        let now_made = Some(Duration::ZERO);
        let in_a_minute = Some(at("2024-06-01T00:01:00Z"));
        assert_eq!(next(now_made, behind, None), in_a_minute);
        assert_eq!(next(now_made, behind, Some(30 * 24 * 3600)), in_a_minute);
        assert_eq!(next(now_made, None, None), in_a_minute, "it went at once");
        let period = Some(at("2024-06-01T00:00:08Z"));
        assert_eq!(next(now_made, behind, Some(8)), period, "a short period is meant");
        let new = Some("2024-06-01T00:00:00Z");
        assert_eq!(next(now_made, new, None), None, "one that is new enough is enough");
    }

    #[test]
    fn key_from_the_future_is_followed_at_once() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (now, begin) = (at("2024-06-01T00:00:00Z"), at("2034-06-01T00:00:00Z"));
        assert!(is_ahead(begin, now) && !is_ahead(at("2024-06-01T00:59:00Z"), now));
        let state = |made_before| KeyState {
            current: Some(begin),
            lacks_hybrid: false,
            is_ahead: is_ahead(begin, now),
            lacking_for: None,
            made_before,
        };
        let period = Some(Duration::from_secs(30 * 24 * 3600));
        assert_eq!(next_key(state(None), period, None, now), Some(now));
        let floor = next_key(state(Some(Duration::from_secs(20))), period, None, now);
        assert_eq!(
            floor,
            Some(at("2024-06-01T00:00:40Z")),
            "whatever the time of day was then"
        );
        assert_eq!(next_key(state(None), None, None, now), None, "renewal is off");
    }

    #[test]
    fn a_key_for_the_sake_of_its_hybrid_half_is_due_at_once_and_not_in_a_row() {
        let now = "2024-06-01T00:00:00Z".parse::<Timestamp>().unwrap();
        let state = |lacks_hybrid, made_before| KeyState {
            current: Some(now),
            lacks_hybrid,
            is_ahead: false,
            lacking_for: None,
            made_before,
        };
        assert_eq!(next_key(state(false, None), None, None, now), None);
        assert_eq!(next_key(state(true, None), None, None, now), Some(now));
        let made = Some(Duration::from_secs(20));
        assert_eq!(
            next_key(state(true, made), None, None, now),
            Some(after(now, Duration::from_secs(40)))
        );
    }
}
