//! Stands for election: reads and writes the Lease, and tells everybody how this replica stands.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use kube::api::PostParams;
use kube::core::ObjectMeta;
use sealing::SystemRandom;
use sealing::random::Random as _;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::leadership::Standing;
use super::{Candidate, Identity, LOOK_EVERY, RENEW_EVERY, Step, WRITES_FOR, given_up};
use crate::error::ApiFailure;
use crate::request::within;

/// Longest time for one request: a renewal that is not answered has to be tried again before the leader's time is over.
const LONGEST_REQUEST: Duration = Duration::from_secs(3);
/// Pause before leases are asked for again where they are denied.
const DENIED_FOR: Duration = Duration::from_secs(60);
/// Pause after somebody else was faster.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);

/// A replica that stands for election until the process ends.
pub(crate) struct Election {
    api: Api<Lease>,
    name: String,
    candidate: Candidate,
    told: watch::Sender<Standing>,
    /// The Lease as it was written last by this process, if nothing has happened since.
    known: Option<Lease>,
    term: u64,
    /// Whether the API server has ever let this process read the Lease. If it did, a denial is a fault that passes.
    allowed: bool,
    troubled: bool,
    followed: Option<String>,
}

impl Election {
    /// For the Lease `name`, which `api` reaches. `told` is where the standing is made known.
    pub(crate) fn new(api: Api<Lease>, name: String, identity: Identity, told: watch::Sender<Standing>) -> Self {
        Self {
            api,
            name,
            candidate: Candidate::new(identity),
            told,
            known: None,
            term: 0,
            allowed: false,
            troubled: false,
            followed: None,
        }
    }

    /// Stands until `stop`. Then this replica leads no more; the Lease is given up by [`Self::give_up`].
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

    /// Lets another replica lead at once. Call it when nothing is written any more.
    pub(crate) async fn give_up(mut self) {
        let leads = matches!(*self.told.borrow(), Standing::Leads { .. });
        self.told.send_replace(Standing::Follows);
        let Some(lease) = self.known.take().filter(|_| leads) else {
            return;
        };
        let spec = given_up(&lease.spec.clone().unwrap_or_default(), Timestamp::now());
        match self.write(Some(lease.metadata), spec).await {
            Ok(_) => info!(lease = self.name, "gave the Lease up"),
            Err(error) => warn!(lease = self.name, %error, "the Lease could not be given up, it expires"),
        }
    }

    /// Looks once and writes once at most. Gives the pause before the next round.
    async fn round(&mut self) -> Duration {
        let started = Instant::now();
        match self.stand(started).await {
            Ok(pause) => pause,
            Err(ApiFailure::Conflict(_) | ApiFailure::AlreadyExists(_)) => AFTER_CONFLICT,
            Err(ApiFailure::Denied(error)) if !self.allowed => {
                if *self.told.borrow() != Standing::Alone {
                    warn!(
                        lease = self.name,
                        error, "leases are denied: this replica takes itself for the only one"
                    );
                    self.told.send_replace(Standing::Alone);
                }
                DENIED_FOR
            }
            Err(error) => {
                if !std::mem::replace(&mut self.troubled, true) {
                    warn!(lease = self.name, %error, "the Lease cannot be read or renewed, trying again");
                }
                LOOK_EVERY
            }
        }
    }

    async fn stand(&mut self, started: Instant) -> Result<Duration, ApiFailure> {
        let lease = match self.known.take() {
            Some(lease) => Some(lease),
            None => within(LONGEST_REQUEST, self.api.get_opt(&self.name)).await?,
        };
        let (metadata, spec) = match lease {
            Some(lease) => (Some(lease.metadata), Some(lease.spec.unwrap_or_default())),
            None => (None, None),
        };
        match self.candidate.step(spec.as_ref(), Instant::now(), Timestamp::now()) {
            Step::Respect(left) => {
                self.is_allowed();
                self.follow();
                Ok(left.min(LOOK_EVERY.mul_f64(jitter())))
            }
            Step::Write { spec, taken } => {
                let written = self.write(metadata, *spec).await?;
                self.is_allowed();
                self.known = Some(written);
                self.lead(started, taken);
                Ok(RENEW_EVERY)
            }
        }
    }

    async fn write(&self, metadata: Option<ObjectMeta>, spec: LeaseSpec) -> Result<Lease, ApiFailure> {
        let params = PostParams::default();
        match metadata {
            // With the resourceVersion that was read.
            Some(metadata) => {
                let lease = Lease {
                    metadata,
                    spec: Some(spec),
                };
                within(LONGEST_REQUEST, self.api.replace(&self.name, &params, &lease)).await
            }
            None => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(self.name.clone()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(spec),
                };
                within(LONGEST_REQUEST, self.api.create(&params, &lease)).await
            }
        }
    }

    fn is_allowed(&mut self) {
        self.allowed = true;
        if std::mem::take(&mut self.troubled) {
            info!(lease = self.name, "the Lease is read and renewed again");
        }
    }

    /// Time counts from before the request: when it took effect is not known.
    fn lead(&mut self, started: Instant, taken: bool) {
        self.followed = None;
        if taken {
            self.term += 1;
            info!(lease = self.name, "this replica leads");
        }
        let until = started + WRITES_FOR;
        self.told.send_replace(Standing::Leads { until, term: self.term });
    }

    fn follow(&mut self) {
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

/// 0.8 to 1, so that replicas which were started together do not ask together for ever.
fn jitter() -> f64 {
    let mut byte = [0];
    // Without randomness they ask together.
    let _ = SystemRandom::default().fill(&mut byte);
    0.8 + 0.2 * f64::from(byte[0]) / 255.0
}
