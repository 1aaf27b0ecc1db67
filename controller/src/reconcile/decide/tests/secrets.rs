//! What becomes of the Secret.

use super::*;

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
    let orphan = |name, digest: Option<&str>| Case {
        opened: asked(|secret| secret.metadata.owner_references = None),
        memory: ReconcileState {
            orphan_digest: digest.map(str::to_owned),
            ..ReconcileState::default()
        },
        ..case(name)
    };
    let failed = "-Synced(NotManaged) -Ready(NotManaged) +Reconciling(NotManaged); ErrUpdateFailed; 2s";
    let made = format!("create a=new,l:asked; {failed}");
    let first = orphan("nobody's from the beginning (reference behaviour)", None);
    let (_, plan) = decide_case(&first);
    assert_eq!(plan.memory.orphan_digest.as_deref(), Some("the object.the settings"));
    check(first, &made);
    let deleted = orphan("nobody's, and deleted", Some("the object.the settings"));
    check(deleted, &format!("leave; {failed}"));
    check(orphan("nobody's, and the object changed", Some("another")), &made);
}

#[test]
fn owners_of_others_stay() {
    let other = |controller: bool| json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "p1", "controller": controller});
    let owned = |others: &[Value]| {
        let mut owners: Vec<Value> = others.to_vec();
        owners.extend(owner(UID).as_array().cloned().unwrap_or_default());
        json!({"ownerReferences": owners})
    };
    let case = |name, status, metadata: Value| Case {
        live: Ok(Some(live(json!({"metadata": metadata})))),
        status,
        ..case(name)
    };
    check(
        case("added by an operator", synced(1), owned(&[other(false)])),
        "leave; -; -; -",
    );
    let mut edited = case("and the SealedSecret was edited", synced(0), owned(&[other(false)]));
    edited.opened = asked(|secret| secret.items.clear());
    check(
        edited,
        &format!("replace l:asked,owner:p1,owner:u1; {GOOD}; Unsealed; -"),
    );
    let mut taken = owned(&[other(true)]);
    merge(
        &mut taken,
        json!({"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}),
    );
    taken["ownerReferences"].as_array_mut().unwrap().truncate(1);
    check(
        case("taken over from another controller", json!(null), taken),
        &format!("replace a=new,l:asked,owner:u1; {GOOD}; Unsealed; -"),
    );
}

#[test]
fn what_admission_made_of_it_is_left_alone() {
    let overridden = |version: Option<&str>| Case {
        live: Ok(Some(live(json!({"metadata": {"labels": {"l": "policy"}}})))),
        status: synced(1),
        memory: ReconcileState {
            admitted: version.map(str::to_owned),
            input_digest: Some("the object.the settings".to_owned()),
            ..ReconcileState::default()
        },
        ..case("a policy overrides a label")
    };
    check(overridden(Some("7")), "leave; -; -; -");
    let put_right = "replace a=new,l:asked,owner:u1; -; Unsealed; -";
    check(overridden(Some("6")), put_right);
    check(overridden(None), put_right);
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
}

#[test]
fn additions_stay_unless_the_object_was_edited() {
    let added = json!({"metadata": {"labels": {"x": "added"}, "annotations": {"y": "added"}}});
    let silent = ReconcileSettings {
        update_status: false,
        ..SETTINGS
    };
    check(
        Case {
            live: Ok(Some(live(added.clone()))),
            settings: silent.clone(),
            ..case("only additions, after a restart without statuses")
        },
        "leave; -; -; -",
    );
    let edited = ReconcileState {
        reported: Some(Reported {
            generation: Some(1),
            failure: None,
            at: None,
        }),
        ..ReconcileState::default()
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
    let after_failure = |name, object: &str| Case {
        live: Ok(Some(live(added.clone()))),
        status: failed(1, "UpdateFailed", "a quota", false),
        memory: ReconcileState {
            input_digest: Some(format!("{object}.the settings")),
            ..ReconcileState::default()
        },
        ..case(name)
    };
    check(
        after_failure("additions outlive a failure", "the object"),
        &format!("leave; {GOOD}; Unsealed; -"),
    );
    check(
        after_failure("an edit that failed at first writes it whole", "another object"),
        &format!("replace a=new,l:asked,owner:u1; {GOOD}; Unsealed; -"),
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
    let refused = "leave; -Synced(NotManaged) -Ready(NotManaged) +Reconciling(NotManaged); ErrUpdateFailed; 2s";
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
fn where_nothing_is_repaired_the_secret_is_left_until_the_input_changes() {
    let drifted = || Ok(Some(live(json!({"data": {"a": "b2xk"}}))));
    let skip = || json!({"sealed-secrets-rs/skip-recreate": "true"});
    let of = |digest: &str| ReconcileState {
        input_digest: Some(digest.to_owned()),
        ..ReconcileState::default()
    };
    for (live, settings) in [
        (drifted(), "the settings"),
        (Ok(None), "the settings"),
        (drifted(), "others"),
    ] {
        let left = Case {
            live,
            status: synced(1),
            annotations: skip(),
            memory: of(&format!("the object.{settings}")),
            ..case("the input that it was made of")
        };
        check(left, "leave; -; -; -");
    }
    let changed = Case {
        live: drifted(),
        status: synced(1),
        annotations: skip(),
        memory: of("another object.the settings"),
        ..case("another input")
    };
    check(changed, "replace a=new,l:asked,owner:u1; -; Unsealed; -");
}
