//! The objects of Sealed Secrets in a cluster: key Secrets and SealedSecrets.

use crds::{Lenient, SealedSecret, names};
use http::{Method, StatusCode};
use k8s_openapi::api::core::v1::Secret;
use kube::Resource;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize as _, Zeroizing};

use super::request::{LARGEST, Request, path_segment};
use super::{Cluster, ClusterError, Refusal};

/// Objects in one answer, each of which may be as large as an answer with one.
const PAGE: usize = 25;

/// A Secret with its values, which are wiped when it is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenSecret(pub(crate) Secret);

impl Drop for OpenSecret {
    fn drop(&mut self) {
        for value in self.0.data.iter_mut().flat_map(|data| data.values_mut()) {
            value.0.zeroize();
        }
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    #[serde(rename = "continue", default)]
    next: Option<String>,
}

impl Cluster {
    /// The Secrets in `namespace` that hold or held a sealing key: all that have the label, whatever its value, and the
    /// one of version 0.8, which has none.
    ///
    /// # Errors
    /// [`ClusterError::Objects`], or that the API server does not answer.
    pub(crate) fn key_secrets(&self, namespace: &str) -> Result<Vec<OpenSecret>, ClusterError> {
        let path = Secret::url_path(&(), Some(namespace));
        let selector = format!("labelSelector={}", path_segment(names::LABEL_SEALING_KEY));
        let mut secrets: Vec<_> = self
            .list::<Secret>(&path, &selector, "key Secrets")?
            .into_iter()
            .map(readable)
            .map(OpenSecret)
            .collect();
        let known = |secret: &OpenSecret| secret.0.metadata.name.as_deref() == Some(names::DEFAULT_KEY_PREFIX);
        if !secrets.iter().any(known) {
            secrets.extend(self.secret(namespace, names::DEFAULT_KEY_PREFIX)?);
        }
        Ok(secrets)
    }

    /// A Secret, if it is there.
    ///
    /// # Errors
    /// As [`Cluster::key_secrets`].
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Result<Option<OpenSecret>, ClusterError> {
        let path = format!("{}/{}", Secret::url_path(&(), Some(namespace)), path_segment(name));
        Ok(self.get(path, "Secret")?.map(readable).map(OpenSecret))
    }

    /// A SealedSecret, if it is there.
    ///
    /// # Errors
    /// As [`Cluster::key_secrets`].
    pub(crate) fn sealed_secret(&self, namespace: &str, name: &str) -> Result<Option<SealedSecret>, ClusterError> {
        let path = format!(
            "{}/{}",
            SealedSecret::url_path(&(), Some(namespace)),
            path_segment(name)
        );
        let found = self.get(path, "SealedSecret")?.map(Lenient::into_result).transpose();
        found.map_err(|_| unreadable("SealedSecret"))
    }

    /// Creates a Secret; one of that name must not be there.
    ///
    /// # Errors
    /// As [`Cluster::key_secrets`].
    pub(crate) fn create_secret(&self, namespace: &str, secret: &OpenSecret) -> Result<(), ClusterError> {
        let what = "Secret";
        let request = Request {
            method: Method::POST,
            path: Secret::url_path(&(), Some(namespace)),
            accept: "application/json",
            body: serde_json::to_vec(&secret.0).map_err(|_| unreadable(what))?,
            largest: LARGEST,
        };
        let refused = |refusal| ClusterError::NotCreated(refusal, namespace.to_owned());
        self.ask(request)?.map(drop).map_err(refused)
    }

    /// Gives a key Secret the seed of its hybrid key, from a Secret that has it; `version` is what the key Secret must still be.
    ///
    /// # Errors
    /// As [`Cluster::key_secrets`].
    pub(crate) fn add_seed(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
        from: &OpenSecret,
    ) -> Result<(), ClusterError> {
        let what = "Secret";
        let seed = from.0.data.as_ref().and_then(|data| data.get(names::KEY_ITEM_SEED));
        let patch = serde_json::json!({
            "metadata": {"resourceVersion": version},
            "data": {names::KEY_ITEM_SEED: seed},
        });
        let body = serde_json::to_vec(&patch).map_err(|_| unreadable(what));
        manifest::wipe(patch);
        let request = Request {
            method: Method::PATCH,
            path: format!("{}/{}", Secret::url_path(&(), Some(namespace)), path_segment(name)),
            accept: "application/json",
            body: body?,
            largest: LARGEST,
        };
        let refused = |refusal| ClusterError::NotChanged(refusal, name.to_owned());
        self.ask(request)?.map(drop).map_err(refused)
    }

    /// Every SealedSecret. Of one that cannot be read only the metadata: it tells nothing of its keys.
    ///
    /// # Errors
    /// As [`Cluster::key_secrets`].
    pub(crate) fn sealed_secrets(&self) -> Result<Vec<SealedSecret>, ClusterError> {
        let objects = self.list::<SealedSecret>(&SealedSecret::url_path(&(), None), "", "SealedSecrets")?;
        let readable = |object: Lenient<SealedSecret>| {
            object.into_result().unwrap_or_else(|unreadable| SealedSecret {
                metadata: unreadable.metadata,
                ..SealedSecret::default()
            })
        };
        Ok(objects.into_iter().map(readable).collect())
    }

    fn get<T>(&self, path: String, what: &'static str) -> Result<Option<Lenient<T>>, ClusterError>
    where
        T: Resource<DynamicType = ()> + DeserializeOwned,
    {
        match self.ask(Request::get(path, "application/json"))? {
            Ok(body) => {
                let body = Zeroizing::new(body);
                Ok(Some(serde_json::from_slice(&body).map_err(|_| unreadable(what))?))
            }
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => Ok(None),
            Err(refusal) => Err(ClusterError::Objects { what, refusal }),
        }
    }

    fn list<T>(&self, path: &str, selector: &str, what: &'static str) -> Result<Vec<Lenient<T>>, ClusterError>
    where
        T: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let from = if next.is_empty() {
                next
            } else {
                format!("&continue={}", path_segment(&next))
            };
            let request = Request {
                largest: PAGE * LARGEST,
                ..Request::get(format!("{path}?limit={PAGE}&{selector}{from}"), "application/json")
            };
            let body = self
                .ask(request)?
                .map_err(|refusal| ClusterError::Objects { what, refusal })?;
            let body = Zeroizing::new(body);
            let page: Page<Lenient<T>> = serde_json::from_slice(&body).map_err(|_| unreadable(what))?;
            all.extend(page.items);
            next = page.metadata.next.unwrap_or_default();
            if next.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// A Secret that cannot be read holds no usable key, and is named as such.
fn readable(secret: Lenient<Secret>) -> Secret {
    secret.into_result().unwrap_or_else(|unreadable| Secret {
        metadata: unreadable.metadata,
        ..Secret::default()
    })
}

fn unreadable(what: &'static str) -> ClusterError {
    let message = "the answer cannot be understood".to_owned();
    let status = StatusCode::OK;
    ClusterError::Objects {
        what,
        refusal: Refusal { status, message },
    }
}
