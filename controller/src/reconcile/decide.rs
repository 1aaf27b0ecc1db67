//! Observed + settings + now → Plan. Pure and total: no client and no clock. All choices are made here.

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

/// How long garbage collection of the Secret of a former SealedSecret of the same name may take before it is reported.
const PREDECESSOR_GRACE: SignedDuration = SignedDuration::from_mins(1);
/// Longest foreign text in a failure, in bytes.
const LONGEST_QUOTED: usize = 256;
/// Pause before the next look at that Secret. The watch reports its deletion earlier.
const PREDECESSOR_PAUSE: Duration = Duration::from_secs(5);

/// The input of a decision.
pub(crate) struct Observed<'a> {
    /// The SealedSecret.
    pub sealed: &'a SealedSecret,
    /// The Secret that it asks for, or why it gives none.
    pub opened: &'a Result<Unsealed, Failure>,
    /// Digest of everything that determines its Secret.
    pub digest: &'a str,
    /// The existing Secret; not read when the SealedSecret gives none.
    pub live: Result<Option<Secret>, ApiFailure>,
    /// In the controller's own namespace: the name of the key Secret that needs no label.
    pub unlabelled_key: Option<&'a str>,
    /// How much longer the place must stay empty, because a foreign Secret was just deleted.
    pub kept_empty_for: Option<Duration>,
}

/// Makes the plan.
pub(crate) fn decide(
    observed: &Observed<'_>,
    memory: &ReconcileState,
    settings: &ReconcileSettings,
    now: Timestamp,
) -> Plan {
    let live = match &observed.live {
        Ok(Some(secret)) => Some(secret.metadata.clone()),
        Ok(None) | Err(_) => None,
    };
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

/// How often the Secret was repaired, including this time. A Secret that is as it should be is no longer contested.
fn repairs(target: &Target, observed: &Observed<'_>, memory: &ReconcileState, now: Timestamp) -> Repairs {
    match target {
        Target::Step(SecretStep::Leave, None) if memory.repairs.are_contested() => Repairs::default(),
        Target::Step(SecretStep::Leave, _) | Target::Fail(_) | Target::Wait(_) => memory.repairs,
        Target::Step(..) if memory.input_digest.as_deref() == Some(observed.digest) => memory.repairs.and_one(now),
        Target::Step(..) => Repairs::default(),
    }
}

/// The last other manager of its fields, if the API server tells.
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

/// Shortens a text that others chose, and that the API server does not bound.
fn shortened(text: &str) -> String {
    let mut text = text.to_owned();
    truncate(&mut text, LONGEST_QUOTED);
    text
}

enum Target {
    /// Write, or leave; with a failure that remains even if that succeeds.
    Step(SecretStep, Option<Failure>),
    /// The Secret cannot be written.
    Fail(Failure),
    /// Wait.
    Wait(Duration),
}

impl Target {
    /// Without what a deprecated `data` holds, where labels, names of items and the type are sealed as well. The API server and
    /// its webhooks quote them when they refuse the Secret.
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
        // As in the reference: if a template refuses the owner reference and does not allow the Secret to be managed, the Secret
        // has no owner, and stays when the SealedSecret is deleted.
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

/// Whether the Secret holds what this SealedSecret gives. Needed where only the status and the manager's name claim ownership:
/// whoever may write statuses does not know the contents of other Secrets.
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

/// Whether a SealedSecret was created a moment ago, so that the Secret of a former one of its name may not be deleted yet.
fn is_new(sealed: &SealedSecret, now: Timestamp) -> bool {
    let created = sealed.metadata.creation_timestamp.as_ref();
    created.is_some_and(|created| now.duration_since(created.0) < PREDECESSOR_GRACE)
}

/// The Secret that is asked for, with the existing value of every item that varies between renderings: a random password stays
/// until its SealedSecret changes.
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

/// What to do with an existing Secret that is ours.
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
    // A patch without a type takes the existing one.
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

/// Deletes and recreates a Secret that Kubernetes does not change, if that is asked for. Only one that the SealedSecret owns: of
/// a patched or managed one, others would lose their data.
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

/// The type, if Kubernetes fills Secrets of it with a credential, or accepts them as one: users who may create SealedSecrets but
/// not Secrets could get any service account of the namespace.
fn credential_type(asked: &ClearSecret) -> Option<&str> {
    asked
        .type_
        .as_deref()
        .filter(|type_| names::CREDENTIAL_SECRET_TYPES.contains(type_))
}

/// Whether the Secret would be loaded as a sealing key, or retire one: users who may create SealedSecrets in the controller's own
/// namespace, but not Secrets, could have everyone seal for their key. `unlabelled`: see [`Observed`].
fn is_sealing_key(asked: &ClearSecret, unlabelled: Option<&str>) -> bool {
    let labels = asked.metadata.labels.as_ref();
    let labelled = labels.is_some_and(|labels| labels.contains_key(names::LABEL_SEALING_KEY));
    unlabelled.is_some_and(|name| labelled || asked.metadata.name.as_deref() == Some(name))
}

/// How an existing Secret is written. After a change of the SealedSecret it is written whole, as in the reference. Otherwise it
/// is only repaired, also after failures: labels and annotations of others stay. Without a record (after a restart without
/// statuses), a Secret that it owns counts as made of its present state.
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
    // The generation does not suffice: in a cluster that was restored from a backup, another spec can have the same.
    let unchanged = !remember::is_of_another_object(sealed, memory, observed.digest)
        && (in_sync || remember::is_of_this_object(sealed, memory, observed.digest));
    if unchanged && (desired::is_controlled_by(live, uid) || desired::was_written_by(live, sealed)) {
        Mode::Repair
    } else {
        Mode::Overwrite
    }
}

/// Whether a write failed because the Secret was not as it was read, so that reading it again helps.
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
