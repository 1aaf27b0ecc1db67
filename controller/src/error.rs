//! Why a SealedSecret is not synced, and the one table that maps each failure to the event's reason, the metric's
//! label and the condition's reason.

use crds::Unreadable;
use kube::core::Status;
use kube::runtime::watcher;
use sealing::keyring::OpenError;
use sealing::unseal::{ItemError, UnsealError};
use thiserror::Error;

use crate::reconcile::tried::Tried;

/// Reason of the event of a successful write (the reference's).
pub(crate) const EVENT_UNSEALED: &str = "Unsealed";
/// Reason of the event of a SealedSecret that does not open (the reference's).
pub(crate) const EVENT_UNSEAL_FAILED: &str = "ErrUnsealFailed";
/// Reason of the event of a Secret that could not be written (the reference's).
pub(crate) const EVENT_UPDATE_FAILED: &str = "ErrUpdateFailed";
/// Reason of the event of a key Secret that holds no usable key (ours; the reference dies of it).
pub(crate) const EVENT_KEY_MALFORMED: &str = "ErrKeyMalformed";
/// Reason of the event of a key Secret that was deleted, or came to hold another key (ours).
pub(crate) const EVENT_KEY_GONE: &str = "SealingKeyGone";
/// Condition reason of success.
pub(crate) const REASON_UNSEALED: &str = "Unsealed";

/// Condition reason of templates that go over a limit. Such an object is not tried again until it changes, also by the next
/// process, which reads this in the status.
pub(crate) const REASON_OVER_LIMIT: &str = "TemplateOverLimit";

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

impl From<Status> for ApiFailure {
    fn from(status: Status) -> Self {
        let text = status_text(&status);
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

/// An error and its sources as one line; a source that its parent has already told is not told again.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Why a SealedSecret is not synced.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Failure {
    /// It does not open. Where a key is what may be missing, the text also says what was tried.
    #[error("{}{error}{}", over_limit(error, tried), said_of(error, tried))]
    Unseal {
        /// Which items, and why. Not a source: its text is told.
        error: UnsealError,
        /// Where they were tried.
        tried: Box<Tried>,
    },
    /// It uses the deprecated format, which is turned off. The text is the reference's.
    #[error("using deprecated 'data' field, use 'encryptedData' or flip the feature flag")]
    DeprecatedData,
    /// The Secret is there and belongs to somebody else. The text is the reference's.
    #[error("failed update: {}", unmanaged(.0))]
    Unmanaged(String),
    /// The Secret is immutable and not what is asked for. The text is that of the reference's event.
    #[error(
        "Error updating {namespace}/{name}: the target Secret is immutable. Once a Secret is marked as immutable, it is not possible to revert this change nor to mutate the contents of the data field. You can only delete and recreate the Secret."
    )]
    Immutable {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The Secret has another type, which Kubernetes never changes.
    #[error(
        "the Secret has type {found:?} but {asked:?} is asked for: the type of a Secret cannot be changed, delete the Secret to have it made anew"
    )]
    TypeChange {
        /// The Secret's.
        found: String,
        /// The template's.
        asked: String,
    },
    /// The Secret has to make way for a new one, and something holds up its deletion.
    #[error("the Secret is being deleted: waiting until it is gone (check its finalizers)")]
    SecretTerminating,
    /// The Secret was put right, again and again, and somebody else writes it back each time.
    #[error(
        "the Secret does not stay as it is made: {} changes it whenever it is put right. It is put right again after growing pauses, up to 5 min",
        manager(.0)
    )]
    Contested(Option<String>),
    /// The Secret would be of a type that Kubernetes itself fills with, or takes for, credentials of its own.
    /// Holds the type, unless it is sealed.
    #[error(
        "a Secret of {} is a credential of the cluster itself: refused unless the controller runs with --allow-credential-types",
        .0.as_ref().map_or_else(|| "its type".to_owned(), |type_| format!("type {type_:?}"))
    )]
    CredentialType(Option<String>),
    /// The Secret would be one of the controller's own sealing keys.
    #[error(
        "the Secret would be a sealing key of the controller: refused unless the controller runs with --allow-credential-types"
    )]
    SealingKey,
    /// The Secret would hold more than Kubernetes allows.
    #[error(
        "the Secret would hold {0} bytes in all values together, and Kubernetes allows {max}: seal the values as several Secrets",
        max = sealing::size::LARGEST_SECRET
    )]
    TooLarge(usize),
    /// The API server refused, or was not there.
    #[error(transparent)]
    Api(#[from] ApiFailure),
}

/// In front, since the end of a long message is cut off.
fn over_limit(error: &UnsealError, tried: &Tried) -> String {
    let not_again = || format!("{}: ", tried.not_again());
    error.is_over_limit().then(not_again).unwrap_or_default()
}

/// What was tried is of interest where a key, a name or a scope may be wrong, not where the ciphertext is broken.
fn said_of(error: &UnsealError, tried: &Tried) -> String {
    let is_no_key = |error: &ItemError| matches!(error, ItemError::Open(OpenError::NoKey { .. }));
    match error {
        UnsealError::Items(errors) if errors.0.values().any(is_no_key) => {
            let lines = error.to_string().lines().count();
            format!("{}{tried}", if lines > 1 { "\n" } else { "; " })
        }
        UnsealError::DeprecatedData(error) if is_no_key(error) => format!("; {tried}"),
        _ => String::new(),
    }
}

fn manager(name: &Option<String>) -> String {
    name.as_ref().map_or_else(
        || "something else".to_owned(),
        |name| format!("{name:?} (a manager of its fields)"),
    )
}

fn unmanaged(name: &str) -> String {
    format!("Resource {name:?} already exists and is not managed by SealedSecret")
}

/// When a failure is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// When the object or the keyring changes; no timer helps.
    OnChange,
    /// With growing pauses, slow from the beginning: somebody has to act first.
    Slow,
    /// A few times at once, unreported; then as [`Retry::Slow`].
    Fast,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// Reason of the event (the reference's).
    pub event: &'static str,
    /// Label `reason` of the error counter (the reference's).
    pub metric: &'static str,
    /// Reason of the conditions; a closed set.
    pub condition: &'static str,
    /// When it is tried again.
    pub retry: Retry,
}

const fn row(event: &'static str, metric: &'static str, condition: &'static str, retry: Retry) -> Row {
    Row {
        event,
        metric,
        condition,
        retry,
    }
}

/// Label of the error counter for a status that could not be written (the reference's).
pub(crate) const METRIC_STATUS: &str = "status";

impl Failure {
    /// The table.
    pub(crate) fn row(&self) -> Row {
        match self {
            Self::Unseal { error, .. } if error.is_over_limit() => {
                row(EVENT_UNSEAL_FAILED, "unseal", REASON_OVER_LIMIT, Retry::OnChange)
            }
            Self::Unseal { .. } => row(EVENT_UNSEAL_FAILED, "unseal", "UnsealFailed", Retry::OnChange),
            Self::DeprecatedData => row(EVENT_UNSEAL_FAILED, "unseal", "DeprecatedData", Retry::OnChange),
            Self::Unmanaged(_) => row(EVENT_UPDATE_FAILED, "unmanaged", "NotManaged", Retry::Slow),
            Self::Immutable { .. } => row(EVENT_UPDATE_FAILED, "update", "SecretImmutable", Retry::Slow),
            Self::TypeChange { .. } => row(EVENT_UPDATE_FAILED, "update", "SecretTypeDiffers", Retry::Slow),
            Self::SecretTerminating => row(EVENT_UPDATE_FAILED, "update", "SecretTerminating", Retry::Slow),
            Self::Contested(_) => row(EVENT_UPDATE_FAILED, "update", "SecretContested", Retry::Slow),
            Self::CredentialType(_) => row(EVENT_UPDATE_FAILED, "update", "SecretTypeRefused", Retry::OnChange),
            Self::SealingKey => row(EVENT_UPDATE_FAILED, "update", "SealingKeyRefused", Retry::OnChange),
            Self::Api(ApiFailure::NamespaceEnds(_)) => {
                row(EVENT_UPDATE_FAILED, "update", "NamespaceTerminating", Retry::Slow)
            }
            Self::Api(ApiFailure::OwnerDenied(_)) => {
                row(EVENT_UPDATE_FAILED, "update", "OwnerReferenceDenied", Retry::Slow)
            }
            Self::Api(ApiFailure::Invalid(_)) => row(EVENT_UPDATE_FAILED, "update", "SecretInvalid", Retry::OnChange),
            Self::TooLarge(_) => row(EVENT_UPDATE_FAILED, "update", "SecretTooLarge", Retry::OnChange),
            Self::Api(_) => row(EVENT_UPDATE_FAILED, "update", "UpdateFailed", Retry::Fast),
        }
    }

    /// The event's text, as the reference words it.
    pub(crate) fn event_message(&self) -> String {
        match self {
            Self::Unseal { .. } | Self::DeprecatedData => format!("Failed to unseal: {self}"),
            Self::Unmanaged(name) => unmanaged(name),
            other => other.to_string(),
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

    #[test]
    fn the_texts_are_the_references() {
        let failure = Failure::Unmanaged("s".to_owned());
        assert_eq!(
            failure.to_string(),
            "failed update: Resource \"s\" already exists and is not managed by SealedSecret"
        );
        assert_eq!(
            failure.event_message(),
            "Resource \"s\" already exists and is not managed by SealedSecret"
        );
        assert_eq!(
            Failure::Unseal {
                error: UnsealError::BothFormats,
                tried: Box::new(Tried::new(
                    &crds::SealedSecret::default(),
                    &sealing::keyring::KeyRing::default()
                )),
            }
            .event_message(),
            "Failed to unseal: cannot use the field 'encryptedData' and the deprecated field 'data' at the same time"
        );
    }
}
