//! The status of a SealedSecret that cannot be read: what was said of it before holds no more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crds::{Lenient, SealedSecret};
use jiff::Timestamp;
use kube::api::GetParams;
use kube::core::Request;
use kube::{Api, Resource as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::debug;

use super::{Reconciler, status};
use crate::backoff;
use crate::error::{ApiFailure, Failure, METRIC_STATUS};
use crate::lanes::{Lane, Pass, Unfinished};
use crate::object_ref::ObjectName;
use crate::request::{self, in_time};

/// Pause before a second try; then it grows: such an object may leave no room for a status, and is read whole for each.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The SealedSecrets that cannot be read, and whose status does not say so yet, with the tries to do so. None that has gone is kept.
#[derive(Debug, Default)]
pub(crate) struct Unreadable(Mutex<HashMap<ObjectName, u32>>);

impl Unreadable {
    fn all(&self) -> MutexGuard<'_, HashMap<ObjectName, u32>> {
        // No code panics while it holds the lock; if it did, the map would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One cannot be read, or no more for another reason than before.
    pub(crate) fn note(&self, name: &ObjectName) {
        self.all().entry(name.clone()).or_default();
    }

    /// The pause before another try, after one that failed.
    fn pause(&self, name: &ObjectName) -> Duration {
        let mut all = self.all();
        let tries = all.get_mut(name).map_or(1, |tries| {
            *tries = tries.saturating_add(1);
            *tries
        });
        backoff::growing(tries, FIRST_PAUSE, LONGEST_PAUSE)
    }

    /// It can be read, or has gone, or its status says so.
    pub(crate) fn forget(&self, name: &ObjectName) {
        self.all().remove(name);
    }

    /// All of them.
    pub(crate) fn names(&self) -> Vec<ObjectName> {
        self.all().keys().cloned().collect()
    }
}

/// What is read of such an object beside its fault.
#[derive(Debug, Deserialize)]
struct Found {
    metadata: Marks,
    #[serde(default)]
    status: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks {
    uid: String,
    resource_version: String,
    #[serde(default)]
    generation: i64,
}

impl Reconciler {
    /// Has the status of an object that is noted say that it cannot be read, unless it can be by now. Gives the pause before
    /// another try.
    ///
    /// # Errors
    /// It may be large, and the pass is in a lighter lane.
    pub(super) async fn say_unreadable(&self, name: &ObjectName, pass: &Pass) -> Result<Option<Duration>, Unfinished> {
        if !self.settings.update_status || !self.unreadable.all().contains_key(name) {
            return Ok(None);
        }
        pass.needs(Lane::Large)?;
        match self.say_once(name).await {
            Ok(()) | Err(ApiFailure::NotFound(_)) => {
                self.unreadable.forget(name);
                Ok(None)
            }
            Err(error) => {
                debug!(key = %name, %error, "the status of an object that cannot be read cannot be written, trying again");
                self.metrics.count_error(METRIC_STATUS, &name.namespace);
                Ok(Some(self.unreadable.pause(name)))
            }
        }
    }

    async fn say_once(&self, name: &ObjectName) -> Result<(), ApiFailure> {
        let api: Api<Lenient<SealedSecret>> = Api::namespaced(self.client.clone(), &name.namespace);
        let get = Request::new(api.resource_url()).get(&name.name, &GetParams::default());
        let get = get.map_err(|error| ApiFailure::from(kube::Error::BuildRequest(error)))?;
        let text = in_time(self.client.request_text(get)).await?;
        let unread = |error| ApiFailure::from(kube::Error::SerdeError(error));
        let Lenient::Unreadable(object) = serde_json::from_str::<Lenient<SealedSecret>>(&text).map_err(unread)? else {
            return Ok(());
        };
        let Found { metadata, status } = serde_json::from_str(&text).map_err(unread)?;
        drop(text);
        // The API server takes nothing but the status of it.
        let without_spec = json!({
            "apiVersion": SealedSecret::api_version(&()), "kind": SealedSecret::kind(&()),
            "metadata": {
                "namespace": name.namespace, "name": name.name, "generation": metadata.generation,
                "uid": metadata.uid, "resourceVersion": metadata.resource_version,
            },
            "spec": {"encryptedData": {}}, "status": status,
        });
        let sealed: SealedSecret = serde_json::from_value::<Lenient<_>>(without_spec)
            .map_err(unread)?
            .into_result()?;
        let failure = Failure::Unreadable(object.fault);
        let Some(status) = status::after(&sealed, Some(&failure), Timestamp::now()) else {
            return Ok(());
        };
        let said = SealedSecret {
            status: Some(status),
            ..sealed
        };
        // What is answered cannot be read either.
        in_time(request::replace_status(&api, &name.name, &said)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_noted_once_however_often_it_changes() {
        let noted = Unreadable::default();
        let name = ObjectName {
            namespace: "ns".to_owned(),
            name: "one".to_owned(),
        };
        (0..1000).for_each(|_| noted.note(&name));
        assert_eq!(noted.names(), std::slice::from_ref(&name));
        assert_eq!([1, 2].map(|_| noted.pause(&name).as_secs()), [30, 60]);
        (0..100).for_each(|_| assert!(noted.pause(&name) <= LONGEST_PAUSE));
        noted.forget(&name);
        assert!(noted.names().is_empty());
    }
}
