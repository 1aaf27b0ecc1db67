//! What the status of an object in the cluster leads to.

use super::*;

/// The object as the cluster has it, with this reason and message of its condition `Synced`.
fn not_synced(object: &crds::SealedSecret, reason: Option<&str>, message: &str) -> Option<NotSynced> {
    let mut live = object.clone();
    live.metadata.generation = Some(2);
    live.status = serde_json::from_value(serde_json::json!({
        "observedGeneration": 2,
        "conditions": [
            {"type": "Synced", "status": "False", "reason": reason, "message": message},
            {"type": "Stalled", "status": "True", "reason": reason, "message": message},
        ],
    }))
    .unwrap();
    NotSynced::of(&live, &Case::new(object.clone(), 1).unwrap())
}

#[test]
fn status_that_no_key_opens_it() {
    let object = object(&strict("shop", "web"));
    let message = "no key could decrypt secret (password)";
    for reason in [Some("UnsealFailed"), None] {
        let evidence = Evidence {
            status: not_synced(&object, reason, message),
            ..Evidence::default()
        };
        let case = Case::new(object.clone(), 1).unwrap();
        let examined = examine(&case, &evidence, "f", &mut Nobody, &mut no_places);
        assert_eq!(examined.opens, Some(false));
        let all = [examined];
        let text = output::text("f", &all, crate::colour::Colour::default());
        assert!(
            output::fails(&all) && text.contains("shop/db: it does not open\n"),
            "{text}"
        );
        assert!(text.contains(message) && !text.contains("nothing is wrong"), "{text}");
    }
}

#[test]
fn status_of_another_version_is_no_fault() {
    let object = object(&strict("shop", "db"));
    let case = Case::new(object.clone(), 1).unwrap();
    let status = not_synced(&object, Some("NotManaged"), "not managed").unwrap();
    let mut changed = object.clone();
    let text = changed.spec.encrypted_data["password"].clone();
    changed.spec.encrypted_data.insert("more".to_owned(), text);
    changed.status = serde_json::from_value(serde_json::json!({
        "conditions": [{"type": "Synced", "status": "False", "message": "not managed"}],
    }))
    .unwrap();
    let other = NotSynced::of(&changed, &case).unwrap();
    assert!(status.current && !other.current);
    let evidence = Evidence {
        status: Some(other),
        ..Evidence::default()
    };
    let all = [examine(
        &case,
        &evidence,
        "f",
        &mut Always(Answer::Opens),
        &mut no_places,
    )];
    assert!(
        !output::fails(&all) && all[0].diagnoses[0].next.contains("kubectl apply -f f"),
        "{all:?}"
    );
}

#[test]
fn each_reason_of_the_controller_fails_with_a_next_command() {
    let object = object(&strict("shop", "db"));
    let delete = "kubectl delete secret db -n shop";
    let cases = [
        (
            Some("NotManaged"),
            "kubectl annotate secret db -n shop sealedsecrets.bitnami.com/managed=true",
        ),
        (Some("SecretImmutable"), delete),
        (Some("SecretTypeDiffers"), delete),
        (Some("SecretTerminating"), "finalizers"),
        (Some("SecretContested"), "--show-managed-fields"),
        (Some("NamespaceTerminating"), "kubectl get namespace shop"),
        (Some("OwnerReferenceDenied"), "deploy/components/openshift"),
        (Some("SecretTypeRefused"), "--allow-credential-types"),
        (Some("SealingKeyRefused"), "--allow-credential-types"),
        (Some("SecretInvalid"), "kubeseal lint f"),
        (Some("SecretTooLarge"), "kubeseal edit f"),
        (Some("TemplateOverLimit"), "kubeseal render f"),
        (Some("UnsealFailed"), "kubeseal render f"),
        (Some("DeprecatedData"), "kubeseal lint f"),
        (Some("Unreadable"), "kubeseal lint f"),
        (Some("InternalError"), "kubectl logs"),
        (Some("UpdateFailed"), "kubectl get events -n shop"),
        (None, "kubectl get events -n shop"),
    ];
    let named = |reason: &str| cases.iter().any(|(named, _)| *named == Some(reason));
    assert!(
        crds::reasons::OF_FAILURES.into_iter().all(named),
        "a reason has no case"
    );
    for (reason, next) in cases {
        let evidence = Evidence {
            status: not_synced(&object, reason, "the controller's words"),
            ..Evidence::default()
        };
        let case = Case::new(object.clone(), 1).unwrap();
        for answer in [Answer::Opens, Answer::Unasked] {
            let all = [examine(&case, &evidence, "f", &mut Always(answer), &mut no_places)];
            let [diagnosis] = &all[0].diagnoses[..] else {
                panic!("{all:?}");
            };
            assert!(output::fails(&all) && diagnosis.cause == Cause::NotSynced, "{all:?}");
            assert!(diagnosis.next.contains(next), "{reason:?}: {}", diagnosis.next);
        }
    }
}

#[test]
fn words_of_the_reference_stand_for_the_reason() {
    let object = object(&strict("shop", "db"));
    let message = "failed update: Resource \"db\" already exists and is not managed by SealedSecret";
    let evidence = Evidence {
        status: not_synced(&object, None, message),
        ..Evidence::default()
    };
    let case = Case::new(object, 1).unwrap();
    let all = [examine(
        &case,
        &evidence,
        "f",
        &mut Always(Answer::Opens),
        &mut no_places,
    )];
    let text = output::text("f", &all, crate::colour::Colour::default());
    assert!(
        text.contains("shop/db: it opens, and the cluster makes no Secret of it\n"),
        "{text}"
    );
    assert!(text.contains("sealedsecrets.bitnami.com/managed=true"), "{text}");
}
