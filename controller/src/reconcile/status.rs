//! The status that follows from an outcome. Pure.

use crds::{SealedSecret, SealedSecretCondition, SealedSecretStatus, condition_status, names, reasons};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::error::{Failure, Retry};
use crate::index::{Reported, Said};
use crate::printable::{printable, truncate};

/// Longest message of `Synced`, in bytes, and of the other conditions, which repeat it. It is kept for each object that fails.
const LONGEST_MESSAGE: usize = 4 * 1024;
const LONGEST_REPEATED: usize = 256;

/// The message of a failure, as the status shows it.
pub(crate) fn message(failure: &Failure) -> String {
    let mut message = printable(&failure.to_string());
    truncate(&mut message, LONGEST_MESSAGE);
    message
}

/// The object's condition of this type.
pub(crate) fn condition_of<'a>(sealed: &'a SealedSecret, type_: &str) -> Option<&'a SealedSecretCondition> {
    let mut conditions = sealed.status.iter().flat_map(|status| &status.conditions);
    conditions.find(|condition| condition.type_ == type_)
}

/// What the status says to have been made known.
pub(crate) fn reported(sealed: &SealedSecret) -> Option<Reported> {
    let synced = condition_of(sealed, names::CONDITION_SYNCED)?;
    let failure = match synced.status.as_str() {
        condition_status::TRUE => None,
        _ => Some(Said::new(
            synced.reason.as_deref().unwrap_or_default(),
            synced.message.as_deref().unwrap_or_default(),
        )),
    };
    Some(Reported {
        generation: sealed.status.as_ref()?.observed_generation,
        failure,
        at: synced.last_update_time.as_ref().map(|time| time.0),
    })
}

/// The status after a pass; `None` when it would say what it says already.
///
/// `Synced` comes first, then `Ready`; of a failure then `Stalled` where no timer tries again, else `Reconciling`
/// (kstatus: both are absent otherwise). Conditions of others follow as they were.
pub(crate) fn after(sealed: &SealedSecret, failure: Option<&Failure>, now: Timestamp) -> Option<SealedSecretStatus> {
    let old = sealed.status.clone().unwrap_or_default();
    let mut conditions = asked(sealed, failure);
    for condition in &mut conditions {
        let before = old.conditions.iter().find(|old| old.type_ == condition.type_);
        let unchanged = before.filter(|before| before.status == condition.status);
        condition.last_transition_time = unchanged.map_or(Some(Time(now)), |before| {
            before.last_transition_time.clone().or(Some(Time(now)))
        });
        condition.last_update_time = before.and_then(|before| before.last_update_time.clone());
    }
    conditions.extend(
        old.conditions
            .iter()
            .filter(|old| !names::CONDITION_TYPES.contains(&old.type_.as_str()))
            .cloned(),
    );
    let mut new = SealedSecretStatus {
        observed_generation: sealed.metadata.generation,
        conditions,
        ..old.clone()
    };
    if new == old {
        return None;
    }
    for condition in &mut new.conditions {
        if names::CONDITION_TYPES.contains(&condition.type_.as_str()) {
            condition.last_update_time = Some(Time(now));
        }
    }
    Some(new)
}

/// The status as the reference would have written it; `None` when it is that already. Its reason goes too: the reference sets
/// none, and would leave ours where it means something else.
pub(crate) fn bare(sealed: &SealedSecret) -> Option<SealedSecretStatus> {
    let old = sealed.status.as_ref()?;
    let mut conditions = old.conditions.clone();
    let is_synced = |condition: &SealedSecretCondition| condition.type_ == names::CONDITION_SYNCED;
    conditions.retain(|condition| is_synced(condition) || !names::CONDITION_TYPES.contains(&condition.type_.as_str()));
    for condition in conditions.iter_mut().filter(|condition| is_synced(condition)) {
        condition.reason = None;
    }
    let bare = SealedSecretStatus {
        observed_generation: old.observed_generation,
        conditions,
        ..SealedSecretStatus::default()
    };
    (bare != *old).then_some(bare)
}

/// What of the template is not passed on to the Secret, if anything is. `Ready` says so: a success of `Synced` has no message.
fn left_out(sealed: &SealedSecret) -> Option<String> {
    let metadata = sealed.spec.template.as_ref()?.metadata.as_ref()?;
    let fields = [
        ("finalizers", metadata.finalizers.is_some()),
        ("ownerReferences", metadata.owner_references.is_some()),
        ("managedFields", metadata.managed_fields.is_some()),
    ];
    let there: Vec<_> = fields
        .iter()
        .filter(|(_, there)| *there)
        .map(|(field, _)| *field)
        .collect();
    let said = format!(
        "left out of the Secret, as a template must not set them: {}",
        there.join(", ")
    );
    (!there.is_empty()).then_some(said)
}

fn asked(sealed: &SealedSecret, failure: Option<&Failure>) -> Vec<SealedSecretCondition> {
    let condition = |type_: &str, status: &str, reason: &str, message: Option<String>| SealedSecretCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message,
        last_update_time: None,
        last_transition_time: None,
    };
    let Some(failure) = failure else {
        let good = |type_, message| condition(type_, condition_status::TRUE, reasons::UNSEALED, message);
        return vec![
            good(names::CONDITION_SYNCED, None),
            good(names::CONDITION_READY, left_out(sealed)),
        ];
    };
    let row = failure.row();
    let also = match row.retry {
        Retry::OnChange => names::CONDITION_STALLED,
        Retry::Slow | Retry::Fast => names::CONDITION_RECONCILING,
    };
    let message = message(failure);
    let mut repeated = message.clone();
    truncate(&mut repeated, LONGEST_REPEATED);
    let conditions = [
        (names::CONDITION_SYNCED, condition_status::FALSE, &message),
        (names::CONDITION_READY, condition_status::FALSE, &repeated),
        (also, condition_status::TRUE, &repeated),
    ];
    let said = |(type_, status, message): (&str, &str, &String)| {
        condition(type_, status, row.condition, Some(message.clone()))
    };
    conditions.map(said).into()
}
