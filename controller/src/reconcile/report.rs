//! What follows from a result: status, event, retry and state. Pure.

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

/// Pauses of fast retries, and of all others.
pub(super) const FAST_FIRST: Duration = Duration::from_millis(50);
const FAST_LONGEST: Duration = Duration::from_secs(2);
const SLOW_FIRST: Duration = Duration::from_secs(2);
const SLOW_LONGEST: Duration = Duration::from_secs(300);
/// The longest pause where each try takes up to seconds of a core, and the API server refuses the Secret.
const COSTLY_LONGEST: Duration = Duration::from_secs(3600);

/// Retry messages vary; the first stays for this long.
const REPEATED_AFTER: Duration = Duration::from_secs(300);

/// Text of the event of a success (the reference's).
const UNSEALED: &str = "SealedSecret unsealed successfully";

/// The last reported result of this object, from this process, otherwise from its status.
pub(super) fn known(sealed: &SealedSecret, memory: &ReconcileState, settings: &ReconcileSettings) -> Option<Reported> {
    let from_status = || status::reported(sealed).filter(|_| settings.update_status);
    memory.reported.clone().or_else(from_status)
}

pub(super) fn wait(memory: &ReconcileState, pause: Duration) -> Plan {
    silent(SecretStep::Leave, None, Some(pause), memory.clone())
}

/// A plan without a status and an event.
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

/// Pause after so many failures in a row that are not expected to pass soon.
pub(super) fn slow_pause(failures: u32) -> Duration {
    backoff::growing(failures, SLOW_FIRST, SLOW_LONGEST)
}

/// The pause that the API server asks for (429 with Retry-After), up to the longest of ours.
fn asked_pause(failure: Option<&Failure>) -> Duration {
    match failure {
        Some(Failure::Api(ApiFailure::Overloaded { seconds, .. })) => {
            Duration::from_secs(u64::from(*seconds)).min(SLOW_LONGEST)
        }
        _ => Duration::ZERO,
    }
}

/// When a failure is retried.
struct Again {
    /// Failures in a row, this one included.
    attempts: u32,
    retry: Option<Retry>,
    /// Pause before the next pass.
    pause: Option<Duration>,
    /// It may pass soon, so it is not reported yet.
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

/// Whether the API server, or one of its webhooks, refuses the Secret: a quota, a policy, a namespace that is being deleted.
fn is_refusal(failure: &Failure) -> bool {
    use ApiFailure::{Answer, Denied, NamespaceEnds, OwnerDenied};
    matches!(
        failure,
        Failure::Api(Denied(_) | NamespaceEnds(_) | OwnerDenied(_) | Answer(_))
    )
}

/// Status, event, state and next pass of a result.
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
    // Retry messages vary (with a quota's numbers); the first stays for a while.
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

/// Whether a failure of this kind was reported a short while ago.
fn lately(before: &Reported, reported: &Reported, now: Timestamp) -> bool {
    let age = before.at.map(|at| now.duration_since(at).unsigned_abs());
    before.is_like(reported) && age.is_some_and(|age| age < REPEATED_AFTER)
}

/// An event is posted when the Secret was written or something new is to be reported.
fn event(
    failure: Option<&Failure>,
    reported: &Reported,
    before: Option<&Reported>,
    wrote: bool,
    settings: &ReconcileSettings,
) -> Option<Notice> {
    // Without statuses, a success that changed nothing is not reported after a restart.
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

/// The state and the pause after a status could not be written: it is retried, unless the object is gone. `opens_again`: the
/// result is not kept, so the retry costs as much as this pass.
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
