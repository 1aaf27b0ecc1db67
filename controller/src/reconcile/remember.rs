//! What the status remembers of the Secret, so that an object in sync needs neither key nor request after a restart. Pure.
//!
//! The Secret is written first and the status after it. Whoever stops in between leaves a status that remembers an older
//! Secret, or none; then the items are opened and compared, as they are without any memory.

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

/// Digest of all that decides what the Secret of `sealed` is: a part that is the object's own, and one of the settings that
/// say what is refused.
pub(crate) fn digest(sealed: &SealedSecret, settings: &ReconcileSettings) -> String {
    // Booleans are always JSON; without a digest nothing would be remembered, which is harmless.
    let refused = (
        settings.accept_deprecated_data,
        settings.allow_credential_types,
        settings.deny_nondeterministic_templates,
    );
    let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
    // Where all versions are opened, what was remembered before there were several is right.
    let least = Some(settings.formats.least(namespace)).filter(|least| *least > Format::V1);
    // In the part that is not the object's own: the Secret is compared once, and made of the same object.
    let digest = match (annotation::force_sync(sealed), least) {
        (None, None) => input_digest::digest(sealed, refused),
        (Some(value), None) => input_digest::digest(sealed, (refused, value)),
        (value, Some(least)) => input_digest::digest(sealed, (refused, value, least.to_string())),
    };
    digest.unwrap_or_default()
}

/// Whether the status remembers another input than this one, or none.
pub(crate) fn is_outdated(sealed: &SealedSecret, digest: &str) -> bool {
    let written = sealed.status.as_ref().and_then(|status| status.written.as_ref());
    written.is_none_or(|written| written.input_digest != digest)
}

/// Whether the Secret was made of this object as it is, by this process's memory, else by the status. Under which settings
/// does not matter: they say what is refused, and change no Secret.
pub(crate) fn is_of_this_object(sealed: &SealedSecret, memory: &ReconcileState, digest: &str) -> bool {
    same_object(sealed, memory, digest) == Some(true)
}

/// Whether the Secret is known to be made of the object as it was before a change. Where nothing is known (a take-over, a
/// restart without statuses), it is not.
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

/// Whether a look at which Secret there is could show that it is in sync: this process knows nothing of the object yet, and
/// its status speaks of this very input.
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

/// What is taken from the status where [`could_recall`] holds: that the Secret `seen` (as far as it is known without reading
/// it) is in sync. `None`: it is another one, so that the items have to be opened and compared; or a key that opened them is
/// not among `keys` any more, which opening them reports.
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

/// What a status says of an input that is not tried again: which input, and by which version, since another may have other
/// limits. Without it a status is not believed.
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

/// What is taken from the status of an object whose templates went over a limit: it is not tried again until it changes. The
/// reference's CustomResourceDefinition keeps all that this needs: a condition and the generation.
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

/// Bytes of what is remembered of a failure that could not be said.
const MOST_UNSAID: usize = 4 << 10;

/// Whether what a pass came to is remembered until it can be said: not a failure of thousands of items, which is found again.
pub(crate) fn is_kept(outcome: &Result<BTreeSet<Fingerprint>, Failure>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Failure::Unseal { error, .. }) if error.items() > 16 => false,
        Err(failure) => failure.to_string().len() <= MOST_UNSAID,
    }
}

/// What the last pass came to, if that could not be said and another pass would come to the same.
pub(crate) fn unsaid<'m>(memory: &'m ReconcileState, digest: &str, keys: &Keys) -> Option<&'m Unsaid> {
    let unsaid = memory.unsaid.as_deref().filter(|_| memory.unfinished)?;
    let is_same = unsaid.input_digest == digest && unsaid.keys == keys.version;
    // What a timer tries again may come to something else.
    let retried = !matches!(memory.retry, None | Some(Retry::OnChange));
    (is_same && !retried).then_some(unsaid)
}

/// What was in the way of the last pass, if that was made for the same input and the Secret that is there decides alone: one that
/// is contested is put right all the same.
pub(crate) fn obstacle<'m>(memory: &'m ReconcileState, digest: &str) -> Option<&'m Failure> {
    let obstacle = memory.obstacle.as_ref().filter(|_| memory.retry == Some(Retry::Slow))?;
    let stands = obstacle.input_digest == digest && !matches!(obstacle.failure, Failure::Contested(_));
    stands.then_some(&obstacle.failure)
}

/// What a pass learned that is worth remembering.
pub(crate) struct Learned {
    opened_by: Vec<String>,
    written: WrittenSecret,
}

impl Learned {
    /// From what was opened and the metadata of the Secret as it is now; `None` where the API server did not tell them.
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
    /// Whether only what it remembers is new, so that nobody misses it if it is not kept.
    pub only_memory: bool,
}

/// The status to write in the end: the one that is to be said, with what was learned. When there is nothing to say,
/// learning alone is a reason to write if it is `worth` it.
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
