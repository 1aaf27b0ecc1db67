//! One pass over one SealedSecret: open → fetch → decide → apply.

pub(crate) mod apply;
pub(crate) mod decide;
pub(crate) mod desired;
mod done;
pub(crate) mod fetch;
pub(crate) mod gc;
pub(crate) mod object;
mod opening;
pub(crate) mod plan;
mod recall;
pub(crate) mod remember;
pub(crate) mod report;
pub(crate) mod size;
pub(crate) mod status;
pub(crate) mod status_pruning;
pub(crate) mod summary;
pub(crate) mod unreadable;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crds::SealedSecret;
use jiff::{Timestamp, Zoned};
use kube::Client;
use sealing::SystemRandom;
use sealing::recent_keys::RecentKeys;
use sealing::render::Rendering;
use sealing::unseal::{self, UnsealError, Unsealed, Values};
use tokio::task::JoinError;
use tracing::{debug, info, warn};

use crate::error::{ApiFailure, Failure, METRIC_STATUS, Retry};
use crate::events::Events;
use crate::index::{Begun, Index, SecretPresence};
use crate::keys::{Keys, KeysReader};
use crate::lanes::{Pass, Unfinished};
use crate::metrics::Metrics;
use crate::object_ref::ObjectName;
use crate::settings::ReconcileSettings;
use crate::slices::{Cores, Slices};
use crate::unseal_diagnostics::UnsealDiagnostics;

use apply::Written;
use decide::Observed;
use done::Done;
use gc::Tombstones;
use object::Start;
use plan::{Plan, SecretStep};
use remember::StatusWrite;
use status_pruning::StatusPruning;
use unreadable::Unreadable;

/// What a pass needs. Shared by the workers.
pub(crate) struct Reconciler {
    /// The API server.
    pub client: Client,
    /// The cache of the cluster.
    pub index: Arc<Index>,
    /// The keys.
    pub keys: KeysReader,
    /// Where events go.
    pub events: Events,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// How SealedSecrets are handled.
    pub settings: ReconcileSettings,
    /// One permit for each core: more threads would only wait for each other.
    pub cores: Arc<Cores>,
    /// One permit fewer, for objects whose templates make keys or hash passwords. Such work cannot be interrupted, so one core
    /// stays free for other work, if there are two.
    pub costly: Arc<Cores>,
    /// One permit, for templates that take seconds: costly work that is shorter waits for at most one of them.
    pub costliest: Arc<Cores>,
    /// The keys to try first.
    pub recent_keys: RecentKeys,
    /// Whether the CustomResourceDefinition prunes the fields of the status that are ours.
    pub status_pruning: StatusPruning,
    /// Where the sealing keys are.
    pub keys_at: KeysAt,
    /// Deleted SealedSecrets whose Secrets are to be deleted.
    pub gone: Arc<Tombstones>,
    /// SealedSecrets that cannot be parsed, and whose statuses are to say so.
    pub unreadable: Arc<Unreadable>,
    /// Label selector of the SealedSecrets that are served; `None`: all of them.
    pub labels: Option<String>,
    /// The time that opening so many items takes in a simulation, where the clock is virtual.
    #[cfg(test)]
    pub opening: Option<Opening>,
}

#[cfg(test)]
pub(crate) type Opening = Box<dyn Fn(usize) -> futures::future::BoxFuture<'static, ()> + Send + Sync>;

/// Where the sealing keys are.
#[derive(Debug, Clone)]
pub(crate) struct KeysAt {
    /// The controller's own namespace.
    namespace: String,
    /// Name of the key Secret that needs no label.
    unlabelled: String,
}

impl KeysAt {
    /// In `namespace`; `unlabelled` is the name that needs no label.
    pub(crate) fn new(namespace: String, unlabelled: String) -> Self {
        Self { namespace, unlabelled }
    }

    /// That name, if `name` is in the namespace of the keys.
    fn unlabelled(&self, name: &ObjectName) -> Option<&str> {
        (self.namespace == name.namespace).then_some(&self.unlabelled)
    }
}

/// How often a pass tries to write the Secret, which may appear, change or go between reading and writing.
const LOOKS: usize = 3;

impl Reconciler {
    /// Makes one pass. Returns the pause before the next one, if one is due.
    ///
    /// # Errors
    /// The pass is not finished. The next one starts from the same state.
    pub(crate) async fn reconcile(&self, name: &ObjectName, pass: &Pass) -> Result<Option<Duration>, Unfinished> {
        // Boxed, here and below, to keep the futures of waiting passes small.
        let collected = Box::pin(self.gone.collect(&self.client, name)).await;
        let said = Box::pin(self.say_unreadable(name, pass)).await?;
        let before = collected.into_iter().chain(said).min();
        let Some(begun) = self.index.begin(name) else {
            return Ok(before);
        };
        match self.pass(name, begun, pass).await {
            Ok(next) => Ok(before.into_iter().chain(next).min()),
            Err(unfinished) => {
                self.index.put_off(name);
                Err(unfinished)
            }
        }
    }

    async fn pass(&self, name: &ObjectName, begun: Begun, pass: &Pass) -> Result<Option<Duration>, Unfinished> {
        if let Some(memory) = Box::pin(self.recall(name, &begun)).await {
            debug!(key = %name, "in sync, as its status remembers");
            self.metrics.note_sync();
            return Ok(self.index.end(name, begun.seen.as_deref(), memory));
        }
        match Box::pin(self.object(name, &begun, pass)).await? {
            Ok(Some(start)) => self.pass_over(name, &start, pass).await,
            Ok(None) => Ok(None),
            Err(error) => {
                // Logged once.
                if !begun.memory.unfinished {
                    warn!(key = %name, %error, "the SealedSecret cannot be read, trying again");
                }
                let (memory, next) =
                    report::status_not_written(begun.memory.clone(), &begun.memory, None, (&error, false));
                let again = self.index.end(name, begun.seen.as_deref(), memory);
                Ok(next.into_iter().chain(again).min())
            }
        }
    }

    async fn pass_over(&self, name: &ObjectName, start: &Start, pass: &Pass) -> Result<Option<Duration>, Unfinished> {
        let digest = remember::digest(&start.sealed, &self.settings);
        if let Some(memory) = remember::over_limit(&start.sealed, &start.memory, &self.settings) {
            debug!(key = %name, "its templates went over a limit, as its status says");
            return Ok(self.index.end(name, start.seen.as_deref(), memory));
        }
        let keys = self.keys.borrow().clone();
        let known = match self.still_unsaid(name, start, &digest, &keys) {
            None => Box::pin(self.still_blocked(name, start, &digest)).await,
            unsaid => unsaid,
        };
        if let Some(done) = known {
            debug!(key = %name, "it is as the last pass left it");
            return Ok(Box::pin(self.conclude(name, start, done, &keys)).await);
        }
        let (opened, keys) = Box::pin(self.open_in_lane(&start.sealed, pass)).await?;
        self.metrics.unseal_requests.inc();
        info!(key = %name, "Updating");
        let (mut plan, written) = Box::pin(self.plan_and_apply(name, start, &digest, (&opened, pass))).await?;
        // Plaintexts are not held while the API server answers.
        let opened_by = opened.ok().map(|opened| opened.opened_by);
        let done = Done {
            outcome: match plan.stands.take() {
                Some(failure) => Some(Err(failure)),
                None => opened_by.map(Ok),
            },
            plan,
            written,
            digest,
        };
        Ok(Box::pin(self.conclude(name, start, done, &keys)).await)
    }

    /// Opens the items, off the async threads.
    async fn open(&self, sealed: &Arc<SealedSecret>, keys: &Arc<Keys>, slices: Arc<Slices>) -> Result<Values, Failure> {
        if sealed.spec.data.is_some() && !self.settings.accept_deprecated_data {
            return Err(Failure::DeprecatedData);
        }
        // Observes the time when it is dropped.
        let _timed = self.metrics.unseal_durations.start_timer();
        #[cfg(test)]
        let slices = match &self.opening {
            None => slices,
            Some(opening) => {
                opening(sealed.spec.encrypted_data.len()).await;
                // The virtual clock stands still while a thread works, so the thread must not wait for a core.
                Slices::begin(&Cores::new(1), "", crate::lanes::Lane::Light, u64::MAX).await
            }
        };
        let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
        let ring = keys.ring.accepting(self.settings.formats.least(namespace));
        let (object, ring) = (sealed.clone(), ring.at_pace(slices));
        let likely = self.recent_keys.keys();
        let opened = tokio::task::spawn_blocking(move || unseal::open(&object, &ring, &likely)).await;
        self.judge(opened, sealed, keys)
    }

    /// Renders the templates, with a limit on costly work, off the async threads.
    async fn render(
        &self,
        values: Values,
        sealed: &Arc<SealedSecret>,
        keys: &Arc<Keys>,
        work: u32,
    ) -> Result<Unsealed, Failure> {
        let object = sealed.clone();
        let refuse_nondeterministic = self.settings.deny_nondeterministic_templates;
        let rendered = tokio::task::spawn_blocking(move || {
            let mut rendering = Rendering {
                now: &Zoned::now(),
                random: &mut SystemRandom::default(),
                refuse_nondeterministic,
                work,
            };
            values.render(&object, &mut rendering)
        })
        .await;
        let rendered = self.judge(rendered, sealed, keys)?;
        self.recent_keys.opened(&rendered.opened_by);
        Ok(rendered)
    }

    fn judge<T>(
        &self,
        done: Result<Result<T, UnsealError>, JoinError>,
        sealed: &SealedSecret,
        keys: &Keys,
    ) -> Result<T, Failure> {
        match done {
            Ok(done) => done.map_err(|error| Failure::Unseal {
                error,
                diagnostics: Box::new(
                    UnsealDiagnostics::new(sealed, &keys.ring).of_input(remember::not_again(sealed, &self.settings)),
                ),
            }),
            Err(_) => Err(Failure::Internal),
        }
    }

    /// Reads the Secret, decides and writes, again if the Secret appeared, changed or went meanwhile.
    ///
    /// # Errors
    /// The existing Secret needs a heavier lane.
    async fn plan_and_apply(
        &self,
        name: &ObjectName,
        start: &Start,
        digest: &str,
        (opened, pass): (&Result<Unsealed, Failure>, &Pass),
    ) -> Result<(Plan, Option<Written>), Unfinished> {
        let (client, index) = (&self.client, &self.index);
        let mut observed = Observed {
            sealed: &start.sealed,
            opened,
            digest,
            live: Ok(None),
            unlabelled_key: self.keys_at.unlabelled(name),
            kept_empty_for: None,
        };
        if opened.is_ok() && self.index.presence(name, Instant::now()) != SecretPresence::NotKnown {
            let secret = |bound| async move { fetch::secret(client, index, name, &bound).await };
            observed.live = size::read_in_lane(pass, secret).await?;
        }
        for _ in 0..LOOKS {
            observed.kept_empty_for = self.index.kept_empty_for(name, Instant::now());
            let plan = decide::decide(&observed, &start.memory, &self.settings, Timestamp::now());
            match apply::secret(&self.client, name, &plan.secret).await {
                Ok(written) => {
                    if let Some(written) = &written {
                        log_admitted(name, &start.sealed, written);
                    }
                    // Drops the Secret, which may be large.
                    let plan = Plan {
                        secret: SecretStep::Leave,
                        ..plan
                    };
                    return Ok((plan, written));
                }
                Err(error) if decide::is_surprise(&plan.secret, &error) => {
                    debug!(key = %name, "the Secret is not as it was, looking again");
                    let again = |bound| async move { fetch::again(client, index, name, &bound).await };
                    observed.live = size::read_in_lane(pass, again).await?;
                }
                Err(failure) => {
                    observed.live = Err(failure);
                }
            }
        }
        observed.live = observed
            .live
            .and(Err(ApiFailure::Conflict("the Secret keeps changing".to_owned())));
        let plan = decide::decide(&observed, &start.memory, &self.settings, Timestamp::now());
        Ok((plan, None))
    }

    /// Writes the status, posts the event and stores the state.
    async fn conclude(&self, name: &ObjectName, start: &Start, done: Done, keys: &Keys) -> Option<Duration> {
        if done.plan.synced {
            self.metrics.note_sync();
        }
        if let Some(reason) = done.plan.metric {
            self.metrics.count_error(reason, &name.namespace);
        }
        if let Some(metadata) = done.secret() {
            self.index.secret_read(metadata);
        }
        let failed = match done.status(start, &self.settings) {
            Some(status) => self.write_status(&start.sealed, status).await.err(),
            None => None,
        };
        if let Some(error) = &failed {
            self.metrics.count_error(METRIC_STATUS, &name.namespace);
            // Logged once. If the object changed meanwhile, the next pass reports it.
            if !start.memory.unfinished && !matches!(error, ApiFailure::NotFound(_) | ApiFailure::Conflict(_)) {
                warn!(key = %name, %error, "the status cannot be written, trying again");
            }
        }
        if let Some(event) = done.plan.event.clone() {
            self.events
                .post(crate::events::Subject::sealed_secret(&start.sealed.metadata), event);
        }
        let (memory, next) = done.left(start, keys.version, failed.as_ref());
        let waits_for_keys = memory.retry == Some(Retry::OnChange) && !memory.is_over_limit();
        let again = self.index.end(name, start.seen.as_deref(), memory);
        // This pass did not see a key that was loaded while it ran. Keys that are loaded from now on wake the object.
        let missed = waits_for_keys && self.keys.borrow().version != keys.version;
        let at_once = missed.then_some(Duration::ZERO);
        next.into_iter().chain(again).chain(at_once).min()
    }

    /// Writes the status. A write for the next start alone is skipped where such fields are pruned, and may fail.
    async fn write_status(&self, sealed: &SealedSecret, write: StatusWrite) -> Result<(), ApiFailure> {
        let turn = if write.only_memory {
            let turn = self.status_pruning.turn().await;
            if turn.is_none() {
                return Ok(());
            }
            turn
        } else {
            None
        };
        let answer = apply::status(&self.client, sealed, &write.status).await;
        if let Ok(answer) = &answer {
            self.status_pruning.learn(&write.status, answer);
        }
        drop(turn);
        match answer {
            Err(error) if !write.only_memory => Err(error),
            _ => Ok(()),
        }
    }
}

/// Logs which fields the API server's admission altered.
fn log_admitted(name: &ObjectName, sealed: &SealedSecret, written: &Written) {
    if !written.altered.is_empty() {
        let altered = match sealed.spec.data {
            Some(_) => "not shown, because its names are sealed".to_owned(),
            None => written.altered.join(", "),
        };
        info!(key = %name, altered, "admission keeps other values than were asked for");
    }
}
