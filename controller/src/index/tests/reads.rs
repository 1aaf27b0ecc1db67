//! What is kept for a pass, and what a pass has read.

use super::*;

fn version(version: &str, generation: i64) -> SealedSecret {
    sealed(
        json!({"resourceVersion": version, "generation": generation}),
        Value::Null,
    )
}

fn entry(sealed: &SealedSecret) -> SealedEntry {
    summary::of(sealed, &ReconcileSettings::USUAL)
}

fn synced() -> ReconcileState {
    ReconcileState {
        uid: "u1".to_owned(),
        ..ReconcileState::default()
    }
}

#[test]
fn an_object_is_kept_until_its_pass_ends() {
    let index = Index::default();
    let read = |index: &Index| index.begin(&name()).unwrap().body.and_then(|body| body.read());
    apply(&index, &version("5", 1));
    assert_eq!(apply(&index, &version("6", 1)), None, "a change that needs no pass");
    assert_eq!(
        read(&index),
        Some(version("6", 1)),
        "the status is written on this version"
    );
    index.end(&name(), None, synced());
    assert_eq!(read(&index), None);
    apply(&index, &version("6", 2));
    assert!(read(&index).is_some());
    assert_eq!(apply(&index, &version("6", 2)), None);
    assert_eq!(
        read(&index),
        None,
        "its pass has begun, and may end before this one is kept"
    );
    assert_eq!(apply(&index, &version("7", 2)), None);
    assert_eq!(read(&index), None, "nothing is to be done for it");

    assert!(index.begin(&name()).is_some());
    apply(&index, &version("8", 3));
    index.end(&name(), None, synced());
    assert_eq!(read(&index), Some(version("8", 3)), "it came during the pass");

    let going = json!({"resourceVersion": "9", "deletionTimestamp": "2024-01-01T00:00:00Z"});
    apply(&index, &sealed(going, Value::Null));
    let inner = index.inner();
    let body = &inner.sealed(&name()).unwrap().body;
    assert!(body.is_none(), "a finalizer may hold it for ever");
}

#[test]
fn nothing_older_than_what_a_pass_has_read_is_worked_on() {
    let index = Index::default();
    apply(&index, &version("5", 1));
    index.begin(&name()).unwrap();
    index.end(&name(), None, synced());
    let begun = index.begin(&name()).unwrap();
    index.sealed_read(&name(), &begun.entry, entry(&version("10", 3)));
    index.end(&name(), None, synced());

    assert_eq!(
        apply(&index, &version("8", 2)),
        Some(Wake::Now),
        "the pass reads which it is"
    );
    let begun = index.begin(&name()).unwrap();
    assert!(begun.body.is_none());
    assert_eq!(begun.entry.generation.map(std::num::NonZeroI64::get), Some(3));
    assert_eq!(apply(&index, &version("10", 3)), None, "that was worked on");
    assert_eq!(apply(&index, &version("11", 4)), Some(Wake::Now));
    assert!(index.begin(&name()).unwrap().body.is_some());
}

#[test]
fn what_was_told_during_a_read_stays() {
    let index = Index::default();
    apply(&index, &version("5", 1));
    let begun = index.begin(&name()).unwrap();
    apply(&index, &version("12", 4));
    index.sealed_read(&name(), &begun.entry, entry(&version("10", 3)));
    index.end(&name(), None, synced());
    let again = index.begin(&name()).unwrap();
    assert_eq!(again.entry.generation.map(std::num::NonZeroI64::get), Some(4));
    assert!(again.body.is_some());
}

/// After a restore, all that the API server has is older than what was read before.
#[test]
fn data_that_went_back_are_read() {
    let index = Index::default();
    apply(&index, &version("50", 1));
    let begun = index.begin(&name()).unwrap();
    index.sealed_read(&name(), &begun.entry, entry(&version("100", 3)));
    index.end(&name(), None, synced());
    assert_eq!(apply(&index, &version("20", 2)), Some(Wake::Now));
    let begun = index.begin(&name()).unwrap();
    index.sealed_read(&name(), &begun.entry, entry(&version("20", 2)));
    index.end(&name(), None, synced());
    assert_eq!(
        index.look(&name()).unwrap().0.generation.map(std::num::NonZeroI64::get),
        Some(2)
    );
    assert_eq!(apply(&index, &version("21", 2)), None);
    assert_eq!(apply(&index, &version("22", 3)), Some(Wake::Now));
}
