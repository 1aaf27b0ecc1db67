use serde_json::{Value, json};

use super::*;
use crate::error::Retry;
use crate::index::{Reported, Said};
use crate::reconcile::summary;

const SETTINGS: ReconcileSettings = ReconcileSettings::USUAL;

fn sealed(change: impl FnOnce(&mut Value)) -> SealedEntry {
    let condition = |type_| json!({"type": type_, "status": "True", "reason": "Unsealed", "lastTransitionTime": "2024-05-01T12:00:00Z", "lastUpdateTime": "2024-05-01T12:00:00Z"});
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 1},
        "spec": {"encryptedData": {"a": "AQ"}},
        "status": {"observedGeneration": 1, "conditions": [condition("Synced"), condition("Ready")]},
    });
    change(&mut object);
    summary::of(&serde_json::from_value(object).unwrap(), &SETTINGS)
}

/// What a pass over the unchanged object remembers.
fn memory() -> ReconcileState {
    let sealed = sealed(|_| {});
    ReconcileState {
        uid: "u1".to_owned(),
        reported: Some(Reported {
            generation: Some(1),
            failure: None,
            at: None,
        }),
        secret_version: Some("7".to_owned()),
        input_digest: Some(sealed.digest.to_string()),
        ..ReconcileState::default()
    }
}

fn secret(version: &str) -> SecretIdentity {
    SecretIdentity {
        uid: "s1".to_owned(),
        version: version.to_owned(),
    }
}

fn in_step(sealed: &SealedEntry, memory: &ReconcileState, secret: &SecretIdentity) -> bool {
    is_in_step(sealed, Some(memory), Some(secret), &SETTINGS)
}

#[test]
fn unchanged_object_is_in_step() {
    assert!(in_step(&sealed(|_| {}), &memory(), &secret("7")));
    assert!(
        is_in_step(&sealed(|_| {}), Some(&memory()), None, &SETTINGS),
        "deletion wakes it"
    );
}

#[test]
fn what_was_missed_or_set_by_hand_is_not() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 5] = [
        ("spec", |o| o["spec"]["encryptedData"]["a"] = json!("Ag")),
        ("Synced", |o| o["status"]["conditions"][0]["status"] = json!("False")),
        ("Ready", |o| o["status"]["conditions"][1]["status"] = json!("False")),
        ("no status", |o| o["status"] = Value::Null),
        ("generation", |o| o["status"]["observedGeneration"] = json!(0)),
    ];
    for (what, change) in changes {
        assert!(!in_step(&sealed(change), &memory(), &secret("7")), "{what}");
    }
    assert!(!in_step(&sealed(|_| {}), &memory(), &secret("8")), "its Secret");
    assert!(!is_in_step(&sealed(|_| {}), None, None, &SETTINGS), "no pass was made");
}

#[test]
fn what_has_its_own_time_is_left_to_it() {
    let failed = ReconcileState {
        retry: Some(Retry::Slow),
        input_digest: None,
        ..memory()
    };
    assert!(in_step(&sealed(|_| {}), &failed, &secret("8")));
    let going = sealed(|o| o["metadata"]["deletionTimestamp"] = json!("2024-05-01T12:00:00Z"));
    assert!(is_in_step(&going, None, None, &SETTINGS));
    let skip = sealed(|o| o["metadata"]["annotations"] = json!({"sealed-secrets-rs/skip-recreate": "true"}));
    assert!(in_step(&skip, &memory(), &secret("8")));
}

#[test]
fn failure_is_in_step_while_its_status_tells_of_it() {
    let failed = ReconcileState {
        retry: Some(Retry::OnChange),
        reported: Some(Reported {
            generation: Some(1),
            failure: Some(Said::new("UnsealFailed", "m")),
            at: None,
        }),
        ..memory()
    };
    let said = |reason: &str, generation: u32| {
        sealed(|o| {
            let condition = json!({"type": "Synced", "status": "False", "reason": reason, "message": "another"});
            o["status"] = json!({"observedGeneration": generation, "conditions": [condition]});
        })
    };
    assert!(in_step(&said("UnsealFailed", 1), &failed, &secret("7")));
    assert!(!in_step(&said("Other", 1), &failed, &secret("7")));
    assert!(!in_step(&said("UnsealFailed", 2), &failed, &secret("7")));
    assert!(
        !in_step(&sealed(|_| {}), &failed, &secret("7")),
        "it says that all is well"
    );
}
