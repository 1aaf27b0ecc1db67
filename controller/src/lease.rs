//! Which of several replicas writes: the one that holds the Lease. Pure; the requests are in `election`.
//!
//! The rules are client-go's: whether a holder has expired is judged by this process's own clock, from the moment in which
//! the Lease was seen to change last, never by comparing clocks; and every write names the resourceVersion that was read,
//! so that of two candidates one is refused.

pub(crate) mod election;
pub(crate) mod fence;
pub(crate) mod leadership;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// How long a holder that is heard of no more is respected (`leaseDurationSeconds`).
pub(crate) const LASTS: Duration = Duration::from_secs(12);
/// How long a leader writes after the begin of its last renewal. The rest of [`LASTS`] is for a request that was sent in the
/// last moment, and for clocks that do not run alike.
pub(crate) const WRITES_FOR: Duration = Duration::from_secs(8);
/// Pause between two renewals.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Longest pause between two looks of a replica that does not lead.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(500);

/// `leaseDurationSeconds` of a Lease that was given up: whoever sees it need not wait (client-go's value).
const GIVEN_UP: i32 = 1;

/// Who this replica is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The text in the Lease: `<place>_<random>`, another one at every start.
    pub text: String,
    /// The Pod's name, if this process was told that it runs in one. No two Pods have the same, and of one Pod's processes
    /// the earlier ones are dead.
    pub pod: Option<String>,
}

impl Identity {
    /// `pod` is the Pod's name, `place` another one where there is none; `unique` tells two starts apart.
    pub(crate) fn new(pod: Option<String>, place: &str, unique: u64) -> Self {
        let text = format!("{}_{unique:016x}", pod.as_deref().unwrap_or(place));
        Self { text, pod }
    }

    /// Whether `holder` was an earlier process of this Pod.
    fn succeeds(&self, holder: &str) -> bool {
        let pod = holder.rsplit_once('_').map(|(pod, _)| pod);
        pod.is_some() && pod == self.pod.as_deref()
    }
}

/// What to do about the Lease.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Create it, or replace the one that was read. `taken`: from somebody else or from nobody, so that a time begins in
    /// which nothing is known of what happened before.
    Write {
        /// The Lease's new spec.
        spec: Box<LeaseSpec>,
        /// Whether leadership begins by it.
        taken: bool,
    },
    /// Another replica holds it, and would have to stay silent for so long before it is taken.
    Respect(Duration),
}

/// A replica that would lead, and what it has seen of the Lease.
#[derive(Debug)]
pub(crate) struct Candidate {
    identity: Identity,
    /// The Lease as it was seen last, and since when it is like that.
    seen: Option<(LeaseSpec, Instant)>,
}

impl Candidate {
    /// One that has seen nothing yet.
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, seen: None }
    }

    /// Who leads by what was seen last, if it is another one.
    pub(crate) fn other_holder(&self) -> Option<&str> {
        let (spec, _) = self.seen.as_ref()?;
        holder(spec).filter(|holder| *holder != self.identity.text)
    }

    /// Whether this replica holds the Lease.
    pub(crate) fn holds(&self, spec: &LeaseSpec) -> bool {
        holder(spec) == Some(&self.identity.text)
    }

    /// Takes note of the Lease as it is `now` (`None`: there is none) and decides. `wall` is what the new spec says.
    pub(crate) fn step(&mut self, found: Option<&LeaseSpec>, now: Instant, wall: Timestamp) -> Step {
        let since = match (&self.seen, found) {
            (Some((seen, since)), Some(found)) if seen == found => *since,
            _ => now,
        };
        self.seen = found.map(|found| (found.clone(), since));
        let held = found.and_then(|spec| Some((spec, holder(spec)?)));
        if let Some((spec, holder)) = held
            && holder != self.identity.text
            && !self.identity.succeeds(holder)
        {
            let left = lasts(spec).saturating_sub(now.saturating_duration_since(since));
            if !left.is_zero() {
                return Step::Respect(left);
            }
        }
        let taken = found.is_none_or(|spec| !self.holds(spec));
        Step::Write {
            spec: Box::new(self.held_by_us(found, taken, wall)),
            taken,
        }
    }

    fn held_by_us(&self, found: Option<&LeaseSpec>, taken: bool, wall: Timestamp) -> LeaseSpec {
        let before = found.cloned().unwrap_or_default();
        let transitions = match (found, before.lease_transitions) {
            (None, _) => 0,
            (Some(_), transitions) => transitions.unwrap_or(0).saturating_add(i32::from(taken)),
        };
        LeaseSpec {
            holder_identity: Some(self.identity.text.clone()),
            lease_duration_seconds: i32::try_from(LASTS.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| !taken).or(Some(MicroTime(wall))),
            renew_time: Some(MicroTime(wall)),
            lease_transitions: Some(transitions),
            ..before
        }
    }
}

/// The spec with which a leader gives the Lease up.
pub(crate) fn given_up(spec: &LeaseSpec, wall: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(GIVEN_UP),
        acquire_time: Some(MicroTime(wall)),
        renew_time: Some(MicroTime(wall)),
        ..spec.clone()
    }
}

/// Who holds it; `None` when nobody does.
fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long its holder is respected, by its own word.
fn lasts(spec: &LeaseSpec) -> Duration {
    let told = spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    told.map_or(LASTS, Duration::from_secs)
}

#[cfg(test)]
mod tests;
