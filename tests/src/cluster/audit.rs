//! The controller's requests, by the API server's audit log.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Cluster;
use crate::implementation::{CONTROLLER, NAMESPACE};

pub(super) const POLICY: &str = "audit-policy.yaml";
pub(super) const LOG: &str = "audit.log";

/// A request that was answered, or a watch that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// The plural, with the subresource after a slash: `secrets`, `sealedsecrets/status`.
    pub resource: String,
    /// The object, as `namespace/name`; what the request did not say is left out.
    pub object: String,
    /// The HTTP status.
    pub code: u64,
    /// The address that it came from.
    pub source: String,
}

impl Request {
    /// Whether it asks for a change.
    pub fn writes(&self) -> bool {
        !["get", "list", "watch"].contains(&self.verb.as_str())
    }
}

/// Has the requests of the controller's ServiceAccount written down, without their bodies, and no one else's.
pub(super) fn write_policy(state: &Path) -> Result<()> {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "users": [format!("system:serviceaccount:{NAMESPACE}:{CONTROLLER}")]},
            {"level": "None"},
        ],
    });
    Ok(fs::write(state.join(POLICY), policy.to_string())?)
}

impl Cluster {
    /// The file of the API server's audit log: an event a line.
    pub fn audit_log(&self) -> PathBuf {
        self.state().join(LOG)
    }

    /// The requests of the installed controller's ServiceAccount so far, in the order of their answers.
    pub fn controller_requests(&self) -> Result<Vec<Request>> {
        let path = self.audit_log();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut requests = Vec::new();
        for line in text.lines() {
            // The last line may be in the middle of being written.
            let Ok(event) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            requests.extend(request(&event));
        }
        Ok(requests)
    }
}

/// The request of an audit event; `None` for an event at another stage and for a request about no object.
fn request(event: &Value) -> Option<Request> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let joined = |parts: [&str; 2]| {
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("/")
    };
    let verb = text("/verb");
    // A watch is logged when it begins, any other request when it is complete.
    let stage = if verb == "watch" {
        "ResponseStarted"
    } else {
        "ResponseComplete"
    };
    let complete = text("/stage") == stage && event.get("objectRef").is_some();
    complete.then(|| Request {
        verb: verb.to_owned(),
        resource: joined([text("/objectRef/resource"), text("/objectRef/subresource")]),
        object: joined([text("/objectRef/namespace"), text("/objectRef/name")]),
        code: event
            .pointer("/responseStatus/code")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        source: text("/sourceIPs/0").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once() {
        let event = |verb: &str, stage: &str| {
            request(&json!({
                "verb": verb, "stage": stage, "responseStatus": {"code": 403}, "sourceIPs": ["127.0.0.5"],
                "objectRef": {"resource": "sealedsecrets", "subresource": "status", "namespace": "a", "name": "b"},
            }))
        };
        let expected = |verb: &str| Request {
            verb: verb.to_owned(),
            resource: "sealedsecrets/status".to_owned(),
            object: "a/b".to_owned(),
            code: 403,
            source: "127.0.0.5".to_owned(),
        };
        assert_eq!(event("update", "ResponseComplete"), Some(expected("update")));
        assert_eq!(event("watch", "ResponseStarted"), Some(expected("watch")));
        assert_eq!(event("watch", "ResponseComplete"), None);
        assert_eq!(request(&json!({"verb": "get", "stage": "ResponseComplete"})), None);
    }
}
