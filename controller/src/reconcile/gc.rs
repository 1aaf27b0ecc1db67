//! `--old-gc-behavior`: deletes the Secrets of deleted SealedSecrets, where no garbage collector does.
//!
//! The reference deletes any Secret of that name. Here the SealedSecret must own it: by its owner reference, or because its
//! status recorded that it wrote this Secret, and the Secret is not a patched one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crds::{Lenient, SealedSecret};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::{Api, Client, Resource as _};
use tracing::{info, warn};

use super::{apply, desired, fetch};
use crate::error::ApiFailure;
use crate::index::{SealedEntry, SecretIdentity};
use crate::object_ref::ObjectName;
use crate::request::in_time;

/// Pause after a failure that may pass.
const AGAIN: Duration = Duration::from_secs(5);

/// A deleted SealedSecret.
#[derive(Debug, Clone, PartialEq)]
struct Tombstone {
    metadata: ObjectMeta,
    /// uid of the Secret that it wrote.
    wrote: Option<String>,
    /// When it was deleted, by this process's clock.
    went: Instant,
}

impl Tombstone {
    fn of(entry: &SealedEntry) -> Self {
        let created = entry.created.map(|second| Timestamp::from_second(second.get()));
        Self {
            metadata: ObjectMeta {
                uid: Some(entry.uid.to_string()),
                creation_timestamp: created.and_then(Result::ok).map(Time),
                ..ObjectMeta::default()
            },
            wrote: entry.status.written.as_ref().map(|written| written.uid.to_string()),
            went: Instant::now(),
        }
    }

    /// Whether this SealedSecret owned a Secret, and nothing else does.
    fn owned(&self, secret: &ObjectMeta) -> bool {
        let was_written = || desired::was_written_for(secret, &self.metadata, self.wrote.as_deref());
        desired::is_controlled_by(secret, self.uid()) || (!desired::is_patch(secret) && was_written())
    }

    fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }
}

/// The deleted SealedSecrets whose Secrets may still exist. Shared by the watches and the workers.
#[derive(Debug, Default)]
pub(crate) struct Tombstones(Mutex<HashMap<ObjectName, Vec<Tombstone>>>);

impl Tombstones {
    /// A SealedSecret was deleted.
    pub(crate) fn note(&self, name: &ObjectName, entry: &SealedEntry) {
        let mut gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.entry(name.clone()).or_default().push(Tombstone::of(entry));
    }

    /// Names of the deleted SealedSecrets.
    pub(crate) fn names(&self) -> Vec<ObjectName> {
        let gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.keys().cloned().collect()
    }

    /// Forgets those that were deleted longer ago than `age`. For a replica that does not lead: the leader has deleted their
    /// Secrets.
    pub(crate) fn forget(&self, age: Duration) {
        let mut gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|_, traces| {
            traces.retain(|trace| trace.went.elapsed() < age);
            !traces.is_empty()
        });
    }

    fn traces(&self, name: &ObjectName) -> Vec<Tombstone> {
        let gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.get(name).cloned().unwrap_or_default()
    }

    fn settled(&self, name: &ObjectName, traces: &[Tombstone]) {
        let mut gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = gone.get_mut(name) {
            left.retain(|trace| !traces.contains(trace));
            if left.is_empty() {
                gone.remove(name);
            }
        }
    }

    /// Deletes the Secret of that name if a deleted SealedSecret owned it. Returns the pause before the next try, if one is due.
    pub(crate) async fn collect(&self, client: &Client, name: &ObjectName) -> Option<Duration> {
        let traces = self.traces(name);
        if traces.is_empty() {
            return None;
        }
        match delete(client, name, &traces).await {
            Ok(deleted) => {
                if deleted {
                    info!(key = %name, "Secret deleted, as its SealedSecret has gone");
                }
                self.settled(name, &traces);
                None
            }
            Err(error @ ApiFailure::Denied(_)) => {
                warn!(key = %name, %error, "the Secret of a SealedSecret that has gone stays; does the controller's role allow to delete it?");
                self.settled(name, &traces);
                None
            }
            Err(_) => Some(AGAIN),
        }
    }
}

async fn delete(client: &Client, name: &ObjectName, traces: &[Tombstone]) -> Result<bool, ApiFailure> {
    // A SealedSecret that only lost the label that it was watched for still exists.
    let api: Api<Lenient<PartialObjectMeta<SealedSecret>>> = Api::namespaced(client.clone(), &name.namespace);
    let there = in_time(api.list(&name.alone())).await?.items.pop();
    let there = there.and_then(|sealed| sealed.meta().uid.clone()).unwrap_or_default();
    let Some(secret) = fetch::metadata(client, name).await? else {
        return Ok(false);
    };
    if !traces.iter().any(|trace| trace.uid() != there && trace.owned(&secret)) {
        return Ok(false);
    }
    apply::delete(client, name, &SecretIdentity::of(&secret)).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reconcile::summary;
    use crate::settings::ReconcileSettings;

    fn entry(sealed: Value) -> SealedEntry {
        summary::of(&serde_json::from_value(sealed).unwrap(), &ReconcileSettings::USUAL)
    }

    #[test]
    fn only_its_own_secret_goes_with_a_sealed_secret() {
        let sealed = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "creationTimestamp": "2024-05-01T12:00:00Z"},
            "spec": {"encryptedData": {}}, "status": {"conditions": [], "written": {"uid": "s1"}},
        });
        let trace = Tombstone::of(&entry(sealed));
        let owner = |uid: &str| json!([{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "one", "uid": uid, "controller": true}]);
        let patch = json!({"sealedsecrets.bitnami.com/patch": "true"});
        let ours = json!([{"manager": "controller", "operation": "Update"}]);
        let cases = [
            ("owned", json!({"uid": "s9", "ownerReferences": owner("u1")}), true),
            (
                "written, without an owner",
                json!({"uid": "s1", "managedFields": ours}),
                true,
            ),
            ("said to be written, by nobody", json!({"uid": "s1"}), false),
            (
                "said to be written, and another's",
                json!({"uid": "s1", "managedFields": ours, "ownerReferences": owner("u2")}),
                false,
            ),
            (
                "said to be written, and older",
                json!({"uid": "s1", "managedFields": ours, "creationTimestamp": "2024-05-01T11:59:59Z"}),
                false,
            ),
            (
                "patched",
                json!({"uid": "s1", "managedFields": ours, "annotations": patch}),
                false,
            ),
            (
                "somebody else's of that name",
                json!({"uid": "s2", "managedFields": ours}),
                false,
            ),
            (
                "of the next SealedSecret of that name",
                json!({"uid": "s2", "ownerReferences": owner("u2")}),
                false,
            ),
        ];
        for (what, metadata, owned) in cases {
            let metadata: ObjectMeta = serde_json::from_value::<ObjectMeta>(Value::clone(&metadata)).unwrap();
            assert_eq!(trace.owned(&metadata), owned, "{what}");
        }
    }

    #[test]
    fn what_is_settled_is_forgotten_and_nothing_else() {
        let gone = Tombstones::default();
        let name = ObjectName {
            namespace: "ns".to_owned(),
            name: "one".to_owned(),
        };
        let note = |uid: &str| {
            let sealed = json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {"namespace": "ns", "name": "one", "uid": uid}, "spec": {"encryptedData": {}},
            });
            gone.note(&name, &entry(sealed));
        };
        note("u1");
        let first = gone.traces(&name);
        note("u2");
        gone.settled(&name, &first);
        assert_eq!(gone.traces(&name).len(), 1, "it went while the first was collected");
        gone.settled(&name, &gone.traces(&name));
        assert!(gone.0.lock().unwrap().is_empty());

        note("u3");
        gone.forget(Duration::from_secs(60));
        assert_eq!(gone.names(), [name], "it went just now");
        gone.forget(Duration::ZERO);
        assert_eq!(gone.names(), []);
    }
}
