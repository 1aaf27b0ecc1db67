//! What is said, and when not.

use super::*;

#[test]
fn what_a_template_must_not_set_is_told_beside_the_success() {
    let mut sealed = sealed(1, Value::Null);
    let template = json!({"metadata": {"finalizers": ["a/b"], "managedFields": [], "labels": {"l": "x"}}});
    sealed.spec.template = Some(serde_json::from_value(template).unwrap());
    let status = crate::reconcile::status::after(&sealed, None, NOW.parse().unwrap()).unwrap();
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
    use crate::reconcile::status::bare;
    let full = json!({"observedGeneration": 3, "openedBy": ["SHA256:k"], "written": {"uid": "s1"}, "conditions": [
        {"type": "Synced", "status": "False", "reason": "UnsealFailed", "message": "m", "lastTransitionTime": EARLIER, "lastUpdateTime": EARLIER},
        {"type": "Ready", "status": "False"}, {"type": "Stalled", "status": "True"}, {"type": "Reconciling", "status": "True"}, {"type": "TheirOwn", "status": "True"},
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
        "leave; -Synced(NotManaged) -Ready(NotManaged) +Reconciling(NotManaged); -; 4s",
    );
}

#[test]
fn other_words_for_the_same_failure_wait_for_five_minutes() {
    let refused = |used: u32| Err(ApiFailure::Answer(format!("exceeded quota: used {used}")));
    let settings = ReconcileSettings {
        fast_retries: 0,
        ..SETTINGS
    };
    let said = "leave; -Synced(UpdateFailed) -Ready(UpdateFailed) +Reconciling(UpdateFailed); ErrUpdateFailed";
    let (_, first) = decide_case(&Case {
        live: refused(1),
        settings: settings.clone(),
        ..case("said")
    });
    let status = serde_json::to_value(first.status.unwrap()).unwrap();
    let again = |name| Case {
        live: refused(2),
        settings: settings.clone(),
        memory: first.memory.clone(),
        status: status.clone(),
        ..case(name)
    };
    check(again("in other words"), "leave; -; -; 4s");
    let restarted = Case {
        memory: ReconcileState::default(),
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
        "leave; -Synced(NotManaged) -Ready(NotManaged) +Reconciling(NotManaged); ErrUpdateFailed; 4s",
    );
    let (_, second) = decide_case(&again("the clock goes on from what was said"));
    assert_eq!(second.memory.reported, first.memory.reported);
    let later = Case {
        memory: ReconcileState::default(),
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
    let success = ReconcileState::default();
    let conflict = ApiFailure::Conflict("newer".to_owned());
    let (memory, next) = status_not_written(success.clone(), &success, None, (&conflict, false));
    assert_eq!((memory.attempts, memory.unfinished, next), (1, true, Some(FAST_FIRST)));
    let (memory, next) = status_not_written(
        success.clone(),
        &memory,
        Some(Duration::from_secs(9)),
        (&conflict, false),
    );
    assert_eq!((memory.attempts, next), (2, Some(2 * FAST_FIRST)));
    let (_, again) = decide_case(&Case {
        memory,
        ..case("the pass that tries again")
    });
    assert!(!again.memory.unfinished, "unless its status is not written either");
    let gone = ApiFailure::NotFound("gone".to_owned());
    assert_eq!(
        status_not_written(success.clone(), &success, None, (&gone, false)),
        (success, None)
    );
}

/// Each try takes up to five seconds of a core, for a Secret that is refused for as long as whoever asks for it likes.
#[test]
fn what_is_costly_and_refused_is_tried_less_and_less() {
    let pauses = |template: &str, failure: ApiFailure| -> Vec<u64> {
        let mut sealed = sealed(1, Value::Null);
        sealed.spec.template = Some(serde_json::from_value(json!({"data": {"a": template}})).unwrap());
        let failure = Failure::Api(failure);
        let pause = |attempts| {
            let memory = ReconcileState {
                attempts,
                ..ReconcileState::default()
            };
            let plan =
                super::super::super::report::report(&sealed, Err(&failure), &memory, &SETTINGS, NOW.parse().unwrap());
            plan.next.unwrap().as_secs()
        };
        [0, 1, 2, 10, 20].map(pause).to_vec()
    };
    let costly = "{{ genPrivateKey \"rsa\" }}";
    let quota = || ApiFailure::Denied("exceeded quota".to_owned());
    assert_eq!(pauses(costly, quota()), [2, 4, 8, 2048, 3600]);
    assert_eq!(
        pauses(costly, ApiFailure::NamespaceEnds(String::new())),
        [2, 4, 8, 2048, 3600]
    );
    assert_eq!(pauses("{{ .a }}", quota()), [0, 0, 0, 64, 300]);
    // What passes by itself is not waited for.
    assert_eq!(
        pauses(costly, ApiFailure::Unreachable(String::new())),
        [0, 0, 0, 64, 300]
    );
}

#[test]
fn what_others_chose_is_quoted_and_kept_shortened() {
    let long = "\u{9b}".repeat(600_000);
    let (_, plan) = decide_case(&Case {
        live: Ok(Some(live(json!({"type": long})))),
        opened: asked(|secret| secret.type_ = Some("x".repeat(1_000_000))),
        ..case("long types")
    });
    let kept = plan
        .memory
        .obstacle
        .expect("the Secret is in the way")
        .failure
        .to_string();
    assert!(kept.contains("x…") && kept.len() < 4096, "{} bytes", kept.len());
}
