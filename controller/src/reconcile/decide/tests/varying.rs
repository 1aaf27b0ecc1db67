//! What becomes of items that each rendering makes otherwise.

use super::*;

/// An item whose template draws another value each time, and one beside it.
fn varying() -> Result<Unsealed, Failure> {
    let mut opened = asked(|secret| drop(secret.items.insert("b".to_owned(), SecretBytes::new(b"new".to_vec()))));
    opened.as_mut().unwrap().varying.insert("a".to_owned());
    opened
}

/// A Secret that holds what was drawn earlier, and then what `change` says over it.
fn drawn(change: Value) -> Result<Option<Secret>, ApiFailure> {
    let secret = live(json!({"data": {"a": "b2xk", "b": "bmV3"}}));
    let mut value = serde_json::to_value(&secret).unwrap();
    merge(&mut value, change);
    Ok(Some(serde_json::from_value(value).unwrap()))
}

#[test]
fn what_varies_is_made_once_and_adopted_until_the_input_changes() {
    let of = |digest: &str| ReconcileState {
        input_digest: Some(digest.to_owned()),
        ..ReconcileState::default()
    };
    for (name, live, memory, expected) in [
        (
            "nothing changed",
            drawn(json!({})),
            of("the object.the settings"),
            "leave; -; -; -",
        ),
        (
            "a setting changed, or the controller",
            drawn(json!({})),
            of("the object.other settings"),
            "leave; -; -; -",
        ),
        (
            "nothing is known of it",
            drawn(json!({})),
            ReconcileState::default(),
            "leave; -; -; -",
        ),
        (
            "another item drifted",
            drawn(json!({"data": {"b": "eA=="}})),
            of("the object.the settings"),
            "replace a=old,b=new,l:asked,owner:u1; -; Unsealed; -",
        ),
        (
            "the item is missing",
            drawn(json!({"data": {"a": null}})),
            of("the object.the settings"),
            "replace a=new,b=new,l:asked,owner:u1; -; Unsealed; -",
        ),
        (
            "the object changed",
            drawn(json!({})),
            of("another object.the settings"),
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
}

#[test]
fn what_was_drawn_for_a_secret_outlives_a_take_over() {
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
