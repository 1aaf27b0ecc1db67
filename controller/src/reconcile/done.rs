//! What a pass has done, the status that follows, and what is remembered of it. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::core::ObjectMeta;
use sealing::key::Fingerprint;

use super::apply::Written;
use super::object::Start;
use super::plan::Plan;
use super::remember::{self, Learned, StatusWrite};
use super::report;
use crate::error::{ApiFailure, Failure};
use crate::index::{ReconcileState, Unsaid};
use crate::settings::ReconcileSettings;

/// A plan that was carried out, but for its status and its event.
pub(super) struct Done {
    /// What another pass would come to again: the keys that opened the object, or why nothing can be made of it.
    pub outcome: Option<Result<BTreeSet<Fingerprint>, Failure>>,
    /// The plan.
    pub plan: Plan,
    /// The Secret, if it was written.
    pub written: Option<Written>,
    /// Digest of the input.
    pub digest: String,
}

impl Done {
    /// Metadata of the Secret as it is now, if there is one.
    pub(super) fn secret(&self) -> Option<&ObjectMeta> {
        let written = self.written.as_ref().map(|written| &written.metadata);
        written.or(self.plan.live.as_ref())
    }

    /// The status to write: what the plan says, with what the pass has learned.
    pub(super) fn status(&self, start: &Start, settings: &ReconcileSettings) -> Option<StatusWrite> {
        let is_new_input = start.memory.input_digest.as_deref() != Some(&self.digest);
        let is_news = self.written.is_some()
            || start.memory.reported.is_none()
            || is_new_input && remember::is_outdated(&start.sealed, &self.digest);
        let opened_by = self.outcome.as_ref().and_then(|outcome| outcome.as_ref().ok());
        let learned = opened_by.filter(|_| self.plan.synced).zip(self.secret());
        let learned = learned.and_then(|(keys, secret)| Learned::new(keys, secret, &self.digest));
        let worth = is_news && settings.update_status;
        remember::complete(&start.sealed, self.plan.status.clone(), learned, worth)
    }

    /// What to remember, and the pause before the next pass. `keys`: their version when the pass opened the object; `failed`: why
    /// the status could not be written.
    pub(super) fn left(
        self,
        start: &Start,
        keys: u64,
        failed: Option<&ApiFailure>,
    ) -> (ReconcileState, Option<Duration>) {
        let secret_version = self.secret().and_then(|secret| secret.resource_version.clone());
        let Self {
            outcome,
            plan,
            written,
            digest,
        } = self;
        let mut memory = ReconcileState {
            secret_version,
            ..plan.memory
        };
        if let Some(written) = written {
            // Admission may alter what is sent. A write that changed nothing for this reason is no repair.
            let is_altered = !written.altered.is_empty();
            memory.admitted = memory.secret_version.clone().filter(|_| is_altered);
            if is_altered && written.unchanged {
                memory.repairs = start.memory.repairs;
            }
        }
        let Some(error) = failed else {
            return (memory, plan.next);
        };
        let opens_again = outcome.as_ref().is_some_and(|outcome| !remember::is_kept(outcome));
        let (memory, next) = report::status_not_written(memory, &start.memory, plan.next, (error, opens_again));
        let unsaid = outcome.filter(remember::is_kept).map(|outcome| {
            Box::new(Unsaid {
                input_digest: digest,
                keys,
                outcome,
            })
        });
        (ReconcileState { unsaid, ..memory }, next)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crds::SealedSecret;
    use jiff::Timestamp;

    use super::*;
    use crate::index::Repairs;
    use crate::reconcile::plan::SecretStep;

    fn start() -> Start {
        Start {
            sealed: Arc::new(SealedSecret::default()),
            memory: ReconcileState::default(),
            seen: None,
        }
    }

    /// After a repair of a Secret, of which admission altered these names.
    fn done(altered: &[&str]) -> Done {
        let metadata = ObjectMeta {
            resource_version: Some("8".to_owned()),
            ..ObjectMeta::default()
        };
        Done {
            outcome: Some(Ok(BTreeSet::new())),
            plan: Plan {
                secret: SecretStep::Leave,
                live: None,
                synced: true,
                status: None,
                event: None,
                metric: None,
                next: None,
                stands: None,
                memory: ReconcileState {
                    repairs: Repairs::default().and_one(Timestamp::UNIX_EPOCH),
                    admitted: Some("6".to_owned()),
                    ..ReconcileState::default()
                },
            },
            written: Some(Written {
                metadata,
                altered: altered.iter().map(|&name| name.to_owned()).collect(),
                unchanged: true,
            }),
            digest: "d".to_owned(),
        }
    }

    #[test]
    fn admitted_secret_is_remembered_and_no_repair() {
        let (memory, next) = done(&["l"]).left(&start(), 1, None);
        assert_eq!(
            (memory.admitted.as_deref(), memory.repairs),
            (Some("8"), Repairs::default())
        );
        assert_eq!((memory.secret_version.as_deref(), next), (Some("8"), None));
        let (memory, _) = done(&[]).left(&start(), 1, None);
        assert_eq!(memory.admitted, None, "kept as it was sent");
        assert_ne!(memory.repairs, Repairs::default());
    }

    #[test]
    fn outcome_is_kept_while_the_status_cannot_be_written() {
        let denied = ApiFailure::Denied(String::new());
        let (memory, next) = done(&[]).left(&start(), 3, Some(&denied));
        assert!(memory.unfinished && next.is_some());
        let unsaid = memory.unsaid.unwrap();
        assert_eq!((unsaid.input_digest.as_str(), unsaid.keys), ("d", 3));
    }
}
