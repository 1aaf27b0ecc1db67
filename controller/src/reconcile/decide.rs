//! Observed + settings + now → Plan. Pure and total: no client, no clock, no choice anywhere else.

use std::time::Duration;

use crds::{SealedSecret, SealedSecretStatus};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;
use sealing::secret::ClearSecret;
use sealing::unseal::Unsealed;

use super::desired::{self, Mode};
use super::status;
use crate::error::{ApiFailure, EVENT_UNSEALED, Failure, Retry};
use crate::events::{EventType, Notice};
use crate::index::{Memory, Reported, Said};
use crate::pause;
use crate::settings::ReconcileSettings;

/// Pauses of the fast retries, and of all later ones.
const FAST_FIRST: Duration = Duration::from_millis(50);
const FAST_LONGEST: Duration = Duration::from_secs(2);
const SLOW_FIRST: Duration = Duration::from_secs(2);
const SLOW_LONGEST: Duration = Duration::from_secs(300);

/// How long one wording of a failure stands that a timer tries again.
const REPEATED_AFTER: Duration = Duration::from_secs(300);

/// Text of the event of a success (the reference's).
const UNSEALED: &str = "SealedSecret unsealed successfully";

/// What a decision rests on.
pub(crate) struct Observed<'a> {
    /// The SealedSecret.
    pub sealed: &'a SealedSecret,
    /// What came out of it.
    pub opened: &'a Result<Unsealed, Failure>,
    /// The Secret of its name; not looked at when nothing came out.
    pub live: Result<Option<Secret>, ApiFailure>,
    /// How much longer the place has to stay empty, because a foreign Secret has just been deleted there.
    pub kept_empty_for: Option<Duration>,
}

/// What to do with the Secret.
#[derive(Clone, PartialEq)]
pub(crate) enum SecretStep {
    /// Nothing.
    Leave,
    /// POST it.
    Create(Box<Secret>),
    /// PUT it.
    Replace(Box<Secret>),
}

/// Everything that follows from one look.
pub(crate) struct Plan {
    /// What to do with the Secret. The rest of the plan holds if that succeeds.
    pub secret: SecretStep,
    /// Metadata of the Secret that is there, when there is one.
    pub live: Option<ObjectMeta>,
    /// The status to write; `None`: it says so already, or must not be written.
    pub status: Option<SealedSecretStatus>,
    /// The event to post.
    pub event: Option<Notice>,
    /// Label of the error counter.
    pub metric: Option<&'static str>,
    /// Pause before the next pass; `None`: when something changes.
    pub next: Option<Duration>,
    /// What to remember.
    pub memory: Memory,
}

/// Decides.
pub(crate) fn decide(observed: &Observed<'_>, memory: &Memory, settings: &ReconcileSettings, now: Timestamp) -> Plan {
    let live = observed
        .live
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map(|secret| secret.metadata.clone());
    let mut plan = match target(observed, memory, settings) {
        Target::Wait(pause) => wait(memory, pause),
        Target::Step(step, None) => report(observed.sealed, Ok(step), memory, settings, now),
        Target::Step(step, Some(failure)) => {
            let plan = report(observed.sealed, Err(&failure), memory, settings, now);
            Plan { secret: step, ..plan }
        }
        Target::Fail(failure) => report(observed.sealed, Err(&failure), memory, settings, now),
    };
    plan.live = live;
    plan
}

enum Target {
    /// Write, or leave; with a failure that stands even when that succeeds.
    Step(SecretStep, Option<Failure>),
    /// It cannot be.
    Fail(Failure),
    /// Not yet.
    Wait(Duration),
}

fn target(observed: &Observed<'_>, memory: &Memory, settings: &ReconcileSettings) -> Target {
    let asked = match observed.opened {
        Ok(unsealed) => &unsealed.secret,
        Err(failure) => return Target::Fail(failure.clone()),
    };
    let live = match &observed.live {
        Ok(live) => live,
        // The SealedSecret is about to go as well; if it does not, the next try will tell.
        Err(ApiFailure::NamespaceEnds(_)) => return Target::Wait(SLOW_LONGEST),
        Err(failure) => return Target::Fail(failure.clone().into()),
    };
    let uid = observed.sealed.metadata.uid.as_deref().unwrap_or_default();
    let name = observed.sealed.metadata.name.clone().unwrap_or_default();
    let is_ours = |metadata: &ObjectMeta| {
        desired::is_controlled_by(metadata, uid) || desired::is_managed(metadata) || desired::is_patch(metadata)
    };
    let Some(live) = live else {
        if let Some(left) = observed.kept_empty_for {
            return Target::Wait(left);
        }
        let secret = desired::create(asked);
        // As in the reference: a template that refuses the owner reference without allowing the Secret to be managed
        // makes a Secret that is nobody's, and stays so.
        let orphan = (!is_ours(&secret.metadata)).then_some(Failure::Unmanaged(name));
        return Target::Step(SecretStep::Create(Box::new(secret)), orphan);
    };
    if !is_ours(&live.metadata) {
        return Target::Fail(Failure::Unmanaged(name));
    }
    existing(observed.sealed, live, asked, memory, settings)
}

/// What to do with a Secret that is there and ours.
fn existing(
    sealed: &SealedSecret,
    live: &Secret,
    asked: &ClearSecret,
    memory: &Memory,
    settings: &ReconcileSettings,
) -> Target {
    let mode = mode(sealed, &live.metadata, memory, settings);
    let patches = matches!(mode, Mode::Patch { .. });
    let found = desired::type_or_opaque(live.type_.as_deref());
    let wanted = desired::type_or_opaque(asked.type_.as_deref());
    // A patch that asks for no type takes the one that is there.
    if found != wanted && !(patches && asked.type_.as_deref().unwrap_or_default().is_empty()) {
        return Target::Fail(Failure::TypeChange {
            found: found.to_owned(),
            asked: wanted.to_owned(),
        });
    }
    let Some(new) = desired::replace(live, asked, mode) else {
        return Target::Step(SecretStep::Leave, None);
    };
    if live.immutable == Some(true) && !desired::same_data(live, &new) {
        let field = |field: &Option<String>| field.clone().unwrap_or_default();
        return Target::Fail(Failure::Immutable {
            namespace: field(&sealed.metadata.namespace),
            name: field(&sealed.metadata.name),
        });
    }
    Target::Step(SecretStep::Replace(Box::new(new)), None)
}

/// A SealedSecret that changed is written whole, as the reference does. One that did not change is only repaired: labels
/// and annotations that others added since stay. Where nothing is known of it (a restart without statuses), a Secret that
/// is its own already is taken to be of its present state.
fn mode(sealed: &SealedSecret, live: &ObjectMeta, memory: &Memory, settings: &ReconcileSettings) -> Mode {
    if desired::is_patch(live) {
        return Mode::Patch {
            own: desired::is_managed(live),
        };
    }
    let uid = sealed.metadata.uid.as_deref().unwrap_or_default();
    let unchanged = known(sealed, memory, settings)
        .is_none_or(|known| known.failure.is_none() && known.generation == sealed.metadata.generation);
    if unchanged && desired::is_controlled_by(live, uid) {
        Mode::Repair
    } else {
        Mode::Overwrite
    }
}

/// What was made known of this object last: as this process remembers, else as the status says.
fn known(sealed: &SealedSecret, memory: &Memory, settings: &ReconcileSettings) -> Option<Reported> {
    let from_status = || status::reported(sealed).filter(|_| settings.update_status);
    memory.reported.clone().or_else(from_status)
}

fn wait(memory: &Memory, pause: Duration) -> Plan {
    Plan {
        secret: SecretStep::Leave,
        live: None,
        status: None,
        event: None,
        metric: None,
        next: Some(pause),
        memory: memory.clone(),
    }
}

/// Status, event, memory and next pass of an outcome.
fn report(
    sealed: &SealedSecret,
    outcome: Result<SecretStep, &Failure>,
    memory: &Memory,
    settings: &ReconcileSettings,
    now: Timestamp,
) -> Plan {
    let failure = outcome.as_ref().err().copied();
    let row = failure.map(Failure::row);
    let attempts = if failure.is_some() {
        memory.attempts.saturating_add(1)
    } else {
        0
    };
    let retry = row.map(|row| row.retry);
    let slow_attempt = match retry {
        Some(Retry::Fast) => attempts.saturating_sub(settings.fast_retries),
        _ => attempts,
    };
    let next = retry
        .filter(|retry| *retry != Retry::OnChange)
        .map(|_| match slow_attempt {
            0 => pause::growing(attempts, FAST_FIRST, FAST_LONGEST),
            n => pause::growing(n, SLOW_FIRST, SLOW_LONGEST),
        });
    let secret = outcome.unwrap_or(SecretStep::Leave);
    if retry == Some(Retry::Fast) && slow_attempt == 0 {
        // It may pass by itself: nobody is alarmed yet.
        let memory = Memory {
            attempts,
            retry,
            unfinished: false,
            ..memory.clone()
        };
        return Plan {
            secret,
            live: None,
            status: None,
            event: None,
            metric: row.map(|row| row.metric),
            next,
            memory,
        };
    }
    let before = known(sealed, memory, settings);
    let reported = Reported {
        generation: sealed.metadata.generation,
        failure: failure.map(|failure| Said {
            reason: failure.row().condition.to_owned(),
            message: status::message(failure),
        }),
        at: Some(now),
    };
    // What a timer tries again fails in other words each time (a quota's numbers): the first stand for a while.
    let said_lately = |before: Option<&Reported>| next.is_some() && before.is_some_and(|b| lately(b, &reported, now));
    let event = event(
        failure,
        &reported,
        before.as_ref(),
        secret != SecretStep::Leave,
        settings,
    )
    .filter(|_| !said_lately(before.as_ref()));
    let status = status::after(sealed, failure, now)
        .filter(|_| settings.update_status && !said_lately(status::reported(sealed).as_ref()));
    let stands = before.filter(|before| before.says_what(&reported) || said_lately(Some(before)));
    Plan {
        secret,
        live: None,
        status,
        event,
        metric: row.map(|row| row.metric),
        next,
        memory: Memory {
            reported: Some(stands.unwrap_or(reported)),
            attempts,
            retry,
            unfinished: false,
            ..memory.clone()
        },
    }
}

/// Whether a failure like `reported` was made known a short while ago.
fn lately(before: &Reported, reported: &Reported, now: Timestamp) -> bool {
    let age = before.at.map(|at| now.duration_since(at).unsigned_abs());
    before.is_like(reported) && age.is_some_and(|age| age < REPEATED_AFTER)
}

/// An event is posted when something changed: the Secret, or what is to be said.
fn event(
    failure: Option<&Failure>,
    reported: &Reported,
    before: Option<&Reported>,
    wrote: bool,
    settings: &ReconcileSettings,
) -> Option<Notice> {
    // Where no status tells what was said before, a success that changed nothing is not worth a word after a restart.
    let first_is_news = failure.is_some() || settings.update_status;
    let news = before.map_or(first_is_news, |before| !before.says_what(reported));
    let notice = match failure {
        None => Notice {
            kind: EventType::Normal,
            reason: EVENT_UNSEALED,
            message: UNSEALED.to_owned(),
        },
        Some(failure) => Notice {
            kind: EventType::Warning,
            reason: failure.row().event,
            message: failure.event_message(),
        },
    };
    (news || (wrote && failure.is_none())).then_some(notice)
}

/// Whether a write failed because the Secret was not as it had been observed, so that another look helps.
pub(crate) fn is_surprise(step: &SecretStep, error: &ApiFailure) -> bool {
    match step {
        SecretStep::Leave => false,
        SecretStep::Create(_) => matches!(error, ApiFailure::AlreadyExists(_)),
        SecretStep::Replace(_) => matches!(error, ApiFailure::Conflict(_) | ApiFailure::NotFound(_)),
    }
}

/// What changes when the status could not be written: it is tried again, unless the object has gone.
pub(crate) fn status_not_written(
    memory: Memory,
    before: &Memory,
    next: Option<Duration>,
    error: &ApiFailure,
) -> (Memory, Option<Duration>) {
    if matches!(error, ApiFailure::NotFound(_)) {
        return (memory, next);
    }
    let attempts = before.attempts.saturating_add(1);
    let pause = pause::growing(attempts, FAST_FIRST, SLOW_LONGEST);
    (
        Memory {
            attempts,
            unfinished: true,
            ..memory
        },
        Some(next.map_or(pause, |next| next.min(pause))),
    )
}

#[cfg(test)]
mod tests;
