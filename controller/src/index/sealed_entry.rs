//! What is kept of a SealedSecret: what decides whether it needs a pass, and what metrics show of it. Nothing of what is sealed.

use std::num::NonZeroI64;
use std::sync::Arc;

use crds::names;
use sealing::input_digest;
use sealing::key::Fingerprint;

use super::compact::{Uid, Version};
use crate::annotation::Options;

/// What is kept of a SealedSecret (`reconcile/summary.rs` makes it).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SealedEntry {
    pub uid: Uid,
    /// resourceVersion.
    pub version: Version,
    /// None: 0, which the API server gives to none.
    pub generation: Option<NonZeroI64>,
    /// When it was made, as Unix time.
    pub created: Option<NonZeroI64>,
    /// Whether it is being deleted.
    pub goes: bool,
    pub options: Options,
    /// Digest of all that decides what its Secret is.
    pub digest: input_digest::Packed,
    /// Value of the label that `condition_info` repeats.
    pub instance: Option<Box<str>>,
    pub status: StatusEntry,
}

/// What is kept of its status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StatusEntry {
    /// Whether it says that the object is in sync, and a pass that finds it so would change nothing of it.
    pub says_synced: bool,
    /// The generation that it is about.
    pub generation: Option<NonZeroI64>,
    /// Reason of the failure that it tells of.
    pub failure: Option<Box<str>>,
    /// Values of the conditions, in the order of [`names::CONDITION_TYPES`].
    pub conditions: [Option<i8>; names::CONDITION_TYPES.len()],
    /// The keys that opened the items last.
    pub opened_by: Arc<[Fingerprint]>,
    /// The Secret that it remembers.
    pub written: Option<WrittenEntry>,
}

/// The Secret that a status remembers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WrittenEntry {
    pub uid: Uid,
    /// resourceVersion.
    pub version: Version,
    /// Whether it was made of the object as it is.
    pub is_of_this_input: bool,
}

impl SealedEntry {
    /// Whether its Secret may have to be another one than when the object was `before`. Our own writes of its status are not
    /// among what matters. The spec is, beside its generation: in a cluster that was restored from a backup, another spec can
    /// have the same generation.
    pub(super) fn differs_from(&self, before: &Self) -> bool {
        let what_matters = |entry: &Self| (entry.generation, entry.options, entry.goes);
        what_matters(self) != what_matters(before) || self.uid != before.uid || self.digest != before.digest
    }

    /// Whether it may be in sync as its status says, so that a first pass is likely to need no more than this.
    pub(super) fn may_be_in_sync(&self) -> bool {
        let written = self.status.written.as_ref();
        self.status.says_synced && written.is_some_and(|written| written.is_of_this_input)
    }
}
