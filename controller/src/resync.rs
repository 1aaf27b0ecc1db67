//! Compares every SealedSecret with the result of its last pass now and then, and wakes those that differ.
//!
//! Watches wake a SealedSecret when something changes. This finds missed changes and statuses that were set by hand, by comparing
//! what is in memory, without a request or a private key.

use std::num::NonZeroI64;
use std::sync::Arc;
use std::time::Duration;

use sealing::SystemRandom;
use sealing::random::Random as _;

use crate::index::{Index, ReconcileState, SealedEntry, SecretIdentity, StatusEntry};
use crate::lease::leadership::Leadership;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::relist::Relist;
use crate::settings::ReconcileSettings;

/// Pause between two rounds without a resync, which only tidy up metrics.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// Objects that are compared before other tasks may run.
const AT_ONCE: usize = 64;

/// What a resync needs.
pub(crate) struct Resync {
    /// `None`: no resync.
    pub period: Option<Duration>,
    /// The cache of the cluster.
    pub index: Arc<Index>,
    /// Where objects are woken.
    pub queue: Arc<Queue>,
    /// How SealedSecrets are handled.
    pub settings: ReconcileSettings,
    /// Has all watches list again.
    pub relist: Relist,
    /// Whether this replica leads.
    pub leadership: Leadership,
    /// The metrics, from which deleted namespaces are removed.
    pub metrics: Arc<Metrics>,
}

impl Resync {
    /// Makes rounds until the process ends.
    pub(crate) async fn run(self) {
        loop {
            tokio::time::sleep(self.period.unwrap_or(TIDY_EVERY).mul_f64(jitter())).await;
            self.metrics.retain_namespaces(&self.index.namespaces());
            if self.period.is_some() {
                self.relist.now();
                if self.leadership.leads() {
                    self.wake_those_out_of_step().await;
                    self.metrics.note_sync();
                }
            }
        }
    }

    async fn wake_those_out_of_step(&self) {
        for (number, name) in self.index.sealed_names(None).into_iter().enumerate() {
            if number % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let Some((entry, memory, secret)) = self.index.look(&name) else {
                continue;
            };
            if !is_in_step(&entry, memory.as_ref(), secret.as_ref(), &self.settings) {
                self.queue.add(name);
            }
        }
    }
}

/// Whether object, status and Secret are as the last pass left them, or something else will wake the object.
fn is_in_step(
    entry: &SealedEntry,
    memory: Option<&ReconcileState>,
    secret: Option<&SecretIdentity>,
    settings: &ReconcileSettings,
) -> bool {
    if entry.goes {
        return true;
    }
    // Without a state, a pass is due or could not begin.
    let Some(memory) = memory else {
        return false;
    };
    if settings.update_status && !says_so(&entry.status, memory) {
        return false;
    }
    // Failures are retried by their timers, or wait for a change that wakes them.
    if !memory.is_settled() {
        return true;
    }
    if memory
        .input_digest
        .as_deref()
        .is_none_or(|digest| entry.digest != digest.into())
    {
        return false;
    }
    // The deletion of a Secret wakes its SealedSecret if the Secret is to be recreated.
    let left_alone = !settings.repair || entry.options.skip_recreate || memory.repairs.are_contested();
    left_alone || secret.is_none_or(|secret| Some(&secret.version) == memory.secret_version.as_ref())
}

/// Whether the status says the last reported result.
fn says_so(status: &StatusEntry, memory: &ReconcileState) -> bool {
    let Some(reported) = &memory.reported else {
        return true;
    };
    match &reported.failure {
        None => status.says_synced,
        Some(said) => {
            let generation = status.generation.map(NonZeroI64::get);
            generation == reported.generation && status.failure.as_deref() == Some(&*said.reason)
        }
    }
}

/// 0.9 to 1.1, so that replicas which were started together do not resync together.
fn jitter() -> f64 {
    let mut byte = [0];
    // Without randomness they do.
    let _ = SystemRandom::default().fill(&mut byte);
    0.9 + 0.2 * f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests;
