//! What became of a request to the API server, with texts that quote no Secret.

use crds::Unreadable;
use kube::core::Status;
use kube::runtime::watcher;
use thiserror::Error;

use super::chain;
use crate::printable::truncate;

/// Why a request to the API server failed. The text is fit for logs, events and statuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ApiFailure {
    /// Another writer was faster (409): read again, try again.
    #[error("{0}")]
    Conflict(String),
    /// The object to create is there (409).
    #[error("{0}")]
    AlreadyExists(String),
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 403. (A 401 is an [`Self::Answer`]: it passes when the token is renewed, and says nothing of what is allowed.)
    #[error("{0}")]
    Denied(String),
    /// 403, because who sets an owner must be allowed to delete (an admission plugin, which OpenShift has on).
    #[error(
        "{0}; this cluster asks for the right to delete Secrets for that: deploy/components/openshift gives it (the chart: rbac.deleteSecrets)"
    )]
    OwnerDenied(String),
    /// 403, because the namespace is being deleted: nothing can be made there, and soon nothing will be asked for.
    #[error("{0}")]
    NamespaceEnds(String),
    /// 422, by the API server's own rules for the object: it would say the same again.
    #[error("{0}")]
    Invalid(String),
    /// 429: to be asked again after a while.
    #[error("{text}")]
    Overloaded {
        /// What it says.
        text: String,
        /// After how many seconds.
        seconds: u32,
    },
    /// The API server answered with another error.
    #[error("{0}")]
    Answer(String),
    /// No answer: unreachable, cut off, or too slow.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
}

impl ApiFailure {
    /// The same failure without the words of others: they may quote what was sent.
    pub(crate) fn concealed(self) -> Self {
        const REFUSED: &str =
            "the API server refuses the Secret; why is not shown, because its labels and item names are sealed";
        let text = REFUSED.to_owned();
        match self {
            Self::Conflict(_) => Self::Conflict(text),
            Self::AlreadyExists(_) => Self::AlreadyExists(text),
            Self::NotFound(_) => Self::NotFound(text),
            Self::Denied(_) => Self::Denied(text),
            Self::OwnerDenied(_) => Self::OwnerDenied(text),
            Self::NamespaceEnds(_) => Self::NamespaceEnds(text),
            Self::Invalid(_) => Self::Invalid(text),
            Self::Overloaded { seconds, .. } => Self::Overloaded { text, seconds },
            Self::Answer(_) => Self::Answer(text),
            // Its words are this program's.
            Self::Unreachable(_) => self,
        }
    }
}

/// Longest text of the API server that is kept, in bytes: it quotes what it refuses.
const LONGEST_TEXT: usize = 4096;

impl From<Status> for ApiFailure {
    fn from(status: Status) -> Self {
        let mut text = status_text(&status);
        truncate(&mut text, LONGEST_TEXT);
        if status.code == 403 && has_cause(&status, NAMESPACE_TERMINATING) {
            return Self::NamespaceEnds(text);
        }
        match (status.code, status.reason.as_str()) {
            (409, "AlreadyExists") => Self::AlreadyExists(text),
            (409, _) => Self::Conflict(text),
            (404, _) => Self::NotFound(text),
            (403, _) if text.contains(OWNER_DENIED) => Self::OwnerDenied(text),
            (403, _) => Self::Denied(text),
            (422, _) if is_about_content(&status) => Self::Invalid(text),
            (429, _) => Self::Overloaded {
                text,
                seconds: status.details.map_or(0, |details| details.retry_after_seconds),
            },
            _ => Self::Answer(text),
        }
    }
}

/// Cause that the API server gives for refusing to make an object in a namespace that is being deleted.
const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";

/// What OwnerReferencesPermissionEnforcement says.
const OWNER_DENIED: &str = "cannot set an ownerRef on a resource you can't delete";

fn has_cause(status: &Status, reason: &str) -> bool {
    status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .any(|cause| cause.reason == reason)
}

/// What of a Secret is the SealedSecret's alone to say.
const CONTENT: [&str; 3] = ["data", "metadata.labels", "metadata.annotations"];

/// Whether a refusal is about the content that was asked for, by the API server's own rules: a policy or a webhook names no
/// field, and what cannot be changed depends on the Secret that is there.
fn is_about_content(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes).peekable();
    causes.peek().is_some()
        && causes.all(|cause| {
            let is_content = CONTENT.iter().any(|field| cause.field.starts_with(field));
            is_content && !cause.message.contains("immutable")
        })
}

/// Beginnings of the rules for the names of items. What the API server says of a name quotes no value.
const NAME_RULES: [&str; 4] = [
    "a valid config key must consist of",
    "must be no more than",
    "must not be '.'",
    "must not start with '..'",
];

/// The rule for the names of items that a complaint tells, if it is one about a name.
fn name_rule(message: &str) -> Option<&str> {
    NAME_RULES
        .iter()
        .find_map(|rule| message.find(rule).and_then(|at| message.get(at..)))
}

/// The server's message; but the complaint about a Secret's data is cut down to the item, since it may quote a byte.
fn status_text(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let data: Vec<_> = causes
        .filter(|cause| cause.field.starts_with("data") || cause.field.starts_with("stringData"))
        .collect();
    if status.code != 422 || data.is_empty() {
        return status.message.clone();
    }
    let parts: Vec<_> = data
        .iter()
        .map(|cause| {
            let what = name_rule(&cause.message).unwrap_or(&cause.reason);
            format!("{}: {what}", cause.field)
        })
        .collect();
    format!("the API server refuses the Secret: {}", parts.join(", "))
}

impl From<kube::Error> for ApiFailure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => (*status).into(),
            // Its text could quote the answer, which may be a Secret.
            kube::Error::SerdeError(_) => Self::Answer("the API server's answer cannot be read".to_owned()),
            other => Self::Unreachable(chain(&other)),
        }
    }
}

impl From<Box<Unreadable>> for ApiFailure {
    fn from(unreadable: Box<Unreadable>) -> Self {
        Self::Answer(unreadable.to_string())
    }
}

impl From<watcher::Error> for ApiFailure {
    fn from(error: watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => error.into(),
            watcher::Error::WatchError(status) => (*status).into(),
            watcher::Error::NoResourceVersion => Self::Answer(watcher::Error::NoResourceVersion.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::response::{StatusCause, StatusDetails};

    use super::*;

    fn status(code: u16, reason: &str, message: &str, causes: &[(&str, &str, &str)]) -> Status {
        let causes = causes.iter().map(|(field, reason, message)| StatusCause {
            field: (*field).to_owned(),
            reason: (*reason).to_owned(),
            message: (*message).to_owned(),
        });
        let details = StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: causes.collect(),
            retry_after_seconds: 0,
        };
        Status {
            code,
            reason: reason.to_owned(),
            message: message.to_owned(),
            details: Some(details),
            ..Status::default()
        }
    }

    #[test]
    fn a_text_that_quotes_what_was_sent_is_cut() {
        let failure = ApiFailure::from(status(422, "Invalid", &"x".repeat(1 << 20), &[]));
        assert!(failure.to_string().len() <= LONGEST_TEXT);
    }

    #[test]
    fn answers_are_told_apart_by_code_and_reason() {
        let failure = |code, reason| ApiFailure::from(status(code, reason, "m", &[]));
        assert_eq!(failure(409, "AlreadyExists"), ApiFailure::AlreadyExists("m".to_owned()));
        assert_eq!(failure(409, "Conflict"), ApiFailure::Conflict("m".to_owned()));
        assert_eq!(failure(404, "NotFound"), ApiFailure::NotFound("m".to_owned()));
        assert_eq!(failure(403, "Forbidden"), ApiFailure::Denied("m".to_owned()));
        assert_eq!(failure(401, "Unauthorized"), ApiFailure::Answer("m".to_owned()));
        assert_eq!(failure(500, ""), ApiFailure::Answer("m".to_owned()));
        assert_eq!(
            failure(422, "Invalid"),
            ApiFailure::Answer("m".to_owned()),
            "of a policy"
        );
        for (field, message, is_content) in [
            ("metadata.labels", "m", true),
            ("metadata.ownerReferences", "m", false),
            ("data", "field is immutable when `immutable` is set", false),
        ] {
            let refused = ApiFailure::from(status(422, "Invalid", "m", &[(field, "FieldValueInvalid", message)]));
            assert_eq!(
                matches!(refused, ApiFailure::Invalid(_)),
                is_content,
                "{field}: {message}"
            );
        }
        let mut overloaded = status(429, "TooManyRequests", "m", &[]);
        overloaded.details.as_mut().unwrap().retry_after_seconds = 7;
        let (text, seconds) = ("m".to_owned(), 7);
        assert_eq!(ApiFailure::from(overloaded), ApiFailure::Overloaded { text, seconds });
        let ends = status(
            403,
            "Forbidden",
            "m",
            &[("metadata.namespace", "NamespaceTerminating", "m")],
        );
        assert_eq!(ApiFailure::from(ends), ApiFailure::NamespaceEnds("m".to_owned()));
    }

    #[test]
    fn a_complaint_about_data_does_not_quote_it() {
        let message =
            "Secret \"s\" is invalid: data[.dockerconfigjson]: Invalid value: \"<redacted>\": invalid character 'h'";
        let causes = [(
            "data[.dockerconfigjson]",
            "FieldValueInvalid",
            "invalid character 'h' looking for a value",
        )];
        let failure = ApiFailure::from(status(422, "Invalid", message, &causes));
        assert_eq!(
            failure.to_string(),
            "the API server refuses the Secret: data[.dockerconfigjson]: FieldValueInvalid"
        );
    }

    #[test]
    fn the_rule_for_the_names_of_items_is_told() {
        let rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        let cause = format!("Invalid value: \"a b\": {rule}");
        let causes = [("data[a b]", "FieldValueInvalid", cause.as_str())];
        let failure = ApiFailure::from(status(422, "Invalid", "m", &causes));
        assert_eq!(
            failure,
            ApiFailure::Invalid(format!("the API server refuses the Secret: data[a b]: {rule}"))
        );
    }
}
