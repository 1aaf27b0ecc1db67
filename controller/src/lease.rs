//! Which of several replicas writes: the one that holds the Lease. Pure; the requests are in `election`.
//!
//! The rules are client-go's: whether a holder has expired is judged by this process's own clock, from the moment in which
//! the Lease was seen to change last, never by comparing clocks; and every write names the resourceVersion that was read,
//! so that of two candidates one is refused.

pub(crate) mod election;
pub(crate) mod fence;
pub(crate) mod leadership;
mod patience;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// The times of an election, under the names that Kubernetes' own components give them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseTimes {
    /// How long a holder that is heard of no more is respected (`leaseDurationSeconds`).
    pub lease_duration: Duration,
    /// How long a leader writes after the begin of its last renewal. The rest of the lease's duration is for a request that
    /// was sent in the last moment, and for clocks that do not run alike.
    pub renew_deadline: Duration,
    /// Time from the begin of one renewal to the begin of the next.
    pub retry_period: Duration,
}

impl LeaseTimes {
    /// What the flags say when they are not given.
    #[cfg(test)]
    pub(crate) const DEFAULT: Self = Self {
        lease_duration: Duration::from_secs(12),
        renew_deadline: Duration::from_secs(8),
        retry_period: Duration::from_secs(2),
    };
    /// Longest duration of a lease: a replica that dies is missed for as long.
    const LONGEST: Duration = Duration::from_secs(3600);

    /// What is wrong with them, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.retry_period < Duration::from_millis(100) || self.lease_duration > Self::LONGEST {
            return Some("the retry period must be at least 100ms, and the lease duration at most 1h");
        }
        if self.renew_deadline <= self.retry_period * 3 {
            return Some("the renew deadline must be longer than three retry periods");
        }
        // Whole seconds are what a Lease can say.
        if self.lease_duration.subsec_nanos() != 0 || self.lease_duration < self.renew_deadline.mul_f64(1.25) {
            return Some(
                "the lease duration must be in whole seconds, and longer than the renew deadline by a quarter",
            );
        }
        None
    }

    /// Longest pause between two looks of a replica that does not lead.
    fn look_every(&self) -> Duration {
        self.retry_period / 4
    }
}

/// `leaseDurationSeconds` of a Lease that was given up: whoever sees it need not wait (client-go's value).
const GIVEN_UP: i32 = 1;

/// Who this replica is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The text in the Lease: `<place>_<uid>_<random>`, or `<place>_<random>`, another one at every start.
    pub text: String,
    /// What stands before the random part, if it is one Pod's alone. Of one Pod's processes the earlier ones are dead. A name
    /// is not enough: a Pod may be made again under it while the machine of the former is only out of reach.
    pod: Option<String>,
}

impl Identity {
    /// `place` is the Pod's name, or what stands for it, and `uid` the Pod's; `unique` tells two starts apart.
    pub(crate) fn new(place: &str, uid: Option<&str>, unique: u64) -> Self {
        let pod = uid.map(|uid| format!("{place}_{uid}"));
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
    /// How long it asks to be respected when the holder of a Lease does not say.
    lease_duration: Duration,
    /// The Lease as it was seen last, and since when it is like that.
    seen: Option<(LeaseSpec, Instant)>,
}

impl Candidate {
    /// One that has seen nothing yet.
    pub(crate) fn new(identity: Identity, lease_duration: Duration) -> Self {
        Self {
            identity,
            lease_duration,
            seen: None,
        }
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

    /// Takes note of the Lease as it is `now` (`None`: there is none) and decides. `wall` and `lasts` are what
    /// the new spec says.
    pub(crate) fn step(&mut self, found: Option<&LeaseSpec>, now: Instant, wall: Timestamp, lasts: Duration) -> Step {
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
            let left = self
                .respected(spec)
                .saturating_sub(now.saturating_duration_since(since));
            if !left.is_zero() {
                return Step::Respect(left);
            }
        }
        let taken = found.is_none_or(|spec| !self.holds(spec));
        Step::Write {
            spec: Box::new(self.held_by_us(found, taken, wall, lasts)),
            taken,
        }
    }

    fn held_by_us(&self, found: Option<&LeaseSpec>, taken: bool, wall: Timestamp, lasts: Duration) -> LeaseSpec {
        let before = found.cloned().unwrap_or_default();
        let transitions = match (found, before.lease_transitions) {
            (None, _) => 0,
            (Some(_), transitions) => transitions.unwrap_or(0).saturating_add(i32::from(taken)),
        };
        LeaseSpec {
            holder_identity: Some(self.identity.text.clone()),
            lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| !taken).or(Some(MicroTime(wall))),
            renew_time: Some(MicroTime(wall)),
            lease_transitions: Some(transitions),
            ..before
        }
    }

    /// How long its holder is respected, by its own word.
    fn respected(&self, spec: &LeaseSpec) -> Duration {
        let told = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        told.map_or(self.lease_duration, Duration::from_secs)
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

/// When it was renewed, as its holder says.
fn renewed_at(spec: &LeaseSpec) -> Option<Timestamp> {
    spec.renew_time.as_ref().map(|time| time.0)
}

/// Who holds it; `None` when nobody does.
fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

#[cfg(test)]
mod tests;
