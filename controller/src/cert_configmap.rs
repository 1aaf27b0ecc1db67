//! The current certificate in a ConfigMap, for those who may read that and not reach the Service. The leader writes it, and
//! puts right what others make of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::{Lenient, names};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::core::ObjectMeta;
use kube::runtime::watcher;
use tracing::{info, warn};

use crate::backoff;
use crate::error::ApiFailure;
use crate::keys::KeysReader;
use crate::lease::leadership::Leadership;
use crate::relist::Relists;
use crate::request::{self, in_time};

/// Pauses before another try.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// What to do with the ConfigMap.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Leave,
    Create(Box<ConfigMap>),
    Replace(Box<ConfigMap>),
    /// It is immutable: somebody who may has to delete it.
    Stuck,
}

/// The ConfigMap of one installation.
pub(crate) struct CertConfigMap {
    api: Api<Lenient<ConfigMap>>,
    name: String,
    keys: KeysReader,
    leadership: Leadership,
    relists: Relists,
    failures: u32,
    troubled: bool,
}

impl CertConfigMap {
    /// For the controller whose Service has that name, in the namespace that `api` reaches.
    pub(crate) fn new(
        api: Api<Lenient<ConfigMap>>,
        service: &str,
        keys: KeysReader,
        (leadership, relists): (Leadership, Relists),
    ) -> Self {
        Self {
            api,
            name: format!("{service}{}", names::CERTIFICATE_CONFIG_MAP_SUFFIX),
            keys,
            leadership,
            relists,
            failures: 0,
            troubled: false,
        }
    }

    /// Keeps the ConfigMap right while this replica leads, until the process ends.
    pub(crate) async fn run(mut self) {
        loop {
            let mut leadership = self.leadership.clone();
            let mut relists = self.relists.clone();
            relists.mark_unchanged();
            let term = leadership.begins().await;
            let failure = tokio::select! {
                failure = self.keep() => failure,
                () = leadership.ends(term) => continue,
                Ok(()) = relists.changed() => continue,
            };
            self.failures = self.failures.saturating_add(1);
            // Somebody else was faster: a new look settles that.
            let passes = matches!(failure, ApiFailure::Conflict(_) | ApiFailure::AlreadyExists(_));
            if !passes && !std::mem::replace(&mut self.troubled, true) {
                warn!(configmap = self.name, %failure, "the certificate cannot be published, trying again");
            }
            let pause = match failure {
                ApiFailure::Denied(_) => RETRY_LONGEST,
                _ => backoff::growing(self.failures, RETRY_FIRST, RETRY_LONGEST),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows the ConfigMap and the keys until something fails.
    async fn keep(&mut self) -> ApiFailure {
        let mut stream = std::pin::pin!(watcher::watch_object(self.api.clone(), &self.name));
        let mut live = None;
        loop {
            tokio::select! {
                found = stream.next() => match found {
                    Some(Ok(found)) => match found.map(Lenient::into_result).transpose() {
                        Ok(found) => live = Some(found),
                        Err(error) => return error.into(),
                    },
                    Some(Err(error)) => return error.into(),
                    None => return ApiFailure::Answer("the watch has ended".to_owned()),
                },
                changed = self.keys.changed() => if changed.is_err() {
                    // The keys go with the process.
                    std::future::pending::<()>().await;
                },
            }
            let pem = self
                .keys
                .borrow_and_update()
                .current
                .as_ref()
                .map(|current| current.cert.pem().to_owned());
            // Before the first list nothing is known, and without a key there is nothing to say.
            let (Some(found), Some(pem)) = (&live, pem) else {
                continue;
            };
            let written = match step(found.as_ref(), &self.name, &pem) {
                Step::Leave => {
                    self.works();
                    continue;
                }
                Step::Stuck => {
                    if !std::mem::replace(&mut self.troubled, true) {
                        warn!(
                            configmap = self.name,
                            "the ConfigMap is immutable and does not hold the current certificate: delete it, and it is made again"
                        );
                    }
                    continue;
                }
                Step::Create(map) => in_time(request::create(&self.api, &*map)).await,
                Step::Replace(map) => in_time(request::replace(&self.api, &self.name, &*map)).await,
            };
            match written.and_then(|written| Ok(written.into_result()?)) {
                Ok(written) => {
                    info!(configmap = self.name, "certificate published");
                    live = Some(Some(written));
                    self.works();
                }
                Err(failure) => return failure,
            }
        }
    }

    fn works(&mut self) {
        self.failures = 0;
        if std::mem::take(&mut self.troubled) {
            info!(configmap = self.name, "the certificate is published again");
        }
    }
}

/// What the ConfigMap has to become. Its data are ours alone; labels and annotations are others' as well.
fn step(live: Option<&ConfigMap>, name: &str, pem: &str) -> Step {
    let data = Some(BTreeMap::from([(
        names::KEY_ITEM_CERTIFICATE.to_owned(),
        pem.to_owned(),
    )]));
    match live {
        None => Step::Create(Box::new(ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            data,
            ..ConfigMap::default()
        })),
        Some(live) if live.data == data && live.binary_data.as_ref().is_none_or(BTreeMap::is_empty) => Step::Leave,
        Some(live) if live.immutable == Some(true) => Step::Stuck,
        Some(live) => Step::Replace(Box::new(ConfigMap {
            metadata: ObjectMeta {
                managed_fields: None,
                ..live.metadata.clone()
            },
            data,
            binary_data: None,
            immutable: live.immutable,
        })),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;

    fn map(data: serde_json::Value) -> ConfigMap {
        let metadata = json!({"name": "a-certificate", "labels": {"team": "a"}, "resourceVersion": "7"});
        serde_json::from_value(json!({"metadata": metadata, "data": data})).unwrap()
    }

    #[test]
    fn it_is_made_left_or_put_right() {
        let right = map(json!({"tls.crt": "PEM"}));
        let Step::Create(made) = step(None, "a-certificate", "PEM") else {
            panic!("it is made")
        };
        assert_eq!(
            (made.data, made.metadata.name.as_deref()),
            (right.data.clone(), Some("a-certificate"))
        );
        assert_eq!(step(Some(&right), "a-certificate", "PEM"), Step::Leave);
        let binary = ConfigMap {
            binary_data: Some(BTreeMap::from([("tls.crt2".to_owned(), ByteString(vec![1]))])),
            ..right.clone()
        };
        let stuck = ConfigMap {
            immutable: Some(true),
            ..map(json!({"tls.crt": "OLD"}))
        };
        assert_eq!(step(Some(&stuck), "a-certificate", "PEM"), Step::Stuck);
        for wrong in [
            map(json!({"tls.crt": "OLD"})),
            map(json!({"tls.crt": "PEM", "more": "1"})),
            map(json!(null)),
            binary,
        ] {
            // With the labels and the resourceVersion that are there.
            assert_eq!(
                step(Some(&wrong), "a-certificate", "PEM"),
                Step::Replace(Box::new(right.clone()))
            );
        }
    }
}
