//! One `check`, many cases: what is there, what is asked, what was said → what is done and said.

use std::collections::{BTreeMap, BTreeSet};

use sealing::SecretBytes;
use sealing::keyring::{KeyRing, OpenError};
use sealing::unseal::{ItemError, ItemErrors, UnsealError};
use serde_json::{Value, json};

use super::super::report::{FAST_FIRST, status_not_written};
use super::*;
use crate::error::ApiFailure;
use crate::index::Reported;
use crate::reconcile::tried::Tried;

const UID: &str = "u1";
const NOW: &str = "2024-06-01T12:00:00Z";
const EARLIER: &str = "2024-05-01T12:00:00Z";

const SETTINGS: ReconcileSettings = ReconcileSettings {
    update_status: true,
    repair: true,
    fast_retries: 5,
    accept_deprecated_data: true,
    replace_immutable: false,
    allow_credential_types: false,
    deny_nondeterministic_templates: false,
    delete_secrets: false,
};

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
        tried: Tried::new(&sealed(1, Value::Null), &KeyRing::default()),
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
    conditions.extend(stalled.then(|| condition("Stalled", "True")));
    json!({"observedGeneration": generation, "conditions": conditions})
}

/// One case. What is not said is the usual: generation 1, nothing said before, nothing remembered.
struct Case {
    name: &'static str,
    opened: Result<Unsealed, Failure>,
    live: Result<Option<Secret>, ApiFailure>,
    generation: i64,
    status: Value,
    memory: Memory,
    settings: ReconcileSettings,
    kept_empty: Option<Duration>,
    annotations: Value,
}

fn case(name: &'static str) -> Case {
    Case {
        name,
        opened: asked(|_| {}),
        live: Ok(None),
        generation: 1,
        status: Value::Null,
        memory: Memory::default(),
        settings: SETTINGS,
        kept_empty: None,
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
        digest: "the input",
        live,
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

#[test]
fn a_missing_secret_is_created() {
    check(
        case("new"),
        &format!("create a=new,l:asked,owner:u1; {GOOD}; Unsealed; -"),
    );
    check(
        Case {
            status: synced(1),
            ..case("it was deleted")
        },
        "create a=new,l:asked,owner:u1; -; Unsealed; -",
    );
    check(
        Case {
            opened: asked(|secret| secret.type_ = Some("kubernetes.io/tls".to_owned())),
            ..case("typed")
        },
        &format!("create a=new,l:asked,owner:u1,type:kubernetes.io/tls; {GOOD}; Unsealed; -"),
    );
    check(
        Case {
            kept_empty: Some(Duration::from_millis(700)),
            ..case("a foreign one was deleted just now")
        },
        "leave; -; -; 700ms",
    );
    check(
        Case {
            opened: asked(|secret| secret.metadata.owner_references = None),
            ..case("nobody's from the beginning (reference behaviour)")
        },
        "create a=new,l:asked; -Synced(NotManaged) -Ready(NotManaged); ErrUpdateFailed; 2s",
    );
}

#[test]
fn what_is_as_asked_is_left_alone() {
    check(
        Case {
            live: Ok(Some(live(json!({})))),
            status: synced(1),
            ..case("restart")
        },
        "leave; -; -; -",
    );
    check(
        Case {
            live: Ok(Some(live(json!({})))),
            ..case("equal, but nothing was said yet")
        },
        &format!("leave; {GOOD}; Unsealed; -"),
    );
    check(
        Case {
            live: Ok(Some(live(json!({})))),
            generation: 2,
            status: synced(1),
            ..case("a change without effect")
        },
        &format!("leave; {GOOD}; Unsealed; -"),
    );
    let silent = ReconcileSettings {
        update_status: false,
        ..SETTINGS
    };
    check(
        Case {
            live: Ok(Some(live(json!({})))),
            settings: silent,
            ..case("restart without statuses")
        },
        "leave; -; -; -",
    );
    let reference = json!({
        "observedGeneration": 1,
        "conditions": [{"type": "Synced", "status": "True", "lastTransitionTime": EARLIER, "lastUpdateTime": EARLIER}],
    });
    check(
        Case {
            live: Ok(Some(live(json!({})))),
            status: reference,
            ..case("taken over from the reference")
        },
        &format!("leave; {GOOD}; -; -"),
    );
    check(
        Case {
            live: Ok(Some(live(json!({"immutable": true})))),
            status: synced(1),
            ..case("immutable, and equal")
        },
        "leave; -; -; -",
    );
}

#[test]
fn drift_is_repaired_and_additions_stay() {
    let drift = json!({"data": {"a": "b2xk", "b": "b2xk"}, "metadata": {"labels": {"l": "wrong", "x": "added"}}});
    check(
        Case {
            live: Ok(Some(live(drift.clone()))),
            status: synced(1),
            ..case("drift")
        },
        "replace a=new,l:asked,x:added,owner:u1; -; Unsealed; -",
    );
    check(
        Case {
            live: Ok(Some(live(drift))),
            generation: 2,
            status: synced(1),
            ..case("an edit writes it whole")
        },
        &format!("replace a=new,l:asked,owner:u1; {GOOD}; Unsealed; -"),
    );
    let added = json!({"metadata": {"labels": {"x": "added"}, "annotations": {"y": "added"}}});
    let silent = ReconcileSettings {
        update_status: false,
        ..SETTINGS
    };
    check(
        Case {
            live: Ok(Some(live(added.clone()))),
            settings: silent,
            ..case("only additions, after a restart without statuses")
        },
        "leave; -; -; -",
    );
    let edited = Memory {
        reported: Some(Reported {
            generation: Some(1),
            failure: None,
            at: None,
        }),
        ..Memory::default()
    };
    check(
        Case {
            live: Ok(Some(live(added.clone()))),
            settings: silent,
            generation: 2,
            memory: edited,
            ..case("an edit without statuses writes it whole")
        },
        "replace a=new,l:asked,owner:u1; -; Unsealed; -",
    );
    check(
        Case {
            live: Ok(Some(live(added))),
            status: synced(1),
            ..case("only additions")
        },
        "leave; -; -; -",
    );
}

#[test]
fn ownership() {
    let foreign = |change: Value| {
        let mut secret = annotated(&[]);
        merge(&mut secret, change);
        Ok(Some(live(secret)))
    };
    let refused = "leave; -Synced(NotManaged) -Ready(NotManaged); ErrUpdateFailed; 2s";
    check(
        Case {
            live: foreign(json!({})),
            ..case("somebody else's")
        },
        refused,
    );
    check(
        Case {
            live: foreign(json!({"metadata": {"ownerReferences": owner("u0")}})),
            ..case("of an earlier SealedSecret")
        },
        refused,
    );
    let not_quite = json!({"metadata": {"annotations": {"sealedsecrets.bitnami.com/managed": "True"}}});
    check(
        Case {
            live: foreign(not_quite),
            ..case("not exactly true")
        },
        refused,
    );

    check(
        Case {
            live: Ok(Some(live(annotated(&["managed"])))),
            ..case("managed: taken over whole")
        },
        &format!("replace a=new,l:asked,owner:u1; {GOOD}; Unsealed; -"),
    );
    let old = json!({"data": {"a": "b2xk", "b": "b2xk"}});
    let patched = |annotations: &[&str]| {
        let mut secret = annotated(annotations);
        merge(&mut secret, old.clone());
        Ok(Some(live(secret)))
    };
    check(
        Case {
            live: patched(&["patch"]),
            ..case("patch: added to, not owned")
        },
        &format!("replace a=new,b=old,l:asked,other:kept,patch:true; {GOOD}; Unsealed; -"),
    );
    check(
        Case {
            live: patched(&["patch", "managed"]),
            ..case("patch and managed: added to, and owned")
        },
        &format!("replace a=new,b=old,l:asked,other:kept,managed:true,patch:true,owner:u1; {GOOD}; Unsealed; -"),
    );
}

#[test]
fn what_kubernetes_never_changes_is_not_tried() {
    let differs = json!({"immutable": true, "data": {"a": "b2xk"}});
    check(
        Case {
            live: Ok(Some(live(differs))),
            generation: 2,
            status: synced(1),
            ..case("immutable")
        },
        "leave; -Synced(SecretImmutable) -Ready(SecretImmutable); ErrUpdateFailed; 2s",
    );
    let relabelled = json!({"immutable": true, "metadata": {"labels": {"l": "wrong"}}});
    check(
        Case {
            live: Ok(Some(live(relabelled))),
            status: synced(1),
            ..case("immutable: labels can change")
        },
        "replace a=new,l:asked,owner:u1,immutable:true; -; Unsealed; -",
    );
    let typed = json!({"type": "kubernetes.io/basic-auth"});
    check(
        Case {
            live: Ok(Some(live(typed.clone()))),
            ..case("another type")
        },
        "leave; -Synced(SecretTypeDiffers) -Ready(SecretTypeDiffers); ErrUpdateFailed; 2s",
    );
    let mut patched = annotated(&["patch"]);
    merge(&mut patched, typed);
    merge(&mut patched, json!({"metadata": {"labels": {"other": null}}}));
    check(
        Case {
            live: Ok(Some(live(patched))),
            ..case("a patch without a type takes the one that is there")
        },
        &format!("leave; {GOOD}; Unsealed; -"),
    );
    check(
        Case {
            opened: asked(|secret| secret.immutable = Some(true)),
            live: Ok(Some(live(json!({})))),
            generation: 2,
            status: synced(1),
            ..case("becomes immutable")
        },
        &format!("replace a=new,l:asked,owner:u1,immutable:true; {GOOD}; Unsealed; -"),
    );
}

#[test]
fn what_kubernetes_never_changes_is_made_anew_on_request() {
    let typed = json!({"type": "kubernetes.io/basic-auth"});
    let immutable = json!({"immutable": true, "data": {"a": "b2xk"}});
    let settings = ReconcileSettings {
        replace_immutable: true,
        ..SETTINGS
    };
    let asked = |name, live_: Value| Case {
        live: Ok(Some(live(live_))),
        generation: 2,
        status: synced(1),
        settings,
        ..case(name)
    };
    let anew = format!("recreate s1@7: a=new,l:asked,owner:u1; {GOOD}; Unsealed; -");
    check(asked("another type", typed.clone()), &anew);
    check(asked("immutable", immutable.clone()), &anew);
    let by_annotation = Case {
        settings: SETTINGS,
        annotations: json!({"sealed-secrets-rs/replace-immutable": "true"}),
        ..asked("by the annotation", immutable.clone())
    };
    check(by_annotation, &anew);
    let refused = "leave; -Synced(SecretImmutable) -Ready(SecretImmutable); ErrUpdateFailed; 2s";
    for annotation in ["managed", "patch"] {
        let mut not_ours = annotated(&[annotation]);
        merge(&mut not_ours, immutable.clone());
        check(asked("not its own: others' items would be lost", not_ours), refused);
    }
    let mut ending = typed;
    merge(&mut ending, json!({"metadata": {"deletionTimestamp": EARLIER}}));
    check(
        asked("a finalizer holds the old one", ending),
        "leave; -Synced(SecretTerminating) -Ready(SecretTerminating); ErrUpdateFailed; 2s",
    );
}

#[test]
fn types_that_are_credentials_of_the_cluster_are_refused() {
    let token = |name| Case {
        opened: asked(|secret| secret.type_ = Some("kubernetes.io/service-account-token".to_owned())),
        ..case(name)
    };
    check(
        token("refused"),
        "leave; -Synced(SecretTypeRefused) -Ready(SecretTypeRefused) +Stalled(SecretTypeRefused); ErrUpdateFailed; -",
    );
    let settings = ReconcileSettings {
        allow_credential_types: true,
        ..SETTINGS
    };
    check(
        Case {
            settings,
            ..token("allowed")
        },
        &format!("create a=new,l:asked,owner:u1,type:kubernetes.io/service-account-token; {GOOD}; Unsealed; -"),
    );
}

#[test]
fn where_nothing_is_repaired_the_secret_is_left_until_the_input_changes() {
    let drifted = || Ok(Some(live(json!({"data": {"a": "b2xk"}}))));
    let skip = || json!({"sealed-secrets-rs/skip-recreate": "true"});
    let of = |digest: &str| Memory {
        input_digest: Some(digest.to_owned()),
        ..Memory::default()
    };
    for live in [drifted(), Ok(None)] {
        let left = Case {
            live,
            status: synced(1),
            annotations: skip(),
            memory: of("the input"),
            ..case("the input that it was made of")
        };
        check(left, "leave; -; -; -");
    }
    let changed = Case {
        live: drifted(),
        status: synced(1),
        annotations: skip(),
        memory: of("another input"),
        ..case("another input")
    };
    check(changed, "replace a=new,l:asked,owner:u1; -; Unsealed; -");
}

#[test]
fn what_varies_is_made_once_and_adopted_until_the_input_changes() {
    let varying = || {
        let mut opened = asked(|secret| drop(secret.items.insert("b".to_owned(), SecretBytes::new(b"new".to_vec()))));
        opened.as_mut().unwrap().varying.insert("a".to_owned());
        opened
    };
    let of = |digest: &str| Memory {
        input_digest: Some(digest.to_owned()),
        ..Memory::default()
    };
    let drawn = |change: Value| {
        let mut secret = live(json!({"data": {"a": "b2xk", "b": "bmV3"}}));
        let mut value = serde_json::to_value(&secret).unwrap();
        merge(&mut value, change);
        secret = serde_json::from_value(value).unwrap();
        Ok(Some(secret))
    };
    for (name, live, memory, expected) in [
        ("nothing changed", drawn(json!({})), of("the input"), "leave; -; -; -"),
        (
            "nothing is known of it",
            drawn(json!({})),
            Memory::default(),
            "leave; -; -; -",
        ),
        (
            "another item drifted",
            drawn(json!({"data": {"b": "eA=="}})),
            of("the input"),
            "replace a=old,b=new,l:asked,owner:u1; -; Unsealed; -",
        ),
        (
            "the item is missing",
            drawn(json!({"data": {"a": null}})),
            of("the input"),
            "replace a=new,b=new,l:asked,owner:u1; -; Unsealed; -",
        ),
        (
            "the object changed",
            drawn(json!({})),
            of("another input"),
            "replace a=new,b=new,l:asked,owner:u1; -; Unsealed; -",
        ),
    ] {
        let case = Case {
            opened: varying(),
            live,
            status: synced(1),
            memory,
            ..case(name)
        };
        check(case, expected);
    }
    // A Secret that is taken over keeps what was drawn for it, by whomever.
    let taken =
        json!({"metadata": {"ownerReferences": null, "annotations": {"sealedsecrets.bitnami.com/managed": "true"}}});
    let taken_over = Case {
        opened: varying(),
        live: drawn(taken),
        ..case("a take-over")
    };
    let (_, plan) = decide_case(&taken_over);
    let SecretStep::Replace(new) = plan.secret else {
        panic!("not taken over")
    };
    assert_eq!(new.data.unwrap()["a"].0, b"old");
}

#[test]
fn what_a_template_must_not_set_is_told_beside_the_success() {
    let mut sealed = sealed(1, Value::Null);
    let template = json!({"metadata": {"finalizers": ["a/b"], "managedFields": [], "labels": {"l": "x"}}});
    sealed.spec.template = Some(serde_json::from_value(template).unwrap());
    let status = super::super::status::after(&sealed, None, NOW.parse().unwrap()).unwrap();
    let messages: Vec<_> = status
        .conditions
        .iter()
        .map(|condition| condition.message.as_deref())
        .collect();
    let said = "left out of the Secret, as a template must not set them: finalizers, managedFields";
    assert_eq!(messages, [None, Some(said)]);
}

#[test]
fn a_status_is_stripped_to_what_the_reference_writes() {
    use super::super::status::bare;
    let full = json!({"observedGeneration": 3, "openedBy": ["SHA256:k"], "written": {"uid": "s1"}, "conditions": [
        {"type": "Synced", "status": "False", "reason": "UnsealFailed", "message": "m", "lastTransitionTime": EARLIER, "lastUpdateTime": EARLIER},
        {"type": "Ready", "status": "False"}, {"type": "Stalled", "status": "True"}, {"type": "TheirOwn", "status": "True"},
    ]});
    let left = json!({"observedGeneration": 3, "conditions": [
        {"type": "Synced", "status": "False", "message": "m", "lastTransitionTime": EARLIER, "lastUpdateTime": EARLIER},
        {"type": "TheirOwn", "status": "True"},
    ]});
    let bared = bare(&sealed(3, full)).unwrap();
    assert_eq!(serde_json::to_value(&bared).unwrap(), left);
    assert_eq!(bare(&sealed(3, left)), None, "nothing is left to take off");
    assert_eq!(bare(&sealed(3, Value::Null)), None);
}

#[test]
fn what_does_not_open_waits_for_a_change() {
    let stalled = "-Synced(UnsealFailed) -Ready(UnsealFailed) +Stalled(UnsealFailed)";
    check(
        Case {
            opened: Err(no_key()),
            ..case("not our key")
        },
        &format!("leave; {stalled}; ErrUnsealFailed; -"),
    );
    let said = failed(1, "UnsealFailed", NO_KEY, true);
    check(
        Case {
            opened: Err(no_key()),
            status: said.clone(),
            ..case("said already, by an earlier process")
        },
        "leave; -; -; -",
    );
    check(
        Case {
            opened: Err(no_key()),
            status: said.clone(),
            generation: 2,
            ..case("a new generation is another story")
        },
        &format!("leave; {stalled}; ErrUnsealFailed; -"),
    );
    check(
        Case {
            status: said,
            ..case("it opens now")
        },
        &format!("create a=new,l:asked,owner:u1; {GOOD}; Unsealed; -"),
    );
    check(
        Case {
            opened: Err(Failure::DeprecatedData),
            ..case("the deprecated format is off")
        },
        "leave; -Synced(DeprecatedData) -Ready(DeprecatedData) +Stalled(DeprecatedData); ErrUnsealFailed; -",
    );
}

#[test]
fn api_failures_are_tried_fast_and_silently_then_slowly_and_aloud() {
    let down = || Err(ApiFailure::Unreachable("connection refused".to_owned()));
    let after = |attempts| Memory {
        attempts,
        ..Memory::default()
    };
    let loud = "leave; -Synced(UpdateFailed) -Ready(UpdateFailed); ErrUpdateFailed";
    let expected = [
        "leave; -; -; 50ms".to_owned(),
        "leave; -; -; 100ms".to_owned(),
        "leave; -; -; 200ms".to_owned(),
        "leave; -; -; 400ms".to_owned(),
        "leave; -; -; 800ms".to_owned(),
        format!("{loud}; 2s"),
        format!("{loud}; 4s"),
    ];
    for (attempts, expected) in (0..).zip(&expected) {
        check(
            Case {
                live: down(),
                memory: after(attempts),
                ..case("outage")
            },
            expected,
        );
    }
    check(
        Case {
            live: down(),
            memory: after(40),
            ..case("a long outage")
        },
        &format!("{loud}; 300s"),
    );
    let none = ReconcileSettings {
        fast_retries: 0,
        ..SETTINGS
    };
    check(
        Case {
            live: down(),
            settings: none,
            ..case("no fast retries")
        },
        &format!("{loud}; 2s"),
    );
    let (_, plan) = decide_case(&Case {
        live: down(),
        ..case("counted each time")
    });
    assert_eq!((plan.metric, plan.memory.attempts), (Some("update"), 1));
}

#[test]
fn nothing_is_said_twice() {
    let foreign = || Ok(Some(live(annotated(&[]))));
    let (_, first) = decide_case(&Case {
        live: foreign(),
        ..case("blocked")
    });
    assert_eq!(first.memory.attempts, 1);
    let status = serde_json::to_value(first.status.unwrap()).unwrap();
    check(
        Case {
            live: foreign(),
            memory: first.memory.clone(),
            status,
            ..case("still blocked")
        },
        "leave; -; -; 4s",
    );
    check(
        Case {
            live: foreign(),
            memory: first.memory,
            ..case("the status was not written: it is tried again, silently")
        },
        "leave; -Synced(NotManaged) -Ready(NotManaged); -; 4s",
    );
}

#[test]
fn other_words_for_the_same_failure_wait_for_five_minutes() {
    let refused = |used: u32| Err(ApiFailure::Answer(format!("exceeded quota: used {used}")));
    let settings = ReconcileSettings {
        fast_retries: 0,
        ..SETTINGS
    };
    let said = "leave; -Synced(UpdateFailed) -Ready(UpdateFailed); ErrUpdateFailed";
    let (_, first) = decide_case(&Case {
        live: refused(1),
        settings,
        ..case("said")
    });
    let status = serde_json::to_value(first.status.unwrap()).unwrap();
    let again = |name| Case {
        live: refused(2),
        settings,
        memory: first.memory.clone(),
        status: status.clone(),
        ..case(name)
    };
    check(again("in other words"), "leave; -; -; 4s");
    let restarted = Case {
        memory: Memory::default(),
        ..again("after a restart")
    };
    check(restarted, "leave; -; -; 2s");
    let edited = Case {
        generation: 2,
        ..again("edited meanwhile")
    };
    check(edited, &format!("{said}; 4s"));
    let other = Case {
        live: Ok(Some(live(annotated(&[])))),
        ..again("another failure")
    };
    check(
        other,
        "leave; -Synced(NotManaged) -Ready(NotManaged); ErrUpdateFailed; 4s",
    );
    let (_, second) = decide_case(&again("the clock goes on from what was said"));
    assert_eq!(second.memory.reported, first.memory.reported);
    let later = Case {
        memory: Memory::default(),
        status: failed(1, "UpdateFailed", "exceeded quota: used 1", false),
        ..again("a month later")
    };
    check(later, &format!("{said}; 2s"));
}

#[test]
fn times_move_as_they_should() {
    let (_, plan) = decide_case(&case("created"));
    for condition in plan.status.unwrap().conditions {
        assert_eq!(
            condition.last_transition_time, condition.last_update_time,
            "{}",
            condition.type_
        );
        assert_eq!(condition.last_update_time.unwrap().0.to_string(), NOW);
    }
    let (_, plan) = decide_case(&Case {
        generation: 2,
        status: synced(1),
        ..case("edited")
    });
    let status = plan.status.unwrap();
    assert_eq!(status.observed_generation, Some(2));
    for condition in status.conditions {
        assert_eq!(condition.last_transition_time.unwrap().0.to_string(), EARLIER);
        assert_eq!(condition.last_update_time.unwrap().0.to_string(), NOW);
    }
}

#[test]
fn synced_is_first_and_others_conditions_stay() {
    let status = json!({"observedGeneration": 1, "conditions": [
        {"type": "TheirOwn", "status": "Unknown"},
        {"type": "Stalled", "status": "True"},
        {"type": "Synced", "status": "False", "message": "old"},
    ]});
    let (_, plan) = decide_case(&Case {
        status,
        ..case("order")
    });
    let types: Vec<_> = plan
        .status
        .unwrap()
        .conditions
        .into_iter()
        .map(|condition| condition.type_)
        .collect();
    assert_eq!(types, ["Synced", "Ready", "TheirOwn"]);
}

#[test]
fn a_status_that_was_not_written_is_tried_again_unless_the_object_went() {
    let success = Memory::default();
    let conflict = ApiFailure::Conflict("newer".to_owned());
    let (memory, next) = status_not_written(success.clone(), &success, None, &conflict);
    assert_eq!((memory.attempts, memory.unfinished, next), (1, true, Some(FAST_FIRST)));
    let (memory, next) = status_not_written(success.clone(), &memory, Some(Duration::from_secs(9)), &conflict);
    assert_eq!((memory.attempts, next), (2, Some(2 * FAST_FIRST)));
    let (_, again) = decide_case(&Case {
        memory,
        ..case("the pass that tries again")
    });
    assert!(!again.memory.unfinished, "unless its status is not written either");
    let gone = ApiFailure::NotFound("gone".to_owned());
    assert_eq!(
        status_not_written(success.clone(), &success, None, &gone),
        (success, None)
    );
}
