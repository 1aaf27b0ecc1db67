//! What of an object is kept, and what is not.

use serde_json::{Value, json};

use super::*;

fn sealed(change: impl FnOnce(&mut Value)) -> SealedEntry {
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 2, "resourceVersion": "5",
            "creationTimestamp": "2024-05-01T12:00:00Z", "labels": {INSTANCE_LABEL: "app"}},
        "spec": {"encryptedData": {"a": "AQ"}},
        "status": {"observedGeneration": 1, "conditions": [
            {"type": "Synced", "status": "False", "reason": "UnsealFailed", "message": "m"},
            {"type": "Synced", "status": "True"}, {"type": "Other", "status": "True"},
        ]},
    });
    change(&mut object);
    of(&serde_json::from_value(object).unwrap(), &ReconcileSettings::USUAL)
}

#[test]
fn what_the_status_says_is_kept() {
    let entry = sealed(|_| {});
    assert_eq!(
        (entry.generation, entry.created),
        (NonZeroI64::new(2), NonZeroI64::new(1_714_564_800))
    );
    assert_eq!(entry.instance.as_deref(), Some("app"));
    assert_eq!(entry.status.failure.as_deref(), Some("UnsealFailed"));
    assert_eq!(entry.status.generation, NonZeroI64::new(1));
    assert_eq!(
        entry.status.conditions,
        [Some(-1), None, None, None],
        "the first of a type"
    );
    assert!(!entry.status.says_synced && entry.status.written.is_none());
    let none = sealed(|o| drop(o.as_object_mut().unwrap().remove("status")));
    assert_eq!((none.status.failure, none.status.generation), (None, None));
}

#[test]
fn status_of_others_takes_little_room() {
    let key = |number: usize| format!("SHA256:{number:042}A");
    let entry = sealed(|o| {
        o["status"]["conditions"][0]["reason"] = json!("é".repeat(100_000));
        o["status"]["openedBy"] = (0..1000).flat_map(|number| [key(number), number.to_string()]).collect();
        o["status"]["written"] = json!({"uid": "x".repeat(100_000), "resourceVersion": "7", "inputDigest": "x"});
    });
    assert_eq!(entry.status.written, None);
    assert_eq!(entry.status.failure.map(|reason| reason.len()), Some(LONGEST));
    assert_eq!(entry.status.opened_by.len(), MOST_KEYS);
}

/// Keys that are not kept might be lost ones.
#[test]
fn more_keys_than_are_kept_are_not_believed() {
    let believed = |keys: usize| {
        let entry = sealed(|o| {
            let keys: Vec<_> = (0..keys).map(|number| format!("SHA256:{number:042}A")).collect();
            let digest = sealed(|_| {}).digest;
            o["status"]["openedBy"] = json!(keys);
            o["status"]["written"] = json!({"uid": "s1", "resourceVersion": "7", "inputDigest": digest.to_string()});
        });
        entry.status.written.unwrap().is_of_this_input
    };
    assert!(believed(MOST_KEYS));
    assert!(!believed(MOST_KEYS + 1));
}
