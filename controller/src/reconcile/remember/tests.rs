//! What is believed after a restart, and what is written for the sake of the next one.

use sealing::keyring::OpenError;
use sealing::unseal::{ItemError, ItemErrors, UnsealError};
use serde_json::{Value, json};

use super::*;
use crate::reconcile::summary;
use crate::unseal_diagnostics::UnsealDiagnostics;

const SETTINGS: ReconcileSettings = ReconcileSettings::USUAL;

/// A SealedSecret in sync, whose status remembers Secret `s1` at version 7; and what `change` does to it.
fn sealed(change: impl FnOnce(&mut Value)) -> SealedSecret {
    let condition = |type_| json!({"type": type_, "status": "True", "reason": "Unsealed", "lastTransitionTime": "2024-05-01T12:00:00Z", "lastUpdateTime": "2024-05-01T12:00:00Z"});
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 1},
        "spec": {"encryptedData": {"a": "AQ"}},
        "status": {
            "observedGeneration": 1, "conditions": [condition("Synced"), condition("Ready")], "openedBy": ["SHA256:k"],
            "written": {"uid": "s1", "resourceVersion": "7"},
        },
    });
    let digest = digest(&serde_json::from_value(object.clone()).unwrap(), &SETTINGS);
    object["status"]["written"]["inputDigest"] = json!(digest);
    change(&mut object);
    serde_json::from_value(object).unwrap()
}

fn seen(uid: &str, version: &str) -> Option<SecretIdentity> {
    Some(SecretIdentity {
        uid: uid.to_owned(),
        version: version.to_owned(),
    })
}

fn believes(
    sealed: &SealedSecret,
    memory: &ReconcileState,
    seen: Option<&SecretIdentity>,
    settings: ReconcileSettings,
) -> bool {
    let entry = summary::of(sealed, &settings);
    could_recall(&entry, memory, &settings) && recall(&entry, memory, (seen, &KeyRing::default()), &settings).is_some()
}

/// Thousands of items would be kept for thousands of objects.
#[test]
fn a_failure_of_many_items_is_not_kept() {
    let failure = |items: usize| {
        let named = (0..items).map(|item| (item.to_string(), ItemError::Open(OpenError::Interrupted)));
        let error = UnsealError::Items(ItemErrors(named.collect()));
        Err(Failure::Unseal {
            error,
            diagnostics: Box::new(UnsealDiagnostics::new(&SealedSecret::default(), &KeyRing::default())),
        })
    };
    assert!(is_kept(&Ok(BTreeSet::new())) && is_kept(&Err(Failure::SealingKey)));
    assert!(is_kept(&failure(16)) && !is_kept(&failure(17)));
}

/// What could not be said is said again with the same keys alone: of others it is not known what they open.
#[test]
fn what_could_not_be_said_stands_for_the_same_input_and_keys() {
    let keys = |version| Keys {
        version,
        ..Keys::default()
    };
    for (outcome, retry) in [
        (Ok(BTreeSet::new()), None),
        (Err(Failure::SealingKey), Some(Retry::OnChange)),
    ] {
        let memory = ReconcileState {
            unfinished: true,
            retry,
            unsaid: Some(Box::new(Unsaid {
                input_digest: "d".to_owned(),
                keys: 3,
                outcome,
            })),
            ..ReconcileState::default()
        };
        assert!(unsaid(&memory, "d", &keys(3)).is_some());
        assert!(unsaid(&memory, "d", &keys(4)).is_none(), "a key came or went");
        assert!(unsaid(&memory, "e", &keys(3)).is_none(), "another input");
        let of = |change: fn(&mut ReconcileState)| {
            let mut memory = memory.clone();
            change(&mut memory);
            memory
        };
        let tried_again = of(|memory| memory.retry = Some(Retry::Fast));
        let said = of(|memory| memory.unfinished = false);
        for memory in [tried_again, said] {
            assert!(unsaid(&memory, "d", &keys(3)).is_none(), "{memory:?}");
        }
    }
}

/// A change of an object.
type Change = fn(&mut Value);

#[test]
fn only_the_very_secret_of_the_very_input_is_taken_to_be_in_sync() {
    let in_sync = |change: fn(&mut Value), seen: Option<SecretIdentity>| {
        believes(&sealed(change), &ReconcileState::default(), seen.as_ref(), SETTINGS)
    };
    assert!(in_sync(|_| {}, seen("s1", "7")));
    let label: Change = |o| o["metadata"]["labels"] = json!({"l": "x"});
    assert!(in_sync(label, seen("s1", "7")));
    for (what, seen) in [
        ("the Secret was changed", seen("s1", "8")),
        ("the Secret was made anew, or this is another cluster", seen("s2", "7")),
        ("the Secret has gone", None),
    ] {
        assert!(!in_sync(|_| {}, seen), "{what}");
    }
    let scope =
        |o: &mut Value| o["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
    let changes: [(&str, Change); 7] = [
        ("the spec", |o| o["spec"]["encryptedData"]["a"] = json!("Ag")),
        ("the scope", scope),
        ("made anew", |o| o["metadata"]["uid"] = json!("u2")),
        ("an older generation", |o| o["metadata"]["generation"] = json!(2)),
        ("no memory", |o| {
            drop(o["status"].as_object_mut().unwrap().remove("written"))
        }),
        ("the status says something else", |o| {
            o["status"]["conditions"][0]["status"] = json!("False")
        }),
        ("the reference's status", |o| {
            drop(o["status"]["conditions"].as_array_mut().unwrap().pop())
        }),
    ];
    for (what, change) in changes {
        assert!(!in_sync(change, seen("s1", "7")), "{what}");
    }
}

#[test]
fn it_is_for_those_who_know_nothing_yet_and_can_be_off() {
    let (sealed, seen) = (sealed(|_| {}), seen("s1", "7"));
    let off = ReconcileSettings {
        update_status: false,
        ..SETTINGS
    };
    assert!(!believes(&sealed, &ReconcileState::default(), seen.as_ref(), off));
    let other = ReconcileSettings {
        accept_deprecated_data: false,
        ..SETTINGS
    };
    assert!(
        !believes(&sealed, &ReconcileState::default(), seen.as_ref(), other),
        "a setting that could refuse it"
    );
    let knows = ReconcileState {
        reported: status::reported(&sealed),
        ..ReconcileState::default()
    };
    assert!(!believes(&sealed, &knows, seen.as_ref(), SETTINGS));
    let unfinished = ReconcileState {
        unfinished: true,
        ..ReconcileState::default()
    };
    assert!(!believes(&sealed, &unfinished, seen.as_ref(), SETTINGS));
}

#[test]
fn where_nothing_is_repaired_the_secret_need_not_be_the_same() {
    let skip = |o: &mut Value| o["metadata"]["annotations"] = json!({"sealed-secrets-rs/skip-recreate": "true"});
    for seen in [None, seen("s1", "8")] {
        assert!(believes(
            &sealed(skip),
            &ReconcileState::default(),
            seen.as_ref(),
            SETTINGS
        ));
        let flag = ReconcileSettings {
            repair: false,
            ..SETTINGS
        };
        assert!(believes(
            &sealed(|_| {}),
            &ReconcileState::default(),
            seen.as_ref(),
            flag
        ));
    }
}

#[test]
fn what_is_recalled_is_what_a_pass_would_have_left() {
    let sealed = sealed(|_| {});
    let memory = recall(
        &summary::of(&sealed, &SETTINGS),
        &ReconcileState::default(),
        (seen("s1", "7").as_ref(), &KeyRing::default()),
        &SETTINGS,
    )
    .unwrap();
    assert_eq!(memory.secret_version.as_deref(), Some("7"));
    assert_eq!(memory.input_digest, Some(digest(&sealed, &SETTINGS)));
    let reported = status::reported(&sealed).map(|reported| Reported { at: None, ..reported });
    assert_eq!(memory.reported, reported);
}

#[test]
fn status_is_not_believed_without_the_keys_that_it_names() {
    let key = std::sync::Arc::new(sealing::key::PrivateKey::generate(2048).unwrap());
    let fingerprint = key.public().fingerprint().clone();
    let sealed = sealed(|o| o["status"]["openedBy"] = json!([fingerprint.as_str()]));
    let (entry, seen) = (summary::of(&sealed, &SETTINGS), seen("s1", "7"));
    let believed =
        |keys: &KeyRing| recall(&entry, &ReconcileState::default(), (seen.as_ref(), keys), &SETTINGS).is_some();
    let mut ring = KeyRing::default();
    assert!(!believed(&ring));
    ring.insert(key, jiff::Timestamp::UNIX_EPOCH);
    assert!(believed(&ring));
}

fn learned(version: &str) -> Learned {
    Learned {
        opened_by: vec!["SHA256:k".to_owned()],
        written: WrittenSecret {
            uid: "s1".to_owned(),
            resource_version: version.to_owned(),
            input_digest: digest(&sealed(|_| {}), &SETTINGS),
        },
    }
}

#[test]
fn a_status_is_written_for_memory_alone_only_when_it_is_worth_it_and_new() {
    let sealed = sealed(|_| {});
    let old = sealed.status.clone().unwrap();
    assert_eq!(
        complete(&sealed, None, Some(learned("7")), true),
        None,
        "it remembers that already"
    );
    assert_eq!(
        complete(&sealed, None, Some(learned("8")), false),
        None,
        "others change Secrets as they like"
    );
    assert_eq!(complete(&sealed, None, None, true), None, "a failure teaches nothing");
    let write = complete(&sealed, None, Some(learned("8")), true).unwrap();
    assert!(write.only_memory);
    assert_eq!(write.status.conditions, old.conditions, "no condition moves");
    assert_eq!(write.status.written, Some(learned("8").written));

    let to_say = SealedSecretStatus {
        observed_generation: Some(2),
        ..old.clone()
    };
    let write = complete(&sealed, Some(to_say.clone()), Some(learned("8")), false).unwrap();
    assert_eq!(
        (write.only_memory, write.status.written),
        (false, Some(learned("8").written))
    );
    let failed = complete(&sealed, Some(to_say), None, false).unwrap();
    assert_eq!(
        failed.status.written, old.written,
        "the Secret is still the one that was written"
    );
}

/// The status of an object whose templates went over a limit, as the reference's CustomResourceDefinition keeps it.
fn over_the_limit(change: impl FnOnce(&mut Value)) -> SealedSecret {
    sealed(|object| {
        object["status"] = json!({"observedGeneration": 1, "conditions": [{
            "type": "Synced", "status": "False", "reason": "TemplateOverLimit", "message": "m",
            "lastTransitionTime": "2024-05-01T12:00:00Z", "lastUpdateTime": "2024-05-01T12:00:00Z",
        }]});
        object["status"]["conditions"][0]["message"] = format!("{}: m", not_again(&sealed(|_| {}), &SETTINGS)).into();
        change(object);
    })
}

#[test]
fn over_limit_is_not_tried_again() {
    let memory = ReconcileState::default();
    let found = over_limit(&over_the_limit(|_| {}), &memory, &SETTINGS).unwrap();
    assert!(found.is_over_limit() && found.retry == Some(Retry::OnChange));
    assert_eq!(
        over_limit(&over_the_limit(|_| {}), &found, &SETTINGS),
        None,
        "it changed, or is asked for"
    );
    let changed = over_the_limit(|object| object["metadata"]["generation"] = json!(2));
    assert_eq!(over_limit(&changed, &memory, &SETTINGS), None);
    let other = over_the_limit(|object| object["status"]["conditions"][0]["reason"] = json!("UnsealFailed"));
    assert_eq!(over_limit(&other, &memory, &SETTINGS), None);
    for forged in ["m", "not tried again by v0.0.1 until input x changes: m"] {
        let other = over_the_limit(|object| object["status"]["conditions"][0]["message"] = json!(forged));
        assert_eq!(
            over_limit(&other, &memory, &SETTINGS),
            None,
            "another version, or input"
        );
    }
    let forced = over_the_limit(|object| {
        object["metadata"]["annotations"] = json!({"sealed-secrets-rs/force-sync": "1"});
    });
    assert_eq!(over_limit(&forced, &memory, &SETTINGS), None, "it is asked for");
    let silent = ReconcileSettings {
        update_status: false,
        ..SETTINGS
    };
    assert_eq!(over_limit(&over_the_limit(|_| {}), &memory, &silent), None);
}
