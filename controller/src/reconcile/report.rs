//! What follows from an outcome: what is said of it, when it is tried again, what is remembered. Pure.

use std::time::Duration;

use crds::SealedSecret;
use jiff::Timestamp;
use sealing::render;

use super::plan::{Plan, SecretStep};
use super::status;
use crate::backoff;
use crate::error::{ApiFailure, EVENT_UNSEALED, Failure, Retry};
use crate::events::{EventType, Notice};
use crate::index::{ReconcileState, Reported, Said};
use crate::settings::ReconcileSettings;

/// Pauses of the fast retries, and of all later ones.
pub(super) const FAST_FIRST: Duration = Duration::from_millis(50);
const FAST_LONGEST: Duration = Duration::from_secs(2);
const SLOW_FIRST: Duration = Duration::from_secs(2);
const SLOW_LONGEST: Duration = Duration::from_secs(300);
/// The longest where each try takes up to seconds of a core, and the API server refuses what comes of it.
const COSTLY_LONGEST: Duration = Duration::from_secs(3600);

/// How long one wording of a failure stands that a timer tries again.
const REPEATED_AFTER: Duration = Duration::from_secs(300);

/// Text of the event of a success (the reference's).
const UNSEALED: &str = "SealedSecret unsealed successfully";

/// What was made known of this object last: as this process remembers, else as the status says.
pub(super) fn known(sealed: &SealedSecret, memory: &ReconcileState, settings: &ReconcileSettings) -> Option<Reported> {
    let from_status = || status::reported(sealed).filter(|_| settings.update_status);
    memory.reported.clone().or_else(from_status)
}

pub(super) fn wait(memory: &ReconcileState, pause: Duration) -> Plan {
    silent(SecretStep::Leave, None, Some(pause), memory.clone())
}

/// A plan of which nobody hears.
fn silent(secret: SecretStep, metric: Option<&'static str>, next: Option<Duration>, memory: ReconcileState) -> Plan {
    Plan {
        secret,
        live: None,
        synced: false,
        status: None,
        event: None,
        metric,
        next,
        stands: None,
        memory,
    }
}

/// Pause after so many failures in a row, once they are not expected to pass by themselves.
pub(super) fn slow_pause(failures: u32) -> Duration {
    backoff::growing(failures, SLOW_FIRST, SLOW_LONGEST)
}

/// The pause that the API server asks for (429 with Retry-After), within what is waited for anything.
fn asked_pause(failure: Option<&Failure>) -> Duration {
    match failure {
        Some(Failure::Api(ApiFailure::Overloaded { seconds, .. })) => {
            Duration::from_secs(u64::from(*seconds)).min(SLOW_LONGEST)
        }
        _ => Duration::ZERO,
    }
}

/// When an outcome is tried again.
struct Again {
    /// Failures in a row, this one included.
    attempts: u32,
    retry: Option<Retry>,
    /// Pause before the next pass.
    pause: Option<Duration>,
    /// It may pass by itself: nobody is alarmed yet.
    is_fast: bool,
}

impl Again {
    fn after(
        sealed: &SealedSecret,
        failure: Option<&Failure>,
        memory: &ReconcileState,
        settings: &ReconcileSettings,
    ) -> Self {
        let retry = failure.map(|failure| failure.row().retry);
        let attempts = failure.map_or(0, |_| memory.attempts.saturating_add(1));
        let is_costly = failure.is_some_and(is_refusal) && sealed.spec.template.as_ref().is_some_and(render::is_costly);
        let slow = match retry {
            Some(Retry::Fast) if !is_costly => attempts.saturating_sub(settings.fast_retries),
            _ => attempts,
        };
        let pause = match slow {
            0 => backoff::growing(attempts, FAST_FIRST, FAST_LONGEST),
            n if is_costly => backoff::growing(n, SLOW_FIRST, COSTLY_LONGEST),
            n => slow_pause(n),
        };
        let pause = pause.max(asked_pause(failure));
        Self {
            attempts,
            retry,
            pause: retry.filter(|retry| *retry != Retry::OnChange).map(|_| pause),
            is_fast: retry == Some(Retry::Fast) && slow == 0,
        }
    }
}

/// Whether the API server, or what it asks, refuses the Secret: a quota, a policy, the end of the namespace.
fn is_refusal(failure: &Failure) -> bool {
    use ApiFailure::{Answer, Denied, NamespaceEnds, OwnerDenied};
    matches!(
        failure,
        Failure::Api(Denied(_) | NamespaceEnds(_) | OwnerDenied(_) | Answer(_))
    )
}

/// Status, event, memory and next pass of an outcome.
pub(super) fn report(
    sealed: &SealedSecret,
    outcome: Result<SecretStep, &Failure>,
    memory: &ReconcileState,
    settings: &ReconcileSettings,
    now: Timestamp,
) -> Plan {
    let failure = outcome.as_ref().err().copied();
    let metric = failure.map(|failure| failure.row().metric);
    let secret = outcome.unwrap_or(SecretStep::Leave);
    let again = Again::after(sealed, failure, memory, settings);
    let next = again.pause;
    let memory = ReconcileState {
        attempts: again.attempts,
        retry: again.retry,
        unfinished: false,
        unsaid: None,
        ..memory.clone()
    };
    if again.is_fast {
        return silent(secret, metric, next, memory);
    }
    let before = known(sealed, &memory, settings);
    let reported = Reported {
        generation: sealed.metadata.generation,
        failure: failure.map(|failure| Said::new(failure.row().condition, &status::message(failure))),
        at: Some(now),
    };
    // What a timer tries again fails in other words each time (a quota's numbers): the first stand for a while.
    let said_lately = |before: Option<&Reported>| next.is_some() && before.is_some_and(|b| lately(b, &reported, now));
    let wrote = secret != SecretStep::Leave;
    let event = event(failure, &reported, before.as_ref(), wrote, settings).filter(|_| !said_lately(before.as_ref()));
    let status = status::after(sealed, failure, now)
        .filter(|_| settings.update_status && !said_lately(status::reported(sealed).as_ref()));
    let stands = before.filter(|before| before.says_what(&reported) || said_lately(Some(before)));
    Plan {
        status,
        event,
        synced: failure.is_none(),
        ..silent(
            secret,
            metric,
            next,
            ReconcileState {
                reported: Some(stands.unwrap_or(reported)),
                ..memory
            },
        )
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

/// What changes when the status could not be written: it is tried again, unless the object has gone. `opens_again`: nothing of
/// the pass is kept for that, so that it costs as much again.
pub(crate) fn status_not_written(
    memory: ReconcileState,
    before: &ReconcileState,
    next: Option<Duration>,
    (error, opens_again): (&ApiFailure, bool),
) -> (ReconcileState, Option<Duration>) {
    if matches!(error, ApiFailure::NotFound(_)) {
        return (memory, next);
    }
    let attempts = before.attempts.saturating_add(1);
    let longest = if opens_again { COSTLY_LONGEST } else { SLOW_LONGEST };
    let pause = backoff::growing(attempts, FAST_FIRST, longest).max(asked_pause(Some(&error.clone().into())));
    (
        ReconcileState {
            attempts,
            unfinished: true,
            ..memory
        },
        Some(next.map_or(pause, |next| next.min(pause))),
    )
}
