//! What wakes a SealedSecret, and what does not.

use serde_json::{Value, json};

use super::*;
use crate::error::Failure;
use crate::reconcile::summary;
use crate::settings::ReconcileSettings;

fn name() -> ObjectName {
    ObjectName {
        namespace: "ns".to_owned(),
        name: "one".to_owned(),
    }
}

fn sealed(metadata: Value, status: Value) -> SealedSecret {
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 1},
        "spec": {"encryptedData": {}}, "status": status,
    });
    object["metadata"]
        .as_object_mut()
        .unwrap()
        .extend(metadata.as_object().unwrap().clone());
    serde_json::from_value(object).unwrap()
}

fn secret(version: &str, owner: Option<&str>, annotations: Value) -> ObjectMeta {
    let owners = owner.map(|uid| {
        json!([{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "one", "uid": uid, "controller": true}])
    });
    serde_json::from_value(json!({
        "namespace": "ns", "name": "one", "uid": "s1", "resourceVersion": version,
        "ownerReferences": owners, "annotations": annotations,
    }))
    .unwrap()
}

/// A watch tells of it.
fn apply(index: &Index, sealed: &SealedSecret) -> Option<Wake> {
    let entry = summary::of(sealed, &ReconcileSettings::USUAL);
    index.sealed_applied(&ObjectName::of(&sealed.metadata), entry, sealed)
}

/// An index with one SealedSecret whose last pass left the Secret at version 1.
fn index(retry: Option<Retry>) -> Index {
    let index = Index::default();
    index.set_secrets_watched(None, true);
    apply(&index, &sealed(json!({}), Value::Null));
    let start = index.begin(&name()).unwrap();
    let memory = ReconcileState {
        secret_version: Some("1".to_owned()),
        retry,
        obstacle: Obstacle::of(&Failure::Unmanaged("one".to_owned()), "").filter(|_| retry == Some(Retry::Slow)),
        ..start.memory
    };
    index.end(&name(), None, memory);
    index
}

#[test]
fn a_sealed_secret_is_woken_by_what_matters() {
    let cases = [
        ("the status: our own write", json!({"resourceVersion": "9"}), false),
        ("labels", json!({"labels": {"app": "x"}}), false),
        ("another annotation", json!({"annotations": {"a": "b"}}), false),
        ("the spec", json!({"generation": 2}), true),
        (
            "the scope",
            json!({"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}}),
            true,
        ),
        ("made anew", json!({"uid": "u2"}), true),
        (
            "on its way out",
            json!({"deletionTimestamp": "2024-01-01T00:00:00Z"}),
            true,
        ),
    ];
    for (what, metadata, wakes) in cases {
        let index = index(None);
        let status = json!({"conditions": [{"type": "Synced", "status": "True"}]});
        let wake = apply(&index, &sealed(metadata, status));
        assert_eq!(wake, wakes.then_some(Wake::Now), "{what}");
    }
}

#[test]
fn our_own_write_of_the_secret_wakes_nobody() {
    let index = index(None);
    assert_eq!(
        index.secret_applied(&secret("1", Some("u1"), Value::Null), Instant::now()),
        (true, None)
    );
    assert_eq!(
        index.secret_applied(&secret("2", Some("u1"), Value::Null), Instant::now()),
        (true, Some(Wake::Now)),
        "drift"
    );
}

#[test]
fn the_watch_may_see_our_write_before_we_know_its_version() {
    let index = index(None);
    assert_eq!(
        index.secret_applied(&secret("2", Some("u1"), Value::Null), Instant::now()),
        (true, Some(Wake::Now))
    );
    let memory = ReconcileState {
        uid: "u1".to_owned(),
        secret_version: Some("2".to_owned()),
        ..ReconcileState::default()
    };
    index.end(&name(), None, memory);
    assert!(
        index.begin(&name()).is_none(),
        "the pass finds that there is nothing to do"
    );

    index.secret_applied(&secret("3", Some("u1"), Value::Null), Instant::now());
    apply(&index, &sealed(json!({"generation": 2}), Value::Null));
    assert!(
        index.begin(&name()).is_some(),
        "but a change of the SealedSecret counts"
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_that_was_not_written_is_not_forgotten_when_our_own_write_is_seen_meanwhile() {
    let memories = [
        ReconcileState {
            unfinished: true,
            ..ReconcileState::default()
        },
        ReconcileState {
            retry: Some(Retry::Fast),
            ..ReconcileState::default()
        },
    ];
    for memory in memories {
        let (index, queue) = (index(None), crate::queue::Queue::default());
        queue.add(name());
        let worked_on = queue.next().await;
        assert!(index.begin(&worked_on).is_some());
        // The Secret was written; the watch tells while the status is on its way, and that fails.
        let (_, wake) = index.secret_applied(&secret("2", Some("u1"), Value::Null), Instant::now());
        assert_eq!(wake, Some(Wake::Now));
        queue.add(name());
        let memory = ReconcileState {
            uid: "u1".to_owned(),
            secret_version: Some("2".to_owned()),
            ..memory
        };
        index.end(&name(), None, memory.clone());
        queue.done(worked_on, Some(Duration::from_millis(50)));

        let again = queue.next().await;
        assert!(
            index.begin(&again).is_some(),
            "{memory:?}: nothing else would try again"
        );
        index.end(
            &name(),
            None,
            ReconcileState {
                unfinished: false,
                retry: None,
                ..memory
            },
        );
        queue.done(again, None);
        let idle = tokio::time::timeout(Duration::from_secs(1000), queue.next()).await;
        assert!(idle.is_err(), "and then it is done");
    }
}

#[test]
fn what_happens_to_the_secret_during_the_first_pass_is_not_missed() {
    // (versions that the watch tells while the pass goes on, whether another pass is due)
    for (told, missed) in [(&["2"][..], false), (&["2", "3"], true), (&[], false)] {
        let index = Index::default();
        index.set_secrets_watched(None, true);
        apply(&index, &sealed(json!({}), Value::Null));
        let start = index.begin(&name()).unwrap();
        for version in told {
            let (_, wake) = index.secret_applied(&secret(version, Some("u1"), Value::Null), Instant::now());
            assert_eq!(wake, None, "nothing is remembered yet");
        }
        let memory = ReconcileState {
            uid: "u1".to_owned(),
            secret_version: Some("2".to_owned()),
            ..ReconcileState::default()
        };
        let again = index.end(&name(), start.seen.as_deref(), memory);
        assert_eq!(again, missed.then_some(Duration::ZERO), "{told:?}");
    }
}

/// The word of the pass's own write of the Secret, which needs no pass, comes after that of the edit, which does.
#[test]
fn an_edit_during_a_pass_is_not_taken_for_the_word_of_its_own_write() {
    let index = index(None);
    let start = index.begin(&name()).unwrap();
    apply(&index, &sealed(json!({"generation": 2}), Value::Null));
    index.secret_applied(&secret("2", Some("u1"), json!({})), Instant::now());
    let memory = ReconcileState {
        secret_version: Some("2".to_owned()),
        ..start.memory
    };
    index.end(&name(), start.seen.as_deref(), memory);
    let again = index.begin(&name()).expect("the edit is still to come");
    assert_eq!(again.entry.generation.map(std::num::NonZeroI64::get), Some(2));
}

#[test]
fn the_secret_of_what_does_not_open_wakes_nobody() {
    let index = index(Some(Retry::OnChange));
    let ours = |version| secret(version, Some("u1"), Value::Null);
    assert_eq!(index.secret_applied(&ours("2"), Instant::now()), (true, None));
    assert_eq!(index.secret_gone(&name(), Some(&ours("2")), Instant::now()), None);
    assert_eq!(index.waiting_for_keys(), [name()], "a key still does");
}

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
    assert!(inner.foreign_seen.len() <= ttl_cache::REMEMBERED && inner.foreign_deleted.len() <= ttl_cache::REMEMBERED);
}

#[test]
fn a_foreign_secret_that_goes_unheard_is_missed() {
    let index = Index::default();
    index.set_secrets_watched(None, true);
    let start = Instant::now();
    index.secret_applied(&secret("1", None, Value::Null), start);
    assert_eq!(
        index.presence(&name(), start),
        SecretPresence::Foreign,
        "the SealedSecret comes later, but not by much"
    );
    assert_eq!(
        index.presence(&name(), start + FOREIGN_REMEMBERED),
        SecretPresence::NotKnown
    );
    index.foreign_missing(&name(), start);
    assert_eq!(index.kept_empty_for(&name(), start), Some(BLOCKED_GRACE));
    assert_eq!(index.presence(&name(), start), SecretPresence::NotKnown);

    let managed = secret("1", None, json!({"sealedsecrets.bitnami.com/managed": "true"}));
    index.secret_applied(&managed, start);
    assert_eq!(
        index.presence(&name(), start),
        SecretPresence::NotKnown,
        "one that may be taken over blocks nothing"
    );
}

#[test]
fn a_deleted_secret_comes_back_only_if_it_was_ours_to_make() {
    let managed = json!({"sealedsecrets.bitnami.com/managed": "true"});
    let patch = json!({"sealedsecrets.bitnami.com/patch": "true"});
    let later = Some(Wake::After(BLOCKED_GRACE));
    let cases = [
        ("owned", secret("1", Some("u1"), Value::Null), None, Some(Wake::Now)),
        ("managed", secret("1", None, managed), None, Some(Wake::Now)),
        (
            "of an earlier SealedSecret",
            secret("1", Some("u0"), Value::Null),
            Some(Retry::Slow),
            Some(Wake::Now),
        ),
        ("only patched", secret("1", None, patch), None, None),
        ("foreign", secret("1", None, Value::Null), None, None),
        (
            "foreign, and in the way",
            secret("1", None, Value::Null),
            Some(Retry::Slow),
            later,
        ),
    ];
    for (what, gone, retry, expected) in cases {
        let index = index(retry);
        index.secret_applied(&gone, Instant::now());
        assert_eq!(
            index.secret_gone(&name(), Some(&gone), Instant::now()),
            expected,
            "{what}"
        );
    }
}

#[test]
fn a_failure_for_another_reason_is_not_woken_by_a_foreign_secret_that_goes() {
    let index = index(Some(Retry::Slow));
    let (_, memory, _) = index.look(&name()).unwrap();
    let (memory, foreign) = (memory.unwrap(), secret("1", None, Value::Null));
    index.end(
        &name(),
        None,
        ReconcileState {
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

#[test]
fn a_secret_is_looked_up_only_where_one_is_known() {
    let index = index(None);
    assert_eq!(index.presence(&name(), Instant::now()), SecretPresence::NotKnown);
    index.secret_applied(&secret("1", Some("u1"), Value::Null), Instant::now());
    assert_eq!(index.presence(&name(), Instant::now()), SecretPresence::Known);
    index.set_secrets_watched(None, false);
    assert_eq!(index.presence(&name(), Instant::now()), SecretPresence::NotWatched);
}

#[test]
fn a_namespace_without_a_watch_does_not_speak_for_another() {
    let index = Index::default();
    let other = ObjectName {
        namespace: "other".to_owned(),
        name: "one".to_owned(),
    };
    let presence = |name: &ObjectName| index.presence(name, Instant::now());
    assert_eq!(presence(&name()), SecretPresence::NotWatched, "nothing is, at first");
    index.set_secrets_watched(Some("other"), true);
    index.set_secrets_watched(Some("ns"), false);
    assert_eq!(presence(&name()), SecretPresence::NotWatched);
    assert_eq!(presence(&other), SecretPresence::NotKnown);
    index.set_secrets_watched(Some("ns"), true);
    index.set_secrets_watched(Some("other"), false);
    assert_eq!(presence(&name()), SecretPresence::NotKnown);
    assert_eq!(presence(&other), SecretPresence::NotWatched);
    index.secret_read(&ObjectMeta {
        namespace: Some("other".to_owned()),
        name: Some("one".to_owned()),
        ..ObjectMeta::default()
    });
    let inner = index.inner();
    assert_eq!(inner.known.namespaces().count(), 0, "no watch would tell of its end");
}

#[test]
fn an_object_that_was_made_anew_begins_anew() {
    let index = index(Some(Retry::OnChange));
    assert_eq!(index.waiting_for_keys(), [name()]);
    assert_eq!(
        index.begin(&name()).unwrap().memory.secret_version.as_deref(),
        Some("1")
    );
    apply(&index, &sealed(json!({"uid": "u2"}), Value::Null));
    assert_eq!(
        index.begin(&name()).unwrap().memory,
        ReconcileState {
            uid: "u2".to_owned(),
            ..ReconcileState::default()
        }
    );
    index.sealed_gone(&name());
    assert!(index.begin(&name()).is_none());
    assert_eq!(index.waiting_for_keys(), []);
}

#[test]
fn nothing_is_made_for_an_object_on_its_way_out() {
    let index = index(None);
    let gone = json!({"deletionTimestamp": "2024-01-01T00:00:00Z"});
    apply(&index, &sealed(gone, Value::Null));
    assert!(index.begin(&name()).is_none());
}

mod lists;
mod reads;
