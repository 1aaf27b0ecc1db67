//! Secrets that are not the controller's.

use super::*;

#[test]
fn secrets_that_are_not_ours_leave_nothing_behind() {
    let index = Index::default();
    for n in 0..1000 {
        let mut foreign = secret("1", None, Value::Null);
        foreign.name = Some(format!("foreign-{n}"));
        assert_eq!(index.secret_applied(&foreign, Instant::now()), (false, None));
        let gone = ObjectName::of(&foreign);
        assert_eq!(index.secret_gone(&gone, Some(&foreign), Instant::now()), None);
    }
    let inner = index.inner();
    assert_eq!(inner.known.namespaces().count(), 0);
    assert!(inner.foreign_seen.len() <= recent::REMEMBERED && inner.foreign_deleted.len() <= recent::REMEMBERED);
}

#[test]
fn a_foreign_secret_that_goes_unheard_is_missed() {
    let index = Index::default();
    index.set_secrets_watched(None, true);
    let start = Instant::now();
    index.secret_applied(&secret("1", None, Value::Null), start);
    assert_eq!(
        index.standing(&name(), start),
        Standing::Foreign,
        "the SealedSecret comes later, but not by much"
    );
    assert_eq!(index.standing(&name(), start + FOREIGN_REMEMBERED), Standing::NotKnown);
    index.foreign_missing(&name(), start);
    assert_eq!(index.kept_empty_for(&name(), start), Some(BLOCKED_GRACE));
    assert_eq!(index.standing(&name(), start), Standing::NotKnown);

    let managed = secret("1", None, json!({"sealedsecrets.bitnami.com/managed": "true"}));
    index.secret_applied(&managed, start);
    assert_eq!(
        index.standing(&name(), start),
        Standing::NotKnown,
        "one that may be taken over blocks nothing"
    );
}

#[test]
fn a_failure_for_another_reason_is_not_woken_by_a_foreign_secret_that_goes() {
    let index = index(Some(Retry::Slow));
    let (_, memory, _) = index.look(&name()).unwrap();
    let (memory, foreign) = (memory.unwrap(), secret("1", None, Value::Null));
    index.end(
        &name(),
        None,
        Memory {
            obstacle: None,
            ..memory
        },
    );
    index.secret_applied(&foreign, Instant::now());
    assert_eq!(index.secret_gone(&name(), Some(&foreign), Instant::now()), None);
}

#[test]
fn the_place_of_a_foreign_secret_stays_empty_for_a_moment() {
    let index = index(None);
    let start = Instant::now();
    assert_eq!(index.kept_empty_for(&name(), start), None);
    index.secret_gone(&name(), Some(&secret("1", None, Value::Null)), start);
    assert_eq!(index.kept_empty_for(&name(), start), Some(BLOCKED_GRACE));
    assert_eq!(
        index.kept_empty_for(&name(), start + BLOCKED_GRACE / 2),
        Some(BLOCKED_GRACE / 2)
    );
    assert_eq!(index.kept_empty_for(&name(), start + BLOCKED_GRACE), None);
    index.secret_gone(
        &name(),
        Some(&secret("1", Some("u1"), Value::Null)),
        start + BLOCKED_GRACE,
    );
    assert_eq!(
        index.kept_empty_for(&name(), start + BLOCKED_GRACE),
        None,
        "our own comes back at once"
    );
}
