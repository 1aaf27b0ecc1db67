//! How much of the log the objects of one namespace may take: who makes and deletes them all the time would write it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::buckets::{Buckets, Rate};

/// Lines about the objects of one namespace: one a second, and so many at once that a thousand objects may change together.
const LINES: Rate = Rate {
    interval: Duration::from_secs(1),
    limit: 2000,
};
/// Namespaces that are told apart among those that had lines lately.
const NAMESPACES: usize = 8192;
/// How often it is said what was left out.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// How many namespaces are named then.
const NAMED: usize = 8;

/// What the namespaces have had, and what was left out of it.
#[derive(Debug)]
pub(super) struct Tenants(Mutex<State>);

#[derive(Debug)]
struct State {
    buckets: Buckets<String>,
    left_out: HashMap<String, u64>,
    told: Option<Instant>,
}

/// Lines that were left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// How many.
    pub lines: u64,
    /// Whose, the most first.
    pub namespaces: String,
}

impl Default for Tenants {
    fn default() -> Self {
        Self(Mutex::new(State {
            buckets: Buckets::new(NAMESPACES),
            left_out: HashMap::new(),
            told: None,
        }))
    }
}

impl Tenants {
    /// Whether there may be a line about this object (`NAMESPACE/NAME`).
    pub(super) fn admit(&self, object: &str, now: Instant) -> bool {
        let namespace = object.split_once('/').map_or(object, |(namespace, _)| namespace);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = state.buckets.take(namespace.to_owned(), LINES, now);
        if !admitted {
            let crowded = state.left_out.len() >= NAMESPACES && !state.left_out.contains_key(namespace);
            let counted = if crowded { "others" } else { namespace };
            *state.left_out.entry(counted.to_owned()).or_default() += 1;
        }
        admitted
    }

    /// What was left out since it was said last, where it is time to say so.
    pub(super) fn tell(&self, now: Instant) -> Option<LeftOut> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = state.told.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if state.left_out.is_empty() || !is_due {
            return None;
        }
        state.told = Some(now);
        let mut all: Vec<_> = std::mem::take(&mut state.left_out).into_iter().collect();
        drop(state);
        all.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
        let named: Vec<_> = all
            .iter()
            .take(NAMED)
            .map(|(namespace, _)| namespace.as_str())
            .collect();
        let more = match all.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(LeftOut {
            lines: all.iter().map(|(_, lines)| lines).sum(),
            namespaces: format!("{}{more}", named.join(",")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_has_its_lines_whatever_its_objects_are_called() {
        let tenants = Tenants::default();
        let now = Instant::now();
        let lines = |namespace: &str, now| {
            let objects = (0..5000).map(|number| format!("{namespace}/{number}"));
            objects.filter(|object| tenants.admit(object, now)).count()
        };
        assert_eq!(lines("a", now), 2000);
        assert_eq!(lines("b", now), 2000, "another's lines are its own");
        assert_eq!(lines("a", now + Duration::from_secs(10)), 10);
        let told = LeftOut {
            lines: 3000 + 3000 + 4990,
            namespaces: "a,b".to_owned(),
        };
        assert_eq!(tenants.tell(now), Some(told));
        assert_eq!(tenants.tell(now), None, "nothing new");
        lines("a", now + Duration::from_secs(10));
        assert_eq!(tenants.tell(now + Duration::from_secs(59)), None, "one line a minute");
        let later = tenants.tell(now + Duration::from_secs(60)).unwrap();
        assert_eq!((later.lines, later.namespaces.as_str()), (5000, "a"));
    }

    #[test]
    fn many_namespaces_take_bounded_memory_and_one_line() {
        let tenants = Tenants::default();
        let now = Instant::now();
        for namespace in 0..2 * NAMESPACES {
            tenants.admit(&format!("n{namespace}/a"), now);
        }
        let left_out = tenants.tell(now).unwrap();
        assert_eq!(
            left_out.lines,
            u64::try_from(NAMESPACES).unwrap() - u64::from(LINES.limit)
        );
        assert!(left_out.namespaces.len() < 100, "{}", left_out.namespaces);
        for _ in 0..2 * LINES.limit {
            for namespace in 0..3 {
                tenants.admit(&format!("late{namespace}/a"), now);
            }
        }
        let state = tenants.0.lock().unwrap();
        assert!(state.buckets.len() <= NAMESPACES + 1 && state.left_out.len() <= NAMESPACES + 1);
    }
}
