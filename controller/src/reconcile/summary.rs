//! What is kept of a SealedSecret ([`SealedEntry`]). Pure.

use std::num::NonZeroI64;

use crds::{SealedSecret, condition_status, names};
use jiff::Timestamp;

use super::{remember, status};
use crate::annotation::Options;
use crate::index::{SealedEntry, StatusEntry, WrittenEntry};
use crate::metrics::INSTANCE_LABEL;
use crate::settings::ReconcileSettings;

/// Keys of one object that are kept: a status may be written by others too, and each key is a series of a metric.
const MOST_KEYS: usize = 64;
/// Longest uid and resourceVersion of a Secret that are kept, in bytes: for the same reason. All that are ours are shorter.
const LONGEST: usize = 64;

/// What is kept of this object.
pub(crate) fn of(sealed: &SealedSecret, settings: &ReconcileSettings) -> SealedEntry {
    let metadata = &sealed.metadata;
    let digest = remember::digest(sealed, settings);
    let labels = metadata.labels.as_ref();
    let created = metadata.creation_timestamp.as_ref();
    SealedEntry {
        uid: metadata.uid.as_deref().unwrap_or_default().into(),
        version: metadata.resource_version.as_deref().unwrap_or_default().into(),
        generation: metadata.generation.and_then(NonZeroI64::new),
        created: created.and_then(|time| NonZeroI64::new(time.0.as_second())),
        goes: metadata.deletion_timestamp.is_some(),
        options: Options::of(sealed),
        instance: labels
            .and_then(|labels| labels.get(INSTANCE_LABEL))
            .map(|instance| instance.as_str().into()),
        status: status_entry(sealed, &digest, settings),
        digest: digest.as_str().into(),
    }
}

fn status_entry(sealed: &SealedSecret, digest: &str, settings: &ReconcileSettings) -> StatusEntry {
    let reported = status::reported(sealed);
    let failure = reported.as_ref().and_then(|reported| reported.failure.as_ref());
    let keys = sealed.status.iter().flat_map(|status| &status.opened_by);
    let mut keys = keys.filter_map(|key| key.parse().ok());
    let opened_by = keys.by_ref().take(MOST_KEYS).collect();
    let are_all_kept = keys.next().is_none();
    let written = sealed.status.as_ref().and_then(|status| status.written.as_ref());
    let written = written.filter(|written| written.uid.len().max(written.resource_version.len()) <= LONGEST);
    StatusEntry {
        // The time does not matter: nothing is written.
        says_synced: status::after(sealed, None, Timestamp::UNIX_EPOCH).is_none(),
        generation: reported
            .as_ref()
            .and_then(|reported| NonZeroI64::new(reported.generation?)),
        failure: failure.map(|said| said.reason.clone()),
        conditions: names::CONDITION_TYPES.map(|type_| condition(sealed, type_)),
        opened_by,
        written: written.map(|written| WrittenEntry {
            uid: written.uid.as_str().into(),
            version: written.resource_version.as_str().into(),
            // What is not written is not believed, nor are keys that are not known.
            is_of_this_input: settings.update_status && are_all_kept && written.input_digest == digest,
        }),
    }
}

/// What a metric shows of a condition. Of a type that stands there twice the first counts, as everywhere.
fn condition(sealed: &SealedSecret, type_: &str) -> Option<i8> {
    Some(match status::condition_of(sealed, type_)?.status.as_str() {
        condition_status::TRUE => 1,
        condition_status::FALSE => -1,
        _ => 0,
    })
}

#[cfg(test)]
mod tests;
