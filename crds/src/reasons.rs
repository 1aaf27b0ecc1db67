//! Reasons of the condition [`CONDITION_SYNCED`](crate::names::CONDITION_SYNCED), as the controller writes them and others read them. A closed set.

/// Of success, where `Synced` is `True`.
pub const UNSEALED: &str = "Unsealed";
/// Of values that do not open, or templates that fail.
pub const UNSEAL_FAILED: &str = "UnsealFailed";
/// Of templates that go over a limit. Such an object is not tried again until it changes, also by the next
/// process, which reads this in the status.
pub const OVER_LIMIT: &str = "TemplateOverLimit";
/// Of the deprecated `spec.data`, where it is not accepted.
pub const DEPRECATED_DATA: &str = "DeprecatedData";
/// Of an object that cannot be read.
pub const UNREADABLE: &str = "Unreadable";
/// Of a fault of the controller's own.
pub const INTERNAL_ERROR: &str = "InternalError";
/// Of a Secret of the name that no SealedSecret manages.
pub const NOT_MANAGED: &str = "NotManaged";
/// Of a Secret that is immutable, and would change.
pub const IMMUTABLE: &str = "SecretImmutable";
/// Of a Secret of another type.
pub const TYPE_DIFFERS: &str = "SecretTypeDiffers";
/// Of a Secret that is being deleted.
pub const TERMINATING: &str = "SecretTerminating";
/// Of a Secret that something else keeps changing.
pub const CONTESTED: &str = "SecretContested";
/// Of a type that is a credential of the cluster.
pub const TYPE_REFUSED: &str = "SecretTypeRefused";
/// Of what would be loaded as a sealing key.
pub const SEALING_KEY_REFUSED: &str = "SealingKeyRefused";
/// Of a namespace that is being deleted.
pub const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";
/// Of an owner reference that the cluster does not let the controller set.
pub const OWNER_DENIED: &str = "OwnerReferenceDenied";
/// Of a Secret that the API server refuses for what it holds.
pub const INVALID: &str = "SecretInvalid";
/// Of a Secret that is larger than the API server allows.
pub const TOO_LARGE: &str = "SecretTooLarge";
/// Of any other failure to write the Secret.
pub const UPDATE_FAILED: &str = "UpdateFailed";

/// Those of failures.
pub const OF_FAILURES: [&str; 17] = [
    UNSEAL_FAILED,
    OVER_LIMIT,
    DEPRECATED_DATA,
    UNREADABLE,
    INTERNAL_ERROR,
    NOT_MANAGED,
    IMMUTABLE,
    TYPE_DIFFERS,
    TERMINATING,
    CONTESTED,
    TYPE_REFUSED,
    SEALING_KEY_REFUSED,
    NAMESPACE_TERMINATING,
    OWNER_DENIED,
    INVALID,
    TOO_LARGE,
    UPDATE_FAILED,
];
