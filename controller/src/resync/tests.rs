use serde_json::{Value, json};

use super::*;
use crate::error::Retry;

use crate::settings::AcceptedFormats;

const SETTINGS: ReconcileSettings = ReconcileSettings {
    update_status: true,
    repair: true,
    fast_retries: 5,
    accept_deprecated_data: true,
    formats: AcceptedFormats::ALL,
    replace_immutable: false,
    allow_credential_types: false,
    deny_nondeterministic_templates: false,
    delete_secrets: false,
};

fn sealed(change: impl FnOnce(&mut Value)) -> SealedSecret {
    let condition = |type_| json!({"type": type_, "status": "True", "reason": "Unsealed", "lastTransitionTime": "2024-05-01T12:00:00Z", "lastUpdateTime": "2024-05-01T12:00:00Z"});
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 1},
        "spec": {"encryptedData": {"a": "AQ"}},
        "status": {"observedGeneration": 1, "conditions": [condition("Synced"), condition("Ready")]},
    });
    change(&mut object);
    serde_json::from_value(object).unwrap()
}

/// What a pass over the unchanged object remembers.
fn memory() -> Memory {
    let sealed = sealed(|_| {});
    Memory {
        uid: "u1".to_owned(),
        reported: status::reported(&sealed),
        secret_version: Some("7".to_owned()),
        input_digest: Some(remember::digest(&sealed, &SETTINGS)),
        ..Memory::default()
    }
}

fn secret(version: &str) -> SecretIdentity {
    SecretIdentity {
        uid: "s1".to_owned(),
        version: version.to_owned(),
    }
}

fn in_step(sealed: &SealedSecret, memory: &Memory, secret: &SecretIdentity) -> bool {
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
    let changes: [(&str, Change); 6] = [
        ("spec", |o| o["spec"]["encryptedData"]["a"] = json!("Ag")),
        ("Synced", |o| o["status"]["conditions"][0]["status"] = json!("False")),
        ("Ready", |o| o["status"]["conditions"][1]["status"] = json!("False")),
        ("no status", |o| o["status"] = Value::Null),
        ("generation", |o| o["status"]["observedGeneration"] = json!(0)),
        ("made anew", |o| o["metadata"]["uid"] = json!("u2")),
    ];
    for (what, change) in changes {
        assert!(!in_step(&sealed(change), &memory(), &secret("7")), "{what}");
    }
    assert!(!in_step(&sealed(|_| {}), &memory(), &secret("8")), "its Secret");
    assert!(!is_in_step(&sealed(|_| {}), None, None, &SETTINGS), "no pass was made");
}

#[test]
fn what_has_its_own_time_is_left_to_it() {
    let failed = Memory {
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
