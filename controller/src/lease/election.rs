//! Stands for election: reads and writes the Lease, and tells the result.

use std::time::Duration;

use crds::Lenient;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use kube::core::ObjectMeta;
use sealing::SystemRandom;
use sealing::random::Random as _;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::leadership::Standing;
use super::patience::Patience;
use super::{Candidate, Identity, LeaseTimes, Step, given_up, renewed_at};
use crate::backoff;
use crate::error::ApiFailure;
use crate::request::{self, within};

/// Pauses before leases are requested again where they are denied: the role of an installation may be created after its replicas,
/// and until then each counts as the only one.
const DENIED_FIRST: Duration = Duration::from_secs(1);
const DENIED_LONGEST: Duration = Duration::from_secs(60);
/// How long leases must be denied, at each try, before this replica counts as the only one. An API server that has just started
/// denies everything for a moment, until it knows the roles.
const DENIED_FOR: Duration = Duration::from_secs(5);
/// Pause after another replica was faster.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);

/// A renewal that was sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// Its renewal time, which identifies it.
    renewed: Timestamp,
    started: Instant,
    writes_for: Duration,
    taken: bool,
}

/// A replica that stands for election until the process ends.
pub(crate) struct Election {
    api: Api<Lenient<Lease>>,
    name: String,
    candidate: Candidate,
    told: watch::Sender<Standing>,
    /// The Lease as this process wrote it last, if nothing has happened since.
    known: Option<Lease>,
    /// Renewals that were sent and not answered: they may have taken effect, or still may.
    unanswered: Vec<Sent>,
    patience: Patience,
    times: LeaseTimes,
    /// Counts the terms and former leaders: see [`Leadership::begins`](super::leadership::Leadership::begins).
    term: u64,
    /// Whether the API server has ever let this process read the Lease. If so, a denial is a temporary fault.
    allowed: bool,
    /// How often leases were denied in a row, and since when.
    denials: u32,
    denied_since: Option<Instant>,
    troubled: bool,
    followed: Option<String>,
}

impl Election {
    /// For the Lease `name`, which `api` reaches. `told` receives the results.
    pub(crate) fn new(
        api: Api<Lenient<Lease>>,
        name: String,
        identity: Identity,
        times: LeaseTimes,
        told: watch::Sender<Standing>,
    ) -> Self {
        Self {
            api,
            name,
            candidate: Candidate::new(identity, times.lease_duration),
            told,
            known: None,
            unanswered: Vec::new(),
            patience: Patience::new(times),
            times,
            term: 0,
            allowed: false,
            denials: 0,
            denied_since: None,
            troubled: false,
            followed: None,
        }
    }

    /// Stands until `stop`. After that this replica does not lead; [`Self::give_up`] gives the Lease up.
    pub(crate) async fn run(&mut self, stop: &CancellationToken) {
        loop {
            let pause = tokio::select! {
                pause = self.round() => pause,
                () = stop.cancelled() => return,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Gives the Lease up, so that another replica leads at once. To be called when nothing is written any more.
    pub(crate) async fn give_up(mut self) {
        let leads = matches!(*self.told.borrow(), Standing::Leads { .. });
        self.told.send_replace(Standing::Follows);
        if !leads {
            return;
        }
        match self.write_given_up().await {
            Ok(true) => info!(lease = self.name, "gave the Lease up"),
            Ok(false) => {}
            Err(error) => warn!(lease = self.name, %error, "the Lease could not be given up, it expires"),
        }
    }

    /// Returns whether the Lease was still this replica's.
    async fn write_given_up(&mut self) -> Result<bool, ApiFailure> {
        let lease = match self.known.take() {
            Some(lease) => Some(lease),
            // A renewal was cut off: its result is unknown.
            None => self.look().await?,
        };
        let Some((metadata, spec)) = lease.and_then(|lease| Some((lease.metadata, lease.spec?))) else {
            return Ok(false);
        };
        if !self.candidate.holds(&spec) {
            return Ok(false);
        }
        self.write(Some(metadata), given_up(&spec, Timestamp::now())).await?;
        Ok(true)
    }

    /// Reads once and writes at most once. Returns the pause before the next round.
    async fn round(&mut self) -> Duration {
        let started = Instant::now();
        let outcome = self.stand(started).await;
        if !matches!(outcome, Err(ApiFailure::Denied(_))) {
            (self.denials, self.denied_since) = (0, None);
        }
        match outcome {
            Ok(pause) => pause,
            Err(ApiFailure::Conflict(_) | ApiFailure::AlreadyExists(_)) => AFTER_CONFLICT,
            Err(ApiFailure::Denied(error)) if !self.allowed => {
                let since = *self.denied_since.get_or_insert(started);
                if *self.told.borrow() != Standing::Alone && since.elapsed() >= DENIED_FOR {
                    warn!(
                        lease = self.name,
                        error, "leases are denied: this replica takes itself for the only one"
                    );
                    self.told.send_replace(Standing::Alone);
                }
                self.denials = self.denials.saturating_add(1);
                backoff::growing(self.denials, DENIED_FIRST, DENIED_LONGEST)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.troubled, true) {
                    warn!(lease = self.name, %error, "the Lease cannot be read or renewed, trying again");
                }
                self.times.look_every()
            }
        }
    }

    async fn stand(&mut self, started: Instant) -> Result<Duration, ApiFailure> {
        let lease = match self.known.take() {
            Some(lease) => Some(lease),
            None => self.look().await?,
        };
        let (metadata, spec) = match lease {
            Some(lease) => (Some(lease.metadata), Some(lease.spec.unwrap_or_default())),
            None => (None, None),
        };
        if let Some(spec) = &spec {
            self.took_effect(spec);
        }
        let (now, wall, lasts) = (Instant::now(), wall(), self.patience.lease_duration());
        match self.candidate.step(spec.as_ref(), now, wall, lasts) {
            Step::Respect(left) => {
                self.is_allowed();
                self.follow();
                Ok(left.min(self.times.look_every().mul_f64(jitter())))
            }
            Step::Write { spec, taken } => {
                let sent = Sent {
                    renewed: wall,
                    started: now,
                    writes_for: self.patience.writes_for(),
                    taken,
                };
                self.promise(&sent);
                // Renewals of so long ago are useless even if they took effect.
                self.unanswered.retain(|sent| sent.started + sent.writes_for > now);
                self.unanswered.push(sent);
                let written = self.write(metadata, *spec).await?;
                self.unanswered.clear();
                self.patience.answered(now.elapsed());
                self.is_allowed();
                self.known = Some(written);
                self.lead(&sent);
                Ok(self.times.retry_period.saturating_sub(started.elapsed()))
            }
        }
    }

    /// The Lease as it is now.
    async fn look(&mut self) -> Result<Option<Lease>, ApiFailure> {
        let started = Instant::now();
        let found = within(self.patience.lasts(), self.api.get_opt(&self.name)).await;
        if found.is_err() {
            self.patience.gave_up(started.elapsed());
        }
        Ok(found?.map(Lenient::into_result).transpose()?)
    }

    /// A renewal without an answer that is now in the Lease counts as answered.
    fn took_effect(&mut self, spec: &LeaseSpec) {
        if !self.candidate.holds(spec) {
            return;
        }
        let renewed = renewed_at(spec);
        let sent = self
            .unanswered
            .iter()
            .find(|sent| Some(sent.renewed) == renewed)
            .copied();
        if let Some(sent) = sent {
            // The others named an older version of the Lease.
            self.unanswered.clear();
            self.lead(&sent);
        }
    }

    /// Other replicas may see a renewal from the moment in which it is sent, whether or not it is answered: if it lasts less than
    /// those before, this replica's term ends sooner.
    fn promise(&self, sent: &Sent) {
        let promised = sent.started + sent.writes_for;
        self.told.send_if_modified(|standing| match standing {
            Standing::Leads { until, .. } if *until > promised => {
                *until = promised;
                true
            }
            _ => false,
        });
    }

    /// The connection of an unanswered request is closed, so that the next request uses another.
    async fn write(&mut self, metadata: Option<ObjectMeta>, spec: LeaseSpec) -> Result<Lease, ApiFailure> {
        let (started, longest) = (Instant::now(), self.patience.lasts());
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                managed_fields: None,
                ..metadata.clone().unwrap_or_default()
            },
            spec: Some(spec),
        };
        let written = match metadata {
            // On the resourceVersion that was read.
            Some(_) => within(longest, request::replace(&self.api, &self.name, &lease)).await,
            None => within(longest, request::create(&self.api, &lease)).await,
        };
        if written.is_err() {
            self.patience.gave_up(started.elapsed());
        }
        Ok(written?.into_result()?)
    }

    fn is_allowed(&mut self) {
        self.allowed = true;
        if std::mem::take(&mut self.troubled) {
            info!(lease = self.name, "the Lease is read and renewed again");
        }
    }

    /// Counted from before the request: the time when it took effect is unknown.
    fn lead(&mut self, sent: &Sent) {
        self.followed = None;
        if sent.taken {
            self.term += 1;
            info!(lease = self.name, "this replica leads");
        }
        let until = sent.started + sent.writes_for;
        self.told.send_replace(Standing::Leads { until, term: self.term });
    }

    fn follow(&mut self) {
        self.term = self.term.max(1);
        let before = *self.told.borrow();
        let leader = self.candidate.other_holder().map(str::to_owned);
        if before != Standing::Follows {
            warn!(lease = self.name, leader, "this replica leads no more");
            self.told.send_replace(Standing::Follows);
        } else if leader != self.followed {
            info!(lease = self.name, leader, "another replica leads");
        }
        self.followed = leader;
    }
}

/// The time, with the precision of a Lease.
fn wall() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// 0.8 to 1, so that replicas which were started together do not stay in step.
fn jitter() -> f64 {
    let mut byte = [0];
    // Without randomness they stay in step.
    let _ = SystemRandom::default().fill(&mut byte);
    0.8 + 0.2 * f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests;
