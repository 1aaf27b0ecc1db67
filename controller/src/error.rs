//! Why a SealedSecret is not synced, and the one table that maps each failure to the event's reason, the metric's
//! label and the condition's reason.

mod api_failure;
mod chain;

use crds::{Fault, reasons};
use sealing::keyring::OpenError;
use sealing::unseal::{ItemError, UnsealError};
use thiserror::Error;

use crate::unseal_diagnostics::UnsealDiagnostics;
pub(crate) use api_failure::ApiFailure;
pub(crate) use chain::chain;

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
/// Event reason of a key that is too short to seal with, and opens all the same.
pub(crate) const EVENT_KEY_SHORT: &str = "SealingKeyShort";
/// Event reason of a key whose hybrid key cannot be had.
pub(crate) const EVENT_KEY_HYBRID: &str = "SealingKeyHybridMissing";
/// Why a SealedSecret is not synced.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Failure {
    /// It does not open. Where a key is what may be missing, the text also says what was tried.
    #[error("{}{error}{}", over_limit(error, diagnostics), said_of(error, diagnostics))]
    Unseal {
        /// Which items, and why. Not a source: its text is told.
        error: UnsealError,
        /// Where they were tried.
        diagnostics: Box<UnsealDiagnostics>,
    },
    /// It uses the deprecated format, which is turned off. The text is the reference's.
    #[error("using deprecated 'data' field, use 'encryptedData' or flip the feature flag")]
    DeprecatedData,
    /// The SealedSecret cannot be read.
    #[error("{0}")]
    Unreadable(Fault),
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
    /// The thread that opened the items, or rendered the templates, died.
    #[error(
        "the controller failed while it opened the object, by a fault of its own: its log says where; please report it"
    )]
    Internal,
    /// The API server refused, or was not there.
    #[error(transparent)]
    Api(#[from] ApiFailure),
}

/// In front, since the end of a long message is cut off.
fn over_limit(error: &UnsealError, diagnostics: &UnsealDiagnostics) -> String {
    let not_again = || format!("{}: ", diagnostics.not_again());
    error.is_over_limit().then(not_again).unwrap_or_default()
}

/// What was tried is of interest where a key, a name or a scope may be wrong, not where the ciphertext is broken.
fn said_of(error: &UnsealError, diagnostics: &UnsealDiagnostics) -> String {
    let is_no_key = |error: &ItemError| match error {
        ItemError::Open(error) => matches!(
            error,
            OpenError::NoKey { .. } | OpenError::NoSuchKey { .. } | OpenError::NotBound { .. }
        ),
        _ => false,
    };
    match error {
        UnsealError::Items(errors) if errors.0.values().any(is_no_key) => {
            let lines = error.to_string().lines().count();
            format!("{}{diagnostics}", if lines > 1 { "\n" } else { "; " })
        }
        UnsealError::DeprecatedData(error) if is_no_key(error) => format!("; {diagnostics}"),
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
                row(EVENT_UNSEAL_FAILED, "unseal", reasons::OVER_LIMIT, Retry::OnChange)
            }
            Self::Unseal { .. } => row(EVENT_UNSEAL_FAILED, "unseal", reasons::UNSEAL_FAILED, Retry::OnChange),
            Self::DeprecatedData => row(EVENT_UNSEAL_FAILED, "unseal", reasons::DEPRECATED_DATA, Retry::OnChange),
            Self::Unreadable(_) => row(EVENT_UNSEAL_FAILED, "unseal", reasons::UNREADABLE, Retry::OnChange),
            Self::Internal => row(EVENT_UNSEAL_FAILED, "unseal", reasons::INTERNAL_ERROR, Retry::Slow),
            Self::Unmanaged(_) => row(EVENT_UPDATE_FAILED, "unmanaged", reasons::NOT_MANAGED, Retry::Slow),
            Self::Immutable { .. } => row(EVENT_UPDATE_FAILED, "update", reasons::IMMUTABLE, Retry::Slow),
            Self::TypeChange { .. } => row(EVENT_UPDATE_FAILED, "update", reasons::TYPE_DIFFERS, Retry::Slow),
            Self::SecretTerminating => row(EVENT_UPDATE_FAILED, "update", reasons::TERMINATING, Retry::Slow),
            Self::Contested(_) => row(EVENT_UPDATE_FAILED, "update", reasons::CONTESTED, Retry::Slow),
            Self::CredentialType(_) => row(EVENT_UPDATE_FAILED, "update", reasons::TYPE_REFUSED, Retry::OnChange),
            Self::SealingKey => row(
                EVENT_UPDATE_FAILED,
                "update",
                reasons::SEALING_KEY_REFUSED,
                Retry::OnChange,
            ),
            Self::Api(ApiFailure::NamespaceEnds(_)) => {
                // The answer may be stale, or the SealedSecret about to go as well: a few tries before it is said.
                row(
                    EVENT_UPDATE_FAILED,
                    "update",
                    reasons::NAMESPACE_TERMINATING,
                    Retry::Fast,
                )
            }
            Self::Api(ApiFailure::OwnerDenied(_)) => {
                row(EVENT_UPDATE_FAILED, "update", reasons::OWNER_DENIED, Retry::Slow)
            }
            Self::Api(ApiFailure::Invalid(_)) => row(EVENT_UPDATE_FAILED, "update", reasons::INVALID, Retry::OnChange),
            Self::TooLarge(_) => row(EVENT_UPDATE_FAILED, "update", reasons::TOO_LARGE, Retry::OnChange),
            Self::Api(_) => row(EVENT_UPDATE_FAILED, "update", reasons::UPDATE_FAILED, Retry::Fast),
        }
    }

    /// Whether the Secret that is there is in the way, so that another one may be made when it has gone.
    pub(crate) fn is_of_a_secret_in_the_way(&self) -> bool {
        matches!(
            self,
            Self::Unmanaged(_)
                | Self::Immutable { .. }
                | Self::TypeChange { .. }
                | Self::SecretTerminating
                | Self::Contested(_)
        )
    }

    /// The event's text, as the reference words it.
    pub(crate) fn event_message(&self) -> String {
        match self {
            Self::Unseal { .. } | Self::DeprecatedData | Self::Unreadable(_) | Self::Internal => {
                format!("Failed to unseal: {self}")
            }
            Self::Unmanaged(name) => unmanaged(name),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                diagnostics: Box::new(UnsealDiagnostics::new(
                    &crds::SealedSecret::default(),
                    &sealing::keyring::KeyRing::default()
                )),
            }
            .event_message(),
            "Failed to unseal: cannot use the field 'encryptedData' and the deprecated field 'data' at the same time"
        );
    }
}
