//! How requests are sent, and their answers read.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
pub(super) use kube::Client;
use kube::Config;
use kube::client::{Body, ClientBuilder};

use super::request::Request;
use super::{ClusterError, Refusal};
use crate::files;

/// How often a busy server is asked again (as Kubernetes' Go client does).
const MOST_TRIES: usize = 10;
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A client of the server that the settings name.
///
/// # Errors
/// They cannot be used.
pub(super) fn client(config: Config) -> Result<Client, ClusterError> {
    let client = match &config.proxy_url {
        Some(_) => Client::try_from(config),
        None => connection::direct(&config)
            .map(|connection| ClientBuilder::new(connection, config.default_namespace).build()),
    };
    client.map_err(|error| ClusterError::Configuration(cause(&error)))
}

fn build(asked: &Request) -> Result<http::Request<Body>, http::Error> {
    let mut request = http::Request::builder()
        .method(&asked.method)
        .uri(&asked.path)
        .header(ACCEPT, asked.accept);
    if asked.method == Method::POST {
        request = request.header(CONTENT_TYPE, "application/json");
    } else if asked.method == Method::PATCH {
        request = request.header(CONTENT_TYPE, "application/merge-patch+json");
    }
    request.body(Body::from(asked.body.clone()))
}

/// Sends the request; a server that is busy and says when to come back is asked again.
///
/// # Errors
/// Why there is no answer, as a text. An answer with an error status is the inner `Err`.
pub(super) async fn send(client: &Client, request: &Request) -> Result<Result<Vec<u8>, Refusal>, String> {
    let mut tries = 1;
    loop {
        let built = build(request).map_err(|error| error.to_string())?;
        let reply = client.send(built).await.map_err(|error| cause(&error))?;
        let (head, body) = reply.into_parts();
        let body = Limited::new(body, request.largest)
            .collect()
            .await
            .map_err(|error| cause(error.as_ref()))?
            .to_bytes();
        if head.status.is_success() {
            return Ok(Ok(body.to_vec()));
        }
        match pause(head.status, &head.headers).filter(|_| tries < MOST_TRIES) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Ok(Err(refusal(head.status, &body))),
        }
        tries += 1;
    }
}

/// How long a busy server wants to be left alone, if it says so.
fn pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// The message of Kubernetes' `Status` object, else the status alone: what a controller or a proxy says otherwise may
/// be anything.
fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let told = serde_json::from_slice::<serde_json::Value>(body).ok().and_then(|body| {
        let is_status = body.get("kind")?.as_str()? == "Status";
        Some(body.get("message")?.as_str()?.to_owned()).filter(|message| is_status && !message.is_empty())
    });
    let message = told.unwrap_or_else(|| status.canonical_reason().unwrap_or("refused").to_lowercase());
    Refusal { status, message }
}

/// The innermost reason of a failure: the outer ones say only that something failed.
fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => "it does not answer in time".to_owned(),
        Some(error) => files::plain(error),
        None => innermost.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_server_that_says_when_is_asked_again() {
        let headers = |value: &str| HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause(StatusCode::TOO_MANY_REQUESTS, &headers("1")), seconds(1));
        assert_eq!(pause(StatusCode::SERVICE_UNAVAILABLE, &headers("3600")), seconds(30));
        assert_eq!(pause(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()), None);
        assert_eq!(pause(StatusCode::CONFLICT, &headers("1")), None);
    }

    #[test]
    fn only_the_message_of_a_status_object_is_told() {
        let told = |body: &str| refusal(StatusCode::NOT_FOUND, body.as_bytes()).message;
        assert_eq!(
            told(r#"{"kind":"Status","message":"services \"x\" not found"}"#),
            "services \"x\" not found"
        );
        assert_eq!(told("<html>"), "not found");
    }
}
