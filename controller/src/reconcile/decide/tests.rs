//! One `check`, many cases: what is there, what is asked, what was said → what is done and said.

use std::collections::{BTreeMap, BTreeSet};

use sealing::SecretBytes;
use sealing::keyring::{KeyRing, OpenError};
use sealing::unseal::{ItemError, ItemErrors, UnsealError};
use serde_json::{Value, json};

use super::super::report::{FAST_FIRST, status_not_written};
use super::*;
use crate::error::ApiFailure;
use crate::index::{Reported, Said};
use crate::unseal_diagnostics::UnsealDiagnostics;

mod contested;
mod refusals;
mod said;
mod secrets;
mod varying;

const UID: &str = "u1";
const NOW: &str = "2024-06-01T12:00:00Z";
const EARLIER: &str = "2024-05-01T12:00:00Z";

const SETTINGS: ReconcileSettings = ReconcileSettings::USUAL;

fn sealed(generation: i64, status: Value) -> SealedSecret {
    serde_json::from_value(json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": UID, "generation": generation},
        "spec": {"encryptedData": {}}, "status": status,
    }))
    .unwrap()
}

fn owner(uid: &str) -> Value {
    json!([{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "one", "uid": uid, "controller": true}])
}

/// What comes out of the SealedSecret: `a: new`, one label, and what `change` says.
fn asked(change: impl FnOnce(&mut ClearSecret)) -> Result<Unsealed, Failure> {
    let mut secret = ClearSecret {
        metadata: serde_json::from_value(
            json!({"namespace": "ns", "name": "one", "labels": {"l": "asked"}, "ownerReferences": owner(UID)}),
        )
        .unwrap(),
        items: BTreeMap::from([("a".to_owned(), SecretBytes::new(b"new".to_vec()))]),
        ..ClearSecret::default()
    };
    change(&mut secret);
    Ok(Unsealed {
        secret,
        opened_by: BTreeSet::new(),
        varying: BTreeSet::new(),
    })
}

/// A Secret that is there: as asked for, and then what `change` says over it.
fn live(change: Value) -> Secret {
    let mut secret = json!({
        "metadata": {
            "namespace": "ns", "name": "one", "uid": "s1", "resourceVersion": "7",
            "labels": {"l": "asked"}, "ownerReferences": owner(UID),
        },
        "type": "Opaque",
        "data": {"a": "bmV3"},
    });
    merge(&mut secret, change);
    serde_json::from_value(secret).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match value {
                    Value::Null => drop(into.remove(&key)),
                    value => merge(into.entry(key).or_insert(Value::Null), value),
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn no_key() -> Failure {
    let error = ItemError::Open(OpenError::NoKey {
        fitting: 1,
        sealed_bits: 4096,
    });
    Failure::Unseal {
        error: UnsealError::Items(ItemErrors(BTreeMap::from([("a".to_owned(), error)]))),
        diagnostics: Box::new(UnsealDiagnostics::new(&sealed(1, Value::Null), &KeyRing::default())),
    }
}

fn synced(generation: i64) -> Value {
    let condition = |type_| json!({"type": type_, "status": "True", "reason": "Unsealed", "lastTransitionTime": EARLIER, "lastUpdateTime": EARLIER});
    json!({"observedGeneration": generation, "conditions": [condition("Synced"), condition("Ready")]})
}

fn failed(generation: i64, reason: &str, message: &str, stalled: bool) -> Value {
    let condition = |type_, status| {
        json!({
            "type": type_, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": EARLIER, "lastUpdateTime": EARLIER,
        })
    };
    let mut conditions = vec![condition("Synced", "False"), condition("Ready", "False")];
    conditions.push(condition(if stalled { "Stalled" } else { "Reconciling" }, "True"));
    json!({"observedGeneration": generation, "conditions": conditions})
}

/// One case. What is not said is the usual: generation 1, nothing said before, nothing remembered.
struct Case {
    name: &'static str,
    opened: Result<Unsealed, Failure>,
    live: Result<Option<Secret>, ApiFailure>,
    generation: i64,
    status: Value,
    memory: ReconcileState,
    settings: ReconcileSettings,
    kept_empty: Option<Duration>,
    unlabelled_key: Option<&'static str>,
    annotations: Value,
}

fn case(name: &'static str) -> Case {
    Case {
        name,
        opened: asked(|_| {}),
        live: Ok(None),
        generation: 1,
        status: Value::Null,
        memory: ReconcileState::default(),
        settings: SETTINGS,
        kept_empty: None,
        unlabelled_key: None,
        annotations: Value::Null,
    }
}

fn decide_case(case: &Case) -> (SealedSecret, Plan) {
    let mut sealed = sealed(case.generation, case.status.clone());
    sealed.metadata.annotations = serde_json::from_value(case.annotations.clone()).unwrap();
    let live = case.live.clone();
    let observed = Observed {
        sealed: &sealed,
        opened: &case.opened,
        digest: "the object.the settings",
        live,
        unlabelled_key: case.unlabelled_key,
        kept_empty_for: case.kept_empty,
    };
    let plan = decide(&observed, &case.memory, &case.settings, NOW.parse().unwrap());
    (sealed, plan)
}

/// Checks a plan against one line: `step; Synced…; event; next`.
fn check(case: Case, expected: &str) {
    let (_, plan) = decide_case(&case);
    let step = match &plan.secret {
        SecretStep::Leave => "leave".to_owned(),
        SecretStep::Create(secret) => format!("create {}", shown(secret)),
        SecretStep::Recreate { old, new } => format!("recreate {}@{}: {}", old.uid, old.version, shown(new)),
        SecretStep::Replace(secret) => {
            assert_eq!(
                secret.metadata.uid.as_deref(),
                Some("s1"),
                "{}: the uid that was read",
                case.name
            );
            assert_eq!(
                secret.metadata.resource_version.as_deref(),
                Some("7"),
                "{}: the version read",
                case.name
            );
            format!("replace {}", shown(secret))
        }
    };
    let conditions = plan.status.as_ref().map(|status| {
        let words = status.conditions.iter().map(|condition| {
            let sign = if condition.status == "True" { "+" } else { "-" };
            format!(
                "{sign}{}({})",
                condition.type_,
                condition.reason.as_deref().unwrap_or("")
            )
        });
        words.collect::<Vec<_>>().join(" ")
    });
    let event = plan.event.map_or("-", |event| event.reason);
    let next = plan.next.map_or("-".to_owned(), |next| format!("{next:?}"));
    let found = format!("{step}; {}; {event}; {next}", conditions.as_deref().unwrap_or("-"));
    assert_eq!(found, expected, "{}", case.name);
}

/// What matters of a Secret, in a fixed order.
fn shown(secret: &Secret) -> String {
    let data = secret
        .data
        .iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(&value.0)));
    let map = |map: &Option<BTreeMap<String, String>>| {
        map.iter()
            .flatten()
            .map(|(key, value)| format!("{key}:{value}"))
            .collect::<Vec<_>>()
    };
    let owners = secret
        .metadata
        .owner_references
        .iter()
        .flatten()
        .map(|owner| format!("owner:{}", owner.uid));
    let mut words: Vec<String> = data.collect();
    words.extend(map(&secret.metadata.labels));
    words.extend(
        map(&secret.metadata.annotations)
            .into_iter()
            .map(|word| word.replace("sealedsecrets.bitnami.com/", "")),
    );
    words.extend(owners);
    words.extend(
        secret
            .type_
            .as_ref()
            .filter(|type_| *type_ != "Opaque")
            .map(|type_| format!("type:{type_}")),
    );
    words.extend(secret.immutable.map(|immutable| format!("immutable:{immutable}")));
    words.join(",")
}

/// What is said of [`no_key`].
const NO_KEY: &str = "no key could decrypt secret (a); tried for name \"one\" in namespace \"ns\" (strict)";

const GOOD: &str = "+Synced(Unsealed) +Ready(Unsealed)";

fn annotated(annotations: &[&str]) -> Value {
    let all: BTreeMap<String, &str> = annotations
        .iter()
        .map(|name| (format!("sealedsecrets.bitnami.com/{name}"), "true"))
        .collect();
    json!({"metadata": {"annotations": all, "ownerReferences": null, "labels": {"other": "kept"}}})
}
