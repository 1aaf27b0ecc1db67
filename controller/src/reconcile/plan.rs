//! What follows from one look at a SealedSecret and its Secret.

use std::time::Duration;

use crds::SealedSecretStatus;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;

use crate::error::Failure;
use crate::events::Notice;
use crate::index::{ReconcileState, SecretIdentity};

/// What to do with the Secret.
#[derive(Clone, PartialEq)]
pub(crate) enum SecretStep {
    /// Nothing.
    Leave,
    /// POST it.
    Create(Box<Secret>),
    /// PUT it.
    Replace(Box<Secret>),
    /// DELETE the one that is there, if it is still this one, and POST another.
    Recreate {
        /// The one that was read.
        old: SecretIdentity,
        /// The one to make.
        new: Box<Secret>,
    },
}

/// Everything that follows from one look.
pub(crate) struct Plan {
    /// What to do with the Secret. The rest of the plan holds if that succeeds.
    pub secret: SecretStep,
    /// Metadata of the Secret that is there, when there is one.
    pub live: Option<ObjectMeta>,
    /// Whether the Secret is what the SealedSecret asks for, once this plan is carried out.
    pub synced: bool,
    /// The status to write; `None`: it says so already, or must not be written. What the pass learns is added to it
    /// ([`super::done::Done::status`]).
    pub status: Option<SealedSecretStatus>,
    /// The event to post.
    pub event: Option<Notice>,
    /// Label of the error counter.
    pub metric: Option<&'static str>,
    /// Pause before the next pass; `None`: when something changes.
    pub next: Option<Duration>,
    /// The failure that stands until the object or the keys change.
    pub stands: Option<Failure>,
    /// What to remember, whatever the API server answers ([`super::done::Done::left`]).
    pub memory: ReconcileState,
}
