//! One request to the API server and its answer.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Refusal;
use crate::files;

/// Answers are an object, a certificate or nothing; a larger one is not read.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;
/// How often a busy server is asked again (as Kubernetes' Go client does).
const MOST_TRIES: usize = 10;
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A request, to be sent as often as the server asks for it.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) accept: &'static str,
    pub(super) body: Vec<u8>,
    /// Bytes of an answer that are read.
    pub(super) largest: usize,
}

impl Request {
    pub(super) fn get(path: String, accept: &'static str) -> Self {
        Self {
            method: Method::GET,
            path,
            accept,
            body: Vec::new(),
            largest: LARGEST,
        }
    }

    fn build(&self) -> Result<http::Request<Body>, http::Error> {
        let mut request = http::Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(ACCEPT, self.accept);
        if self.method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
        } else if self.method == Method::PATCH {
            request = request.header(CONTENT_TYPE, "application/merge-patch+json");
        }
        request.body(Body::from(self.body.clone()))
    }
}

/// Sends the request; a server that is busy and says when to come back is asked again.
///
/// # Errors
/// Why there is no answer, as a text. An answer with an error status is the inner `Err`.
pub(super) async fn send(client: &kube::Client, request: &Request) -> Result<Result<Vec<u8>, Refusal>, String> {
    let mut tries = 1;
    loop {
        let built = request.build().map_err(|error| error.to_string())?;
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
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
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

/// A name as one segment of a path.
pub(super) fn path_segment(name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(name, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(path_segment("sealed-secrets"), "sealed-secrets");
        assert_eq!(path_segment("../secrets?x#y"), "..%2Fsecrets%3Fx%23y");
    }

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
