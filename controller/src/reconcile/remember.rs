//! The record of the Secret in the status, by which an object in sync needs neither key nor request after a restart. Pure.
//!
//! The Secret is written before the status. After a crash in between, the status has an older record, or none; then the items are
//! opened and compared.

use std::collections::BTreeSet;
use std::num::NonZeroI64;

use crds::{SealedSecret, SealedSecretStatus, WrittenSecret, names};
use kube::core::ObjectMeta;
use sealing::input_digest;
use sealing::key::Fingerprint;
use sealing::keyring::KeyRing;
use sealing::sealer::Format;

use super::status;
use crate::annotation;
use crate::args::VERSION;
use crate::error::{Failure, Retry};
use crate::index::{ReconcileState, Reported, SealedEntry, SecretIdentity, Unsaid};
use crate::keys::Keys;
use crate::settings::ReconcileSettings;

/// Digest of everything that determines the Secret of `sealed`: a part for the object, and a part for the settings that refuse
/// objects.
pub(crate) fn digest(sealed: &SealedSecret, settings: &ReconcileSettings) -> String {
    // Booleans are always valid JSON. Without a digest nothing would be remembered, which is harmless.
    let refused = (
        settings.accept_deprecated_data,
        settings.allow_credential_types,
        settings.deny_nondeterministic_templates,
    );
    let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
    // Where all versions are opened, digests of earlier releases, which knew one version, stay valid.
    let least = Some(settings.formats.least(namespace)).filter(|least| *least > Format::V1);
    // In the part for the settings: the Secret is compared once, and is still made of the same object.
    let digest = match (annotation::force_sync(sealed), least) {
        (None, None) => input_digest::digest(sealed, refused),
        (Some(value), None) => input_digest::digest(sealed, (refused, value)),
        (value, Some(least)) => input_digest::digest(sealed, (refused, value, least.to_string())),
    };
    digest.unwrap_or_default()
}

/// Whether the record is of another input, or missing.
pub(crate) fn is_outdated(sealed: &SealedSecret, digest: &str) -> bool {
    let written = sealed.status.as_ref().and_then(|status| status.written.as_ref());
    written.is_none_or(|written| written.input_digest != digest)
}

/// Whether the Secret was made of this object as it is, according to the state, otherwise to the record. The settings do not
/// matter: they refuse objects, and do not change Secrets.
pub(crate) fn is_of_this_object(sealed: &SealedSecret, memory: &ReconcileState, digest: &str) -> bool {
    same_object(sealed, memory, digest) == Some(true)
}

/// Whether the Secret is known to be made of the object before a change. Without a record (at a take-over, or a restart without
/// statuses), it is not.
pub(crate) fn is_of_another_object(sealed: &SealedSecret, memory: &ReconcileState, digest: &str) -> bool {
    same_object(sealed, memory, digest) == Some(false)
}

fn same_object(sealed: &SealedSecret, memory: &ReconcileState, digest: &str) -> Option<bool> {
    let before = input_digest::object_part(remembered(sealed, memory)?)?;
    Some(input_digest::object_part(digest) == Some(before))
}

fn remembered<'m>(sealed: &'m SealedSecret, memory: &'m ReconcileState) -> Option<&'m str> {
    let written = sealed.status.as_ref().and_then(|status| status.written.as_ref());
    let remembered = memory.input_digest.as_deref();
    remembered.or(written.map(|written| written.input_digest.as_str()))
}

/// Whether the identity of the Secret suffices to tell that the object is in sync: this process has no state of it yet, and its
/// record is of this input.
pub(crate) fn could_recall(entry: &SealedEntry, memory: &ReconcileState, settings: &ReconcileSettings) -> bool {
    let is_new = memory.reported.is_none() && memory.is_settled();
    let is_remembered = match &memory.input_digest {
        Some(digest) => entry.digest == digest.as_str().into(),
        None => {
            let written = entry.status.written.as_ref();
            written.is_some_and(|written| written.is_of_this_input)
        }
    };
    settings.update_status && is_new && is_remembered && entry.status.says_synced
}

/// The state of an object for which [`could_recall`] holds and whose Secret is `seen`. `None`: the Secret is another one, so the
/// items must be opened and compared; or a key that opened them is no longer among `keys`, which opening them reports.
pub(crate) fn recall(
    entry: &SealedEntry,
    memory: &ReconcileState,
    (seen, keys): (Option<&SecretIdentity>, &KeyRing),
    settings: &ReconcileSettings,
) -> Option<ReconcileState> {
    let status = &entry.status;
    let written = status.written.as_ref().filter(|written| written.is_of_this_input)?;
    if status.opened_by.iter().any(|key| !keys.holds(key)) {
        return None;
    }
    let is_it = |seen: &SecretIdentity| {
        let (uid, version) = (seen.uid.as_str().into(), seen.version.as_str().into());
        (&written.uid, &written.version) == (&uid, &version)
    };
    let left_alone = !settings.repair || entry.options.skip_recreate;
    (seen.is_some_and(is_it) || left_alone).then(|| ReconcileState {
        reported: Some(Reported {
            generation: status.generation.map(NonZeroI64::get),
            failure: None,
            at: None,
        }),
        secret_version: seen.map(|seen| seen.version.clone()),
        input_digest: Some(entry.digest.to_string()),
        ..memory.clone()
    })
}

/// The part of a status that says which input is not tried again, and by which version, since another version may have other
/// limits. Without it the status is ignored.
pub(crate) fn not_again(sealed: &SealedSecret, settings: &ReconcileSettings) -> String {
    let digest = digest(sealed, settings);
    let end = |text: &str| text.get(text.len().saturating_sub(16)..).unwrap_or_default().to_owned();
    let object = input_digest::object_part(&digest).unwrap_or_default();
    format!(
        "not tried again by {VERSION} until input {}{} changes",
        end(object),
        end(&digest)
    )
}

/// The state of an object whose status says that its templates exceed a limit: it is not tried again until it changes. The
/// reference's CustomResourceDefinition keeps what this needs: a condition and the generation.
pub(crate) fn over_limit(
    sealed: &SealedSecret,
    memory: &ReconcileState,
    settings: &ReconcileSettings,
) -> Option<ReconcileState> {
    let is_new = memory.reported.is_none() && memory.is_settled() && settings.update_status;
    let reported = status::reported(sealed).filter(|_| is_new)?;
    let same = reported.generation.is_some() && reported.generation == sealed.metadata.generation;
    let memory = ReconcileState {
        reported: Some(reported),
        attempts: 1,
        retry: Some(Retry::OnChange),
        ..memory.clone()
    };
    let message =
        status::condition_of(sealed, names::CONDITION_SYNCED).and_then(|condition| condition.message.as_deref());
    let of_this_input = message.is_some_and(|message| message.contains(&not_again(sealed, settings)));
    (same && of_this_input && memory.is_over_limit()).then_some(memory)
}

/// Longest failure that is kept until its status can be written, in bytes.
const MOST_UNSAID: usize = 4 << 10;

/// Whether a result is kept until its status can be written. Failures of many items are not; the next pass finds them again.
pub(crate) fn is_kept(outcome: &Result<BTreeSet<Fingerprint>, Failure>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Failure::Unseal { error, .. }) if error.items() > 16 => false,
        Err(failure) => failure.to_string().len() <= MOST_UNSAID,
    }
}

/// The result of the last pass, if its status could not be written and another pass would come to the same.
pub(crate) fn unsaid<'m>(memory: &'m ReconcileState, digest: &str, keys: &Keys) -> Option<&'m Unsaid> {
    let unsaid = memory.unsaid.as_deref().filter(|_| memory.unfinished)?;
    let is_same = unsaid.input_digest == digest && unsaid.keys == keys.version;
    // A retry may come to another result.
    let retried = !matches!(memory.retry, None | Some(Retry::OnChange));
    (is_same && !retried).then_some(unsaid)
}

/// Why the last pass could not write the Secret, if it had the same input and only the existing Secret matters. A contested
/// Secret is not such a case: it is repaired.
pub(crate) fn obstacle<'m>(memory: &'m ReconcileState, digest: &str) -> Option<&'m Failure> {
    let obstacle = memory.obstacle.as_ref().filter(|_| memory.retry == Some(Retry::Slow))?;
    let stands = obstacle.input_digest == digest && !matches!(obstacle.failure, Failure::Contested(_));
    stands.then_some(&obstacle.failure)
}

/// What a pass adds to the status for the next start.
pub(crate) struct Learned {
    opened_by: Vec<String>,
    written: WrittenSecret,
}

impl Learned {
    /// From the keys that opened the object and the metadata of its Secret; `None` where the API server left some out.
    pub(crate) fn new(opened_by: &BTreeSet<Fingerprint>, secret: &ObjectMeta, digest: &str) -> Option<Self> {
        Some(Self {
            opened_by: opened_by.iter().map(ToString::to_string).collect(),
            written: WrittenSecret {
                uid: secret.uid.clone()?,
                resource_version: secret.resource_version.clone()?,
                input_digest: digest.to_owned(),
            },
        })
    }
}

/// A status to write.
#[derive(Debug, PartialEq)]
pub(crate) struct StatusWrite {
    /// The whole status.
    pub status: SealedSecretStatus,
    /// Whether it is written for the next start alone, so that the write may fail.
    pub only_memory: bool,
}

/// The status to write: the one to report, with what the pass learned. Without one to report, what it learned is written if that
/// is `worth` it.
pub(crate) fn complete(
    sealed: &SealedSecret,
    to_say: Option<SealedSecretStatus>,
    learned: Option<Learned>,
    worth: bool,
) -> Option<StatusWrite> {
    let only_memory = to_say.is_none();
    let old = sealed.status.as_ref();
    let mut status = to_say.or_else(|| old.filter(|_| worth && learned.is_some()).cloned())?;
    if let Some(learned) = learned {
        status.opened_by = learned.opened_by;
        status.written = Some(learned.written);
    }
    (Some(&status) != old).then_some(StatusWrite { status, only_memory })
}

#[cfg(test)]
mod tests;
