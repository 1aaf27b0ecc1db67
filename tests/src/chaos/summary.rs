//! The result of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::plan::Fault;

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Summary {
    /// The seed of the sequence of faults.
    pub seed: u64,
    /// How long it took.
    pub took: Duration,
    /// How often each fault came.
    pub faults: BTreeMap<Fault, usize>,
    /// Replicas killed with `kill -9`.
    pub kills: usize,
    /// Names, changes, and deletions among them.
    pub objects: (usize, u64, usize),
    /// States of Secrets that were seen.
    pub states: u64,
    /// Keys, and how many were asked for.
    pub keys: (usize, usize),
    /// Writes of the controllers; the most for one object, and its changes.
    pub writes: (u64, u64, u64),
    /// How long it took at most until all was right after such a fault.
    pub longest: BTreeMap<Fault, Duration>,
    /// Broken invariants.
    pub violations: Vec<String>,
    /// The last faults before the end, for a run that failed.
    pub last: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds: usize = self.faults.values().sum();
        writeln!(
            f,
            "seed {}: {rounds} rounds in {} s, {} times kill -9",
            self.seed,
            self.took.as_secs(),
            self.kills
        )?;
        let faults: Vec<_> = self
            .faults
            .iter()
            .map(|(fault, times)| format!("{fault} {times}"))
            .collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        let (names, changes, deleted) = self.objects;
        writeln!(
            f,
            "objects: {names}, {changes} changes, {deleted} of them deletions; {} states of Secrets seen",
            self.states
        )?;
        writeln!(f, "keys: {}, at most {} were asked for", self.keys.0, self.keys.1)?;
        let (all, most, for_changes) = self.writes;
        writeln!(
            f,
            "writes of the controllers: {all}; most for one object: {most}, for {for_changes} changes"
        )?;
        let mut longest: Vec<_> = self.longest.iter().map(|(fault, took)| (took, fault)).collect();
        longest.sort_by(|one, other| other.cmp(one));
        let longest: Vec<_> = longest
            .iter()
            .map(|(took, fault)| format!("{fault} {:.1} s", took.as_secs_f64()))
            .collect();
        writeln!(f, "all was right after a fault within: {}", longest.join(", "))?;
        for last in &self.last {
            writeln!(f, "before the end: {last}")?;
        }
        for violation in &self.violations {
            writeln!(f, "VIOLATION: {violation}")?;
        }
        write!(f, "violations: {}", self.violations.len())
    }
}
