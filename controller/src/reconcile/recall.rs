//! Results of passes that are known without opening the object.

use jiff::Timestamp;

use super::done::Done;
use super::object::Start;
use super::plan::{Plan, SecretStep};
use super::{Reconciler, desired, fetch, remember, report};
use crate::error::Failure;
use crate::index::{Begun, ReconcileState};
use crate::keys::Keys;
use crate::object_ref::ObjectName;

impl Reconciler {
    /// The state of an object that is in sync according to its status.
    pub(super) async fn recall(&self, name: &ObjectName, begun: &Begun) -> Option<ReconcileState> {
        if !remember::could_recall(&begun.entry, &begun.memory, &self.settings) {
            return None;
        }
        let seen = fetch::identity(&self.client, &self.index, name).await;
        let keys = self.keys.borrow().clone();
        let known = (seen.as_ref(), &keys.ring);
        remember::recall(&begun.entry, &begun.memory, known, &self.settings)
    }

    /// The result of a pass whose predecessor only failed to write the status, with the same keys. It opens and renders nothing.
    pub(super) fn still_unsaid(&self, name: &ObjectName, start: &Start, digest: &str, keys: &Keys) -> Option<Done> {
        let unsaid = remember::unsaid(&start.memory, digest, keys)?;
        let seen = self.index.identity(name);
        let is_the_same = seen.as_ref().map(|seen| &seen.version) == start.memory.secret_version.as_ref();
        let outcome = match &unsaid.outcome {
            Ok(_) if seen.is_some() && is_the_same => Ok(SecretStep::Leave),
            Ok(_) => return None,
            Err(failure) => Err(failure),
        };
        let now = Timestamp::now();
        let plan = report::report(&start.sealed, outcome, &start.memory, &self.settings, now);
        Some(Done {
            outcome: Some(unsaid.outcome.clone()),
            plan: Plan {
                live: seen.map(|seen| seen.metadata(name)),
                ..plan
            },
            written: None,
            digest: digest.to_owned(),
        })
    }

    /// The result of a pass that is blocked as its predecessor was. It opens and renders nothing.
    pub(super) async fn still_blocked(&self, name: &ObjectName, start: &Start, digest: &str) -> Option<Done> {
        let failure = remember::obstacle(&start.memory, digest)?;
        let seen = fetch::identity(&self.client, &self.index, name).await;
        let live = if seen.as_ref().map(|seen| &seen.version) == start.memory.secret_version.as_ref() {
            seen.map(|seen| seen.metadata(name))
        } else if matches!(failure, Failure::Unmanaged(_)) {
            // Its owner may change it often.
            let found = fetch::metadata(&self.client, name).await.ok().flatten()?;
            if desired::is_ours(&found, &start.sealed) {
                return None;
            }
            Some(found)
        } else {
            return None;
        };
        let plan = report::report(
            &start.sealed,
            Err(failure),
            &start.memory,
            &self.settings,
            Timestamp::now(),
        );
        Some(Done {
            outcome: None,
            plan: Plan { live, ..plan },
            written: None,
            digest: digest.to_owned(),
        })
    }
}
