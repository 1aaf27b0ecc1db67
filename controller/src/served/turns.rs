//! Which of the labelled namespaces begins to be served when: so many at a time, and one whose label comes and goes after
//! growing pauses. Pure.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff;

/// Pauses of a namespace that is served again and again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A namespace that was not begun for this long begins at once.
const QUIET: Duration = Duration::from_secs(600);

/// The namespaces that have the labels and are not served yet.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: BTreeSet<String>,
    begun: HashMap<String, Begun>,
}

/// How often a namespace was begun, and when last.
#[derive(Debug)]
struct Begun {
    times: u32,
    last: Instant,
}

impl Turns {
    /// A namespace has the labels.
    pub(super) fn appears(&mut self, name: String) {
        self.waiting.insert(name);
    }

    /// It has them no more, or is gone.
    pub(super) fn goes(&mut self, name: &str) {
        self.waiting.remove(name);
    }

    /// Those that wait and are not among `names` go.
    pub(super) fn retain(&mut self, names: &std::collections::HashSet<String>) {
        self.waiting.retain(|name| names.contains(name));
    }

    fn due(&self, name: &str) -> Option<Instant> {
        let begun = self.begun.get(name)?;
        Some(begun.last + backoff::growing(begun.times, FIRST_PAUSE, LONGEST_PAUSE))
    }

    /// Those that may begin now.
    fn ready(&self, now: Instant) -> impl Iterator<Item = &String> {
        let is_ready = move |name: &&String| self.due(name).is_none_or(|due| due <= now);
        self.waiting.iter().filter(is_ready)
    }

    /// Forgets when those were begun that have been quiet since.
    pub(super) fn forget_quiet(&mut self, now: Instant) {
        self.begun
            .retain(|_, begun| now.saturating_duration_since(begun.last) < QUIET);
    }

    /// The next one that may begin now.
    pub(super) fn begin(&mut self, now: Instant) -> Option<String> {
        let name = self.ready(now).next().cloned()?;
        self.waiting.remove(&name);
        let begun = self.begun.entry(name.clone()).or_insert(Begun { times: 0, last: now });
        begun.times = begun.times.saturating_add(1);
        begun.last = now;
        Some(name)
    }

    /// When the next one may begin; `None`: none waits for its time.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let later = self.waiting.iter().filter_map(|name| self.due(name));
        later.filter(|due| *due > now).min()
    }

    /// Those that could begin now, were there room.
    pub(super) fn beyond(&self, now: Instant) -> Vec<&str> {
        self.ready(now).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_label_begins_after_growing_pauses() {
        let start = Instant::now();
        let mut turns = Turns::default();
        let mut begun = Vec::new();
        // It comes and goes each second for an hour.
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            turns.forget_quiet(now);
            turns.appears("flaps".to_owned());
            if turns.begin(now).is_some() {
                begun.push(second);
            }
            turns.goes("flaps");
        }
        assert_eq!(begun[..5], [0, 2, 6, 14, 30]);
        assert!(begun.len() < 22, "{begun:?}");
        let later = start + Duration::from_secs(3600) + QUIET;
        turns.forget_quiet(later);
        turns.appears("flaps".to_owned());
        assert_eq!(turns.begin(later).as_deref(), Some("flaps"));
    }

    #[test]
    fn one_that_waits_for_its_time_holds_up_no_other() {
        let now = Instant::now();
        let mut turns = Turns::default();
        for name in ["a", "b"] {
            turns.appears(name.to_owned());
        }
        assert_eq!(turns.begin(now).as_deref(), Some("a"));
        turns.appears("a".to_owned());
        assert_eq!(turns.beyond(now), ["b"]);
        assert_eq!(turns.begin(now).as_deref(), Some("b"));
        assert_eq!(turns.begin(now), None);
        assert_eq!(turns.next_due(now), Some(now + FIRST_PAUSE));
        assert!(turns.beyond(now).is_empty());
    }
}
