//! Requests to the API server that end.

pub(crate) mod at_most;

use std::future::Future;
use std::time::Duration;

use crds::Lenient;
use kube::api::{GetParams, ListParams, ObjectList, PostParams};
use kube::core::request::{self, Request};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use at_most::AtMost;

use crate::error::ApiFailure;
use crate::settings::ApiSettings;

/// Longest silence on a connection that something is expected from. The API server itself ends a request after a minute.
pub(crate) fn longest_silence(watch_seconds: u32) -> Duration {
    Duration::from_secs(u64::from(watch_seconds) + 35)
}

/// How long something that is asked again and again may be without an answer: longer than a watch that dies unnoticed, and the
/// try that follows it. `None`: where requests are paced, each may wait for any time.
pub(crate) fn longest_without_answer(settings: &ApiSettings) -> Option<Duration> {
    let longest = longest_silence(settings.watch_seconds) + Duration::from_secs(120);
    settings.limit.is_none().then_some(longest)
}

/// Longest time for one request.
pub(crate) const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// Waits for a request, but not for ever.
pub(crate) async fn in_time<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ApiFailure> {
    within(LONGEST_REQUEST, request).await
}

/// Waits for a request, `longest` at most.
pub(crate) async fn within<T>(
    longest: Duration,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, ApiFailure> {
    match tokio::time::timeout(longest, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ApiFailure::Unreachable(format!(
            "no answer within {} s",
            longest.as_secs()
        ))),
    }
}

/// A kind that is read and written.
pub(crate) trait Object: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned {}

impl<K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned> Object for K {}

/// Reads an object, if it is there. Of an answer that is longer than `bound` nothing is kept, and the result is an error.
pub(crate) async fn get<K: Object>(
    api: &Api<Lenient<K>>,
    name: &str,
    bound: &AtMost,
) -> kube::Result<Option<Lenient<K>>> {
    let request = Request::new(api.resource_url()).get(name, &GetParams::default());
    let mut request = request.map_err(kube::Error::BuildRequest)?;
    request.extensions_mut().insert(bound.clone());
    match api.clone().into_client().request(request).await {
        Ok(found) => Ok(Some(found)),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lists objects. Of an answer that is longer than `bound` nothing is kept, and the result is an error.
pub(crate) async fn list<K: Object>(
    api: &Api<Lenient<K>>,
    parameters: &ListParams,
    bound: &AtMost,
) -> kube::Result<ObjectList<Lenient<K>>> {
    let request = Request::new(api.resource_url()).list(parameters);
    let mut request = request.map_err(kube::Error::BuildRequest)?;
    request.extensions_mut().insert(bound.clone());
    api.clone().into_client().request(request).await
}

/// Creates an object. Unlike [`Api::create`], it reads any answer: what others wrote into the object meanwhile is in it.
pub(crate) async fn create<K: Object>(api: &Api<Lenient<K>>, object: &K) -> kube::Result<Lenient<K>> {
    send(api, |to, body| to.create(&PostParams::default(), body), object).await
}

/// Replaces an object; reads any answer.
pub(crate) async fn replace<K: Object>(api: &Api<Lenient<K>>, name: &str, object: &K) -> kube::Result<Lenient<K>> {
    send(api, |to, body| to.replace(name, &PostParams::default(), body), object).await
}

/// Replaces the status of an object; reads any answer.
pub(crate) async fn replace_status<K: Object>(
    api: &Api<Lenient<K>>,
    name: &str,
    object: &impl Serialize,
) -> kube::Result<Lenient<K>> {
    let build = |to: &Request, body| to.replace_subresource("status", name, &PostParams::default(), body);
    send(api, build, object).await
}

async fn send<K: Object>(
    api: &Api<Lenient<K>>,
    build: impl FnOnce(&Request, Vec<u8>) -> Result<axum::http::Request<Vec<u8>>, request::Error>,
    object: &impl Serialize,
) -> kube::Result<Lenient<K>> {
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = build(&Request::new(api.resource_url()), body).map_err(kube::Error::BuildRequest)?;
    api.clone().into_client().request(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_ends() {
        let failure = in_time(std::future::pending::<kube::Result<()>>()).await;
        let expected = "no answer within 30 s".to_owned();
        assert_eq!(failure, Err(ApiFailure::Unreachable(expected)));
    }
}
