//! What is not done, and when it is tried again.

use super::*;

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
        "leave; -Synced(SecretImmutable) -Ready(SecretImmutable) +Reconciling(SecretImmutable); ErrUpdateFailed; 2s",
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
        "leave; -Synced(SecretTypeDiffers) -Ready(SecretTypeDiffers) +Reconciling(SecretTypeDiffers); ErrUpdateFailed; 2s",
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
        settings: settings.clone(),
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
    let refused =
        "leave; -Synced(SecretImmutable) -Ready(SecretImmutable) +Reconciling(SecretImmutable); ErrUpdateFailed; 2s";
    for annotation in ["managed", "patch"] {
        let mut not_ours = annotated(&[annotation]);
        merge(&mut not_ours, immutable.clone());
        check(asked("not its own: others' items would be lost", not_ours), refused);
    }
    let mut ending = typed;
    merge(&mut ending, json!({"metadata": {"deletionTimestamp": EARLIER}}));
    check(
        asked("a finalizer holds the old one", ending),
        "leave; -Synced(SecretTerminating) -Ready(SecretTerminating) +Reconciling(SecretTerminating); ErrUpdateFailed; 2s",
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
fn more_than_a_secret_may_hold_is_refused() {
    const MIB: usize = 1 << 20;
    let holding = |name, size: usize| {
        let value = |size| SecretBytes::new(vec![b'x'; size]);
        let items = [
            ("a".to_owned(), value(MIB - 1)),
            ("b".to_owned(), value(size + 1 - MIB)),
        ];
        Case {
            opened: asked(|secret| secret.items = BTreeMap::from(items)),
            ..case(name)
        }
    };
    check(
        holding("a byte too many", MIB + 1),
        "leave; -Synced(SecretTooLarge) -Ready(SecretTooLarge) +Stalled(SecretTooLarge); ErrUpdateFailed; -",
    );
    let (_, plan) = decide_case(&holding("as much as there may be", MIB));
    assert!(matches!(plan.secret, SecretStep::Create(_)));
}

#[test]
fn a_sealing_key_is_not_made_in_the_controllers_own_namespace() {
    let labelled = || {
        asked(|secret| {
            let label = (
                "sealedsecrets.bitnami.com/sealed-secrets-key".to_owned(),
                "active".to_owned(),
            );
            secret.metadata.labels = Some(BTreeMap::from([label]));
        })
    };
    let own = |name, opened, unlabelled_key| Case {
        opened,
        unlabelled_key,
        ..case(name)
    };
    let refused =
        "leave; -Synced(SealingKeyRefused) -Ready(SealingKeyRefused) +Stalled(SealingKeyRefused); ErrUpdateFailed; -";
    check(own("by its label", labelled(), Some("key")), refused);
    check(own("by its name", asked(|_| {}), Some("one")), refused);
    let made = |labels: &str| format!("create a=new,{labels},owner:u1; {GOOD}; Unsealed; -");
    let label = "sealedsecrets.bitnami.com/sealed-secrets-key:active";
    check(own("elsewhere", labelled(), None), &made(label));
    check(own("another one", asked(|_| {}), Some("key")), &made("l:asked"));
    let mut allowed = own("allowed", labelled(), Some("key"));
    allowed.settings.allow_credential_types = true;
    check(allowed, &made(label));
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
    let after = |attempts| ReconcileState {
        attempts,
        ..ReconcileState::default()
    };
    // Perhaps a stale answer after the namespace was made anew.
    let ends = || Err(ApiFailure::NamespaceEnds("it ends".to_owned()));
    let loud =
        |reason: &str| format!("leave; -Synced({reason}) -Ready({reason}) +Reconciling({reason}); ErrUpdateFailed");
    for (live, loud) in [(down(), loud("UpdateFailed")), (ends(), loud("NamespaceTerminating"))] {
        let silent = ["50ms", "100ms", "200ms", "400ms", "800ms"].map(|pause| format!("leave; -; -; {pause}"));
        let said = ["2s", "4s"].map(|pause| format!("{loud}; {pause}"));
        for (attempts, expected) in (0..).zip(silent.iter().chain(&said)) {
            check(
                Case {
                    live: live.clone(),
                    memory: after(attempts),
                    ..case("outage")
                },
                expected,
            );
        }
    }
    let loud = loud("UpdateFailed");
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
fn terminating_secret_is_not_synced() {
    check(
        Case {
            live: Ok(Some(live(json!({"metadata": {"deletionTimestamp": NOW}})))),
            status: synced(1),
            ..case("terminating behind a finalizer")
        },
        "leave; -Synced(SecretTerminating) -Ready(SecretTerminating) +Reconciling(SecretTerminating); ErrUpdateFailed; 2s",
    );
}

#[test]
fn secret_without_its_owner_is_known_by_status_and_manager() {
    let written = |uid: &str| {
        let mut status = synced(1);
        status["written"] = json!({"uid": uid, "resourceVersion": "6", "inputDigest": ""});
        status
    };
    let by = |manager: &str| json!({"metadata": {"ownerReferences": null, "managedFields": [{"manager": manager}]}});
    // Other programs are called so, too.
    let mut of_another = by("controller");
    of_another["data"] = json!({"a": "dGhlaXJz"});
    let refused = "leave; -Synced(NotManaged) -Ready(NotManaged) +Reconciling(NotManaged); ErrUpdateFailed; 2s";
    let repaired = "replace a=new,l:asked,owner:u1; -; Unsealed; -";
    for (name, status, stripped, expected) in [
        ("written by us", written("s1"), by("controller"), repaired),
        ("written by others", written("s1"), by("kubectl"), refused),
        ("another Secret", written("s2"), by("controller"), refused),
        ("nothing remembered", synced(1), by("controller"), refused),
        ("of another controller", written("s1"), of_another, refused),
    ] {
        check(
            Case {
                live: Ok(Some(live(stripped))),
                status,
                ..case(name)
            },
            expected,
        );
    }
    // Whoever may write statuses may name any Secret: one that was there before was made for another SealedSecret.
    let mut object = sealed(1, written("s1"));
    let time = |text: &str| {
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            text.parse().unwrap(),
        ))
    };
    object.metadata.creation_timestamp = time(NOW);
    let mut found = live(by("controller")).metadata;
    for (created, ours) in [(EARLIER, false), (NOW, true)] {
        found.creation_timestamp = time(created);
        assert_eq!(desired::was_written_by(&found, &object), ours, "{created}");
    }
}

#[test]
fn secret_of_a_predecessor_is_waited_for_a_minute() {
    let now: Timestamp = NOW.parse().unwrap();
    let opened = asked(|_| {});
    for (age, waits) in [(0, true), (59, true), (60, false)] {
        let mut sealed = sealed(1, Value::Null);
        let created = now - SignedDuration::from_secs(age);
        sealed.metadata.creation_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created));
        let observed = Observed {
            sealed: &sealed,
            opened: &opened,
            digest: "d",
            live: Ok(Some(live(json!({"metadata": {"ownerReferences": owner("u0")}})))),
            unlabelled_key: None,
            kept_empty_for: None,
        };
        let target = target(&observed, &ReconcileState::default(), &SETTINGS, now);
        assert_eq!(matches!(target, Target::Wait(_)), waits, "after {age} s");
        assert_eq!(
            matches!(target, Target::Fail(Failure::Unmanaged(_))),
            !waits,
            "after {age} s"
        );
    }
}

#[test]
fn deprecated_data_hides_the_words_of_others() {
    const QUOTED: &str = "quoted-from-the-ciphertext";
    let text = || QUOTED.to_owned();
    let seconds = 7;
    let answers = [
        ApiFailure::Conflict(text()),
        ApiFailure::AlreadyExists(text()),
        ApiFailure::NotFound(text()),
        ApiFailure::Denied(text()),
        ApiFailure::OwnerDenied(text()),
        ApiFailure::NamespaceEnds(text()),
        ApiFailure::Invalid(text()),
        ApiFailure::Overloaded { text: text(), seconds },
        ApiFailure::Answer(text()),
    ];
    let token = "kubernetes.io/service-account-token";
    let refused = asked(|secret| secret.type_ = Some(token.to_owned()));
    let other_type = asked(|secret| secret.type_ = Some(QUOTED.to_owned()));
    let mut cases: Vec<_> = answers.into_iter().map(|answer| (asked(|_| {}), Err(answer))).collect();
    cases.push((refused, Ok(None)));
    cases.push((other_type, Ok(Some(live(json!({}))))));
    let mut sealed = sealed(1, Value::Null);
    sealed.spec.data = Some(text());
    let settings = ReconcileSettings {
        fast_retries: 0,
        ..SETTINGS
    };
    let memory = ReconcileState {
        attempts: 99,
        ..ReconcileState::default()
    };
    for (opened, live) in cases {
        let what = format!("{live:?}");
        let observed = Observed {
            sealed: &sealed,
            opened: &opened,
            digest: "d",
            live,
            unlabelled_key: None,
            kept_empty_for: None,
        };
        let plan = decide(&observed, &memory, &settings, NOW.parse().unwrap());
        let status = serde_json::to_string(&plan.status.expect("a status")).unwrap();
        let event = plan.event.expect("an event").message;
        for said in [status, event] {
            assert!(!said.contains(QUOTED) && !said.contains(token), "{what}: {said}");
            assert!(said.len() > 50, "{what}: {said}");
        }
    }
}
