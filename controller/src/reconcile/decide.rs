//! Observed + settings + now → Plan. Pure and total: no client, no clock, no choice anywhere else.

use std::borrow::Cow;
use std::time::Duration;

use crds::{SealedSecret, names};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;
use sealing::SecretBytes;
use sealing::secret::ClearSecret;
use sealing::size;
use sealing::unseal::Unsealed;

use super::desired::{self, Mode};
use super::plan::{Plan, SecretStep};
use super::remember;
use super::report::{known, report, slow_pause, wait};
use crate::annotation::Options;
use crate::error::{ApiFailure, Failure, Retry};
use crate::index::{Obstacle, ReconcileState, Repairs, SecretIdentity};
use crate::printable::truncate;
use crate::settings::ReconcileSettings;

/// How long garbage collection may take for the Secret of an earlier SealedSecret of the same name, before it is reported.
const PREDECESSOR_GRACE: SignedDuration = SignedDuration::from_mins(1);
/// Longest text of others in a failure, in bytes.
const LONGEST_QUOTED: usize = 256;
/// Pause before another look at it. Its deletion is seen by the watch before.
const PREDECESSOR_PAUSE: Duration = Duration::from_secs(5);

/// What a decision rests on.
pub(crate) struct Observed<'a> {
    /// The SealedSecret.
    pub sealed: &'a SealedSecret,
    /// What came out of it.
    pub opened: &'a Result<Unsealed, Failure>,
    /// Digest of all that decides what its Secret is.
    pub digest: &'a str,
    /// The Secret of its name; not looked at when nothing came out.
    pub live: Result<Option<Secret>, ApiFailure>,
    /// In the controller's own namespace: the name of the key Secret that needs no label.
    pub unlabelled_key: Option<&'a str>,
    /// How much longer the place has to stay empty, because a foreign Secret has just been deleted there.
    pub kept_empty_for: Option<Duration>,
}

/// Decides.
pub(crate) fn decide(
    observed: &Observed<'_>,
    memory: &ReconcileState,
    settings: &ReconcileSettings,
    now: Timestamp,
) -> Plan {
    let live = observed
        .live
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map(|secret| secret.metadata.clone());
    let mut target = target(observed, memory, settings, now);
    if matches!(target, Target::Step(_, None))
        && let Some(left) = memory.repairs.rest(slow_pause(memory.attempts), now)
    {
        target = Target::Wait(left);
    }
    let repairs = repairs(&target, observed, memory, now);
    let target = match target {
        Target::Step(step, None) if step != SecretStep::Leave && repairs.are_contested() => {
            let failure = Failure::Contested(live.as_ref().and_then(last_other_manager));
            Target::Step(step, Some(failure))
        }
        target => target,
    };
    let target = match observed.sealed.spec.data {
        Some(_) => target.concealed(),
        None => target,
    };
    let unmanaged = matches!(&target, Target::Step(_, Some(Failure::Unmanaged(_))));
    let failure = match &target {
        Target::Fail(failure) | Target::Step(_, Some(failure)) => Some(failure.clone()),
        _ => None,
    };
    let memory = &ReconcileState {
        repairs,
        ..memory.clone()
    };
    let mut plan = match target {
        Target::Wait(pause) => wait(memory, pause),
        Target::Step(step, None) => report(observed.sealed, Ok(step), memory, settings, now),
        Target::Step(step, Some(failure)) => {
            let plan = report(observed.sealed, Err(&failure), memory, settings, now);
            Plan { secret: step, ..plan }
        }
        Target::Fail(failure) => report(observed.sealed, Err(&failure), memory, settings, now),
    };
    plan.live = live;
    plan.memory.obstacle = failure
        .as_ref()
        .and_then(|failure| Obstacle::of(failure, observed.digest));
    plan.stands = failure.filter(|failure| failure.row().retry == Retry::OnChange);
    if plan.synced {
        plan.memory.input_digest = Some(observed.digest.to_owned());
        plan.memory.orphan_digest = None;
    } else if unmanaged {
        plan.memory.orphan_digest = Some(observed.digest.to_owned());
    }
    plan
}

/// How often the Secret was put right, with this time. One that is as it is to be is not contested any more.
fn repairs(target: &Target, observed: &Observed<'_>, memory: &ReconcileState, now: Timestamp) -> Repairs {
    match target {
        Target::Step(SecretStep::Leave, None) if memory.repairs.are_contested() => Repairs::default(),
        Target::Step(SecretStep::Leave, _) | Target::Fail(_) | Target::Wait(_) => memory.repairs,
        Target::Step(..) if memory.input_digest.as_deref() == Some(observed.digest) => memory.repairs.and_one(now),
        Target::Step(..) => Repairs::default(),
    }
}

/// Who but us was the last to write fields of it, if the API server tells.
fn last_other_manager(metadata: &ObjectMeta) -> Option<String> {
    let entries = metadata.managed_fields.iter().flatten();
    let others = entries.filter(|entry| {
        entry
            .manager
            .as_deref()
            .is_some_and(|manager| manager != names::FIELD_MANAGER)
    });
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    last.manager.as_deref().map(shortened)
}

/// A text that others chose, and that the API server does not bound, as a failure quotes and keeps it.
fn shortened(text: &str) -> String {
    let mut text = text.to_owned();
    truncate(&mut text, LONGEST_QUOTED);
    text
}

enum Target {
    /// Write, or leave; with a failure that stands even when that succeeds.
    Step(SecretStep, Option<Failure>),
    /// It cannot be.
    Fail(Failure),
    /// Not yet.
    Wait(Duration),
}

impl Target {
    /// Without what stands inside a deprecated `data`, where labels, names of items and the type are sealed as well: the API
    /// server and its webhooks quote them when they refuse the Secret.
    fn concealed(self) -> Target {
        let failure = |failure| match failure {
            Failure::Api(failure) => Failure::Api(failure.concealed()),
            Failure::TypeChange { found, .. } => Failure::TypeChange {
                found,
                asked: "another type".to_owned(),
            },
            Failure::CredentialType(_) => Failure::CredentialType(None),
            other => other,
        };
        match self {
            Target::Step(step, stands) => Target::Step(step, stands.map(failure)),
            Target::Fail(reason) => Target::Fail(failure(reason)),
            other => other,
        }
    }
}

fn target(observed: &Observed<'_>, memory: &ReconcileState, settings: &ReconcileSettings, now: Timestamp) -> Target {
    let unsealed = match observed.opened {
        Ok(unsealed) => unsealed,
        Err(failure) => return Target::Fail(failure.clone()),
    };
    let asked = &unsealed.secret;
    if let Some(type_) = credential_type(asked).filter(|_| !settings.allow_credential_types) {
        return Target::Fail(Failure::CredentialType(Some(type_.to_owned())));
    }
    if is_sealing_key(asked, observed.unlabelled_key) && !settings.allow_credential_types {
        return Target::Fail(Failure::SealingKey);
    }
    let size = asked.items.values().map(|value| value.expose().len()).sum();
    if size > size::LARGEST_SECRET {
        return Target::Fail(Failure::TooLarge(size));
    }
    let live = match &observed.live {
        Ok(live) => live,
        Err(failure) => return Target::Fail(failure.clone().into()),
    };
    let repairs = settings.repair && !Options::of(observed.sealed).skip_recreate;
    if !repairs && remember::is_of_this_object(observed.sealed, memory, observed.digest) {
        return Target::Step(SecretStep::Leave, None);
    }
    let name = observed.sealed.metadata.name.clone().unwrap_or_default();
    let Some(live) = live else {
        if let Some(left) = observed.kept_empty_for {
            return Target::Wait(left);
        }
        let secret = desired::create(asked);
        // As in the reference: a template that refuses the owner reference without allowing the Secret to be managed
        // makes a Secret that is nobody's, and stays so; whoever deletes it has it deleted.
        let orphan = (!desired::is_ours(&secret.metadata, observed.sealed)).then_some(Failure::Unmanaged(name));
        if let Some(failure) = &orphan
            && memory.orphan_digest.as_deref() == Some(observed.digest)
        {
            return Target::Fail(failure.clone());
        }
        return Target::Step(SecretStep::Create(Box::new(secret)), orphan);
    };
    if !desired::is_ours(&live.metadata, observed.sealed) || !is_proven(live, observed.sealed, unsealed) {
        if desired::is_of_predecessor(&live.metadata, observed.sealed) && is_new(observed.sealed, now) {
            return Target::Wait(PREDECESSOR_PAUSE);
        }
        return Target::Fail(Failure::Unmanaged(name));
    }
    if live.metadata.deletion_timestamp.is_some() {
        return Target::Fail(Failure::SecretTerminating);
    }
    let asked = if remember::is_of_another_object(observed.sealed, memory, observed.digest) {
        Cow::Borrowed(asked)
    } else {
        adopted(unsealed, live)
    };
    existing(observed, live, &asked, memory, settings)
}

/// Where only the status and the manager's name, which others have too, say whose the Secret is: whether it holds what this
/// SealedSecret makes. Whoever may write statuses does not know what is in the Secrets of others.
fn is_proven(live: &Secret, sealed: &SealedSecret, unsealed: &Unsealed) -> bool {
    let metadata = &live.metadata;
    if desired::says_that_it_is_ours(metadata, sealed) {
        return true;
    }
    let found = |item: &String| live.data.as_ref().and_then(|data| data.get(item));
    let items = unsealed.secret.items.iter();
    let mut constant = items.filter(|(item, _)| !unsealed.varying.contains(*item)).peekable();
    constant.peek().is_some()
        && constant.all(|(item, value)| found(item).is_some_and(|found| found.0 == value.expose()))
}

/// Whether a SealedSecret was made a moment ago, so that what is left of an earlier one of its name may not be deleted yet.
fn is_new(sealed: &SealedSecret, now: Timestamp) -> bool {
    let created = sealed.metadata.creation_timestamp.as_ref();
    created.is_some_and(|created| now.duration_since(created.0) < PREDECESSOR_GRACE)
}

/// What is asked for, with what the Secret that is there holds in place of every item that another rendering would make
/// otherwise: a password that a template draws is drawn once, and stays until its SealedSecret changes.
fn adopted<'a>(unsealed: &'a Unsealed, live: &Secret) -> Cow<'a, ClearSecret> {
    let mut asked = Cow::Borrowed(&unsealed.secret);
    for item in &unsealed.varying {
        if let Some(found) = live.data.as_ref().and_then(|data| data.get(item)) {
            let value = SecretBytes::new(found.0.clone());
            asked.to_mut().items.insert(item.clone(), value);
        }
    }
    asked
}

/// What to do with a Secret that is there and ours.
fn existing(
    observed: &Observed<'_>,
    live: &Secret,
    asked: &ClearSecret,
    memory: &ReconcileState,
    settings: &ReconcileSettings,
) -> Target {
    let sealed = observed.sealed;
    let mode = mode(observed, &live.metadata, memory, settings);
    let patches = matches!(mode, Mode::Patch { .. });
    let found = desired::type_or_opaque(live.type_.as_deref());
    let wanted = desired::type_or_opaque(asked.type_.as_deref());
    // A patch that asks for no type takes the one that is there.
    if found != wanted && !(patches && asked.type_.as_deref().unwrap_or_default().is_empty()) {
        return anew(sealed, live, asked, patches, settings).unwrap_or(Target::Fail(Failure::TypeChange {
            found: shortened(found),
            asked: shortened(wanted),
        }));
    }
    let as_admitted = memory.admitted.is_some() && memory.admitted == live.metadata.resource_version;
    if as_admitted && remember::is_of_this_object(sealed, memory, observed.digest) {
        return Target::Step(SecretStep::Leave, None);
    }
    let uid = sealed.metadata.uid.as_deref().unwrap_or_default();
    let Some(new) = desired::replace(live, asked, mode, uid) else {
        return Target::Step(SecretStep::Leave, None);
    };
    if live.immutable == Some(true) && !desired::same_data(live, &new) {
        let field = |field: &Option<String>| field.clone().unwrap_or_default();
        return anew(sealed, live, asked, patches, settings).unwrap_or(Target::Fail(Failure::Immutable {
            namespace: field(&sealed.metadata.namespace),
            name: field(&sealed.metadata.name),
        }));
    }
    Target::Step(SecretStep::Replace(Box::new(new)), None)
}

/// The way around what Kubernetes never changes, where it is asked for: the Secret goes and is made anew. Only one that is
/// the SealedSecret's own: of one that is patched or about to be taken over, others would lose what is theirs.
fn anew(
    sealed: &SealedSecret,
    live: &Secret,
    asked: &ClearSecret,
    patches: bool,
    settings: &ReconcileSettings,
) -> Option<Target> {
    let uid = sealed.metadata.uid.as_deref().unwrap_or_default();
    let wanted = settings.replace_immutable || Options::of(sealed).replace_immutable;
    if !wanted || patches || !desired::is_controlled_by(&live.metadata, uid) {
        return None;
    }
    let step = SecretStep::Recreate {
        old: SecretIdentity::of(&live.metadata),
        new: Box::new(desired::create(asked)),
    };
    Some(Target::Step(step, None))
}

/// The type of what is asked for, if it is one that Kubernetes fills with a credential of its own or takes for one: whoever
/// may make SealedSecrets but no Secrets would be given any service account of the namespace.
fn credential_type(asked: &ClearSecret) -> Option<&str> {
    asked
        .type_
        .as_deref()
        .filter(|type_| names::CREDENTIAL_SECRET_TYPES.contains(type_))
}

/// Whether what is asked for would be loaded as a sealing key, or retire one: whoever may make SealedSecrets in the
/// controller's own namespace, but no Secrets, would have everybody seal for a key of theirs. `unlabelled`: see [`Observed`].
fn is_sealing_key(asked: &ClearSecret, unlabelled: Option<&str>) -> bool {
    let labels = asked.metadata.labels.as_ref();
    let labelled = labels.is_some_and(|labels| labels.contains_key(names::LABEL_SEALING_KEY));
    unlabelled.is_some_and(|name| labelled || asked.metadata.name.as_deref() == Some(name))
}

/// A SealedSecret that changed is written whole, as the reference does. One that did not change since its Secret was written
/// is only repaired, whatever failed in between: labels and annotations that others added stay. Where nothing is known
/// of it (a restart without statuses), a Secret that is its own already is taken to be of its present state.
fn mode(observed: &Observed<'_>, live: &ObjectMeta, memory: &ReconcileState, settings: &ReconcileSettings) -> Mode {
    if desired::is_patch(live) {
        return Mode::Patch {
            own: desired::is_managed(live),
        };
    }
    let sealed = observed.sealed;
    let uid = sealed.metadata.uid.as_deref().unwrap_or_default();
    let in_sync = known(sealed, memory, settings)
        .is_none_or(|known| known.failure.is_none() && known.generation == sealed.metadata.generation);
    // A generation is not enough: in a cluster that was restored from a backup, another spec can have the same.
    let unchanged = !remember::is_of_another_object(sealed, memory, observed.digest)
        && (in_sync || remember::is_of_this_object(sealed, memory, observed.digest));
    if unchanged && (desired::is_controlled_by(live, uid) || desired::was_written_by(live, sealed)) {
        Mode::Repair
    } else {
        Mode::Overwrite
    }
}

/// Whether a write failed because the Secret was not as it had been observed, so that another look helps.
pub(crate) fn is_surprise(step: &SecretStep, error: &ApiFailure) -> bool {
    match step {
        SecretStep::Leave => false,
        SecretStep::Create(_) => matches!(error, ApiFailure::AlreadyExists(_)),
        SecretStep::Recreate { .. } => matches!(error, ApiFailure::Conflict(_) | ApiFailure::AlreadyExists(_)),
        SecretStep::Replace(_) => matches!(error, ApiFailure::Conflict(_) | ApiFailure::NotFound(_)),
    }
}

#[cfg(test)]
mod tests;
