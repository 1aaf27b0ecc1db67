//! Resealing: the same plaintexts under the same label for another key, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crds::{SealedSecret, names};
use manifest::edit::{Change, Edit, edit};
use sealing::SystemRandom;
use sealing::binding::{BindingError, Scope};
use sealing::key_hint::KeyHint;
use sealing::keyring::{KeyRing, OpenError};
use sealing::random::{Random, RandomUnavailable};
use sealing::raw::seal_raw;
use sealing::reseal::response::{self, ResponseError};
use sealing::reseal::{ResealError, Resealed, Which, reseal};
use sealing::sealer::Sealer;
use sealing::unseal::{self, ItemError};
use serde_json::{Value, json};

use crate::common::{self, VectorKey, key};

const VALUES: [(&str, &[u8]); 3] = [("a", b"hunter2\n"), ("b", b""), ("c", &[0, 255, 10])];

/// An object of this scope, its items sealed with these keys by turns.
fn object(scope: Scope, sealers: &[&str]) -> Value {
    let binding = sealing::binding::Binding::new(scope, "shop", "db").unwrap();
    let mut random = SystemRandom::default();
    let items: BTreeMap<_, _> = VALUES
        .iter()
        .zip(sealers.iter().cycle())
        .map(|((item, value), sealer)| {
            let cert = key(sealer).cert();
            let sealed = seal_raw(value, &binding, "", &Sealer::of_key(cert.public()), &mut random).unwrap();
            (*item, sealed)
        })
        .collect();
    let mut annotations = BTreeMap::from([("note", "kept")]);
    annotations.extend(scope.annotation().map(|name| (name, "true")));
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "unknown": 1,
        "metadata": {"name": "db", "namespace": "shop", "annotations": annotations},
        "spec": {
            "encryptedData": items,
            "template": {
                "data": {"d": "{{ fail \"never rendered\" }}"},
                "metadata": {"labels": {"l": "x"}, "annotations": {names::ANNOTATION_CLUSTER_WIDE: "true"}},
            },
        },
    })
}

fn typed(object: &Value) -> SealedSecret {
    serde_json::from_value(object.clone()).unwrap()
}

fn ring(of: &[&str]) -> KeyRing {
    let mut ring = KeyRing::default();
    for name in of {
        let key: &VectorKey = key(name);
        ring.insert(key.private().into(), key.cert().not_before());
    }
    ring
}

fn resealed(object: &Value, held: &[&str], to: &str, which: Which) -> Result<Resealed, ResealError> {
    let cert = key(to).cert();
    let mut random = SystemRandom::default();
    reseal(
        &typed(object),
        &ring(held),
        &[],
        &Sealer::of_key(cert.public()),
        which,
        &mut random,
    )
}

/// The plaintexts that `held` opens, by the object's own word about its scope.
fn opened(object: &Value, held: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let mut sealed = typed(object);
    sealed.spec.template = None;
    let secret = common::unseal(&sealed, &ring(held)).unwrap().secret;
    secret
        .items
        .into_iter()
        .map(|(item, value)| (item, value.expose().to_vec()))
        .collect()
}

#[test]
fn every_scope_stays_and_only_ciphertexts_change() {
    for scope in Scope::ALL {
        let before = object(scope, &["other"]);
        let resealed = resealed(&before, &["other"], "rsa2048", Which::All).unwrap();
        let mut after = before.clone();
        resealed.put_into(&mut after);
        assert_eq!(opened(&after, &["rsa2048"]), opened(&before, &["other"]), "{scope}");
        for (item, _) in VALUES {
            let path = format!("/spec/encryptedData/{item}");
            assert_ne!(after.pointer(&path), before.pointer(&path), "{scope} {item}");
        }
        after["spec"]["encryptedData"] = before["spec"]["encryptedData"].clone();
        assert_eq!(after, before, "{scope}");
    }
}

#[test]
fn what_the_new_key_opens_already_stays_whatever_the_hint_says() {
    let mut before = object(Scope::Strict, &["rsa2048", "other"]);
    let held = ["other", "rsa2048"];
    let lie = |of: &str| json!(key(of).fingerprint);
    for hint in ["other", "rsa2048", "rsa8192"] {
        before["metadata"]["annotations"][names::ANNOTATION_SEALED_WITH] = lie(hint);
        let resealed = resealed(&before, &held, "rsa2048", Which::OfOtherKeys).unwrap();
        assert_eq!(resealed.items.keys().collect::<Vec<_>>(), ["b"], "{hint}");
        assert_eq!(resealed.kept, 2);
        assert_eq!(resealed.opened_by.len(), 2);
        let mut after = before.clone();
        resealed.put_into(&mut after);
        assert_eq!(
            after["metadata"]["annotations"][names::ANNOTATION_SEALED_WITH],
            lie("rsa2048")
        );
        assert_eq!(opened(&after, &["rsa2048"]), opened(&before, &held));
    }
}

#[test]
fn keys_of_the_hint_are_tried_before_the_preferred_ones() {
    let mut before = object(Scope::Strict, &["other"]);
    before["metadata"]["annotations"][names::ANNOTATION_SEALED_WITH] = json!(key("other").fingerprint);
    let mut deprecated = before.clone();
    deprecated["spec"] = json!({"data": before["spec"]["encryptedData"]["a"], "encryptedData": null});
    for (object, least) in [(before, VALUES.len()), (deprecated, 1)] {
        let operations = Arc::new(AtomicU64::new(0));
        let mut ring = KeyRing::counting(operations.clone());
        for name in ["rsa2048", "other"] {
            ring.insert(key(name).private().into(), key(name).cert().not_before());
        }
        let preferred = [key("rsa2048").cert().public().fingerprint().clone()];
        let cert = key("rsa2048").cert();
        let to = Sealer::of_key(cert.public());
        let mut random = SystemRandom::default();
        reseal(&typed(&object), &ring, &preferred, &to, Which::All, &mut random).unwrap();
        assert_eq!(operations.load(Ordering::Relaxed), least as u64);
    }
}

#[test]
fn an_object_that_is_on_the_new_key_already_does_not_change() {
    let before = object(Scope::NamespaceWide, &["rsa2048"]);
    let resealed = resealed(&before, &["other", "rsa2048"], "rsa2048", Which::OfOtherKeys).unwrap();
    assert!(resealed.is_empty());
    let mut after = before.clone();
    resealed.put_into(&mut after);
    assert_eq!(after, before);
}

#[test]
fn one_item_that_does_not_open_stops_all_and_is_named() {
    let before = object(Scope::Strict, &["rsa2048", "other"]);
    let Err(ResealError::Items(errors)) = resealed(&before, &["rsa2048"], "rsa4096", Which::All) else {
        panic!("it was resealed")
    };
    assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["b"]);
    assert!(matches!(errors.0["b"], ItemError::Open(OpenError::NoKey { .. })));
}

#[test]
fn an_object_that_was_renamed_does_not_open_and_gets_no_new_life() {
    let mut before = object(Scope::Strict, &["other"]);
    before["metadata"]["name"] = json!("renamed");
    let Err(ResealError::Items(errors)) = resealed(&before, &["other"], "rsa2048", Which::All) else {
        panic!("it was resealed")
    };
    assert_eq!(errors.0.len(), VALUES.len());
    before["metadata"]["name"] = json!("");
    assert_eq!(
        resealed(&before, &["other"], "rsa2048", Which::All),
        Err(ResealError::Binding(BindingError::NameMissing))
    );
}

#[test]
fn the_deprecated_format_stays_that_format() {
    let secret = br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"a":"aHVudGVyMgo="}}"#;
    let binding = sealing::binding::Binding::new(Scope::Strict, "shop", "db").unwrap();
    let cert = key("other").cert();
    let text = seal_raw(
        secret,
        &binding,
        "",
        &Sealer::of_key(cert.public()),
        &mut SystemRandom::default(),
    )
    .unwrap();
    let mut before = object(Scope::Strict, &["other"]);
    before["spec"]["data"] = json!(text);
    assert_eq!(
        resealed(&before, &["other"], "rsa2048", Which::All),
        Err(ResealError::BothFormats)
    );
    before["spec"]["encryptedData"] = json!({});
    let mut after = before.clone();
    resealed(&before, &["other"], "rsa2048", Which::All)
        .unwrap()
        .put_into(&mut after);
    assert_ne!(after["spec"]["data"], before["spec"]["data"]);
    assert_eq!(opened(&after, &["rsa2048"])["a"], b"hunter2\n");
}

#[test]
fn without_randomness_there_is_no_ciphertext() {
    struct Dry;
    impl Random for Dry {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
            Err(RandomUnavailable)
        }
    }
    let before = typed(&object(Scope::Strict, &["other"]));
    let cert = key("rsa2048").cert();
    let outcome = reseal(
        &before,
        &ring(&["other"]),
        &[],
        &Sealer::of_key(cert.public()),
        Which::All,
        &mut Dry,
    );
    assert!(matches!(outcome, Err(ResealError::Item(_))));
}

#[test]
fn in_a_text_only_the_ciphertexts_and_the_hint_change() {
    let json = object(Scope::ClusterWide, &["rsa3072"]);
    let text = format!("# head\n---\na: 1\n{} # end", manifest::to_yaml(&json).unwrap());
    let documents = manifest::read(text.as_bytes()).unwrap();
    let sealed = unseal::sealed_secret(&documents[1]).unwrap();
    let cert = key("rsa2048").cert();
    let mut random = SystemRandom::default();
    let resealed = reseal(
        &sealed,
        &ring(&["rsa3072"]),
        &[],
        &Sealer::of_key(cert.public()),
        Which::All,
        &mut random,
    )
    .unwrap();
    for hinted in [false, true] {
        let changes = resealed.changes(&sealed, hinted);
        let document = &documents[1];
        let after = edit(text.as_bytes(), &[Edit { document, changes }]).unwrap();
        let mut value = manifest::read(&after).unwrap()[1].value.clone();
        assert_eq!(opened(&value, &["rsa2048"]), opened(&json, &["rsa3072"]));
        let hint = KeyHint::from_metadata(&typed(&value).metadata);
        assert_eq!(hint, Some(resealed.hint()).filter(|_| hinted));
        value["spec"]["encryptedData"] = json["spec"]["encryptedData"].clone();
        value["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .remove(names::ANNOTATION_SEALED_WITH);
        assert_eq!(value, json);
        let after = String::from_utf8(after).unwrap();
        assert!(after.starts_with("# head\n---\na: 1\n---\n") && after.ends_with(" # end"));
    }
}

#[test]
fn of_a_reply_only_the_ciphertexts_are_taken() {
    let before = object(Scope::NamespaceWide, &["other"]);
    let mut reply = before.clone();
    resealed(&before, &["other"], "rsa2048", Which::All)
        .unwrap()
        .put_into(&mut reply);
    // As the reference answers: template data lost, annotations of the object moved.
    reply["spec"]["template"] = json!({"metadata": {"annotations": {"note": "kept"}}});
    reply["metadata"]["annotations"] = json!({names::ANNOTATION_NAMESPACE_WIDE: "true"});
    let text = manifest::to_yaml(&before).unwrap();
    let documents = manifest::read(text.as_bytes()).unwrap();
    let changes = response::changes(&typed(&before), &typed(&reply)).unwrap();
    let document = &documents[0];
    let after = edit(text.as_bytes(), &[Edit { document, changes }]).unwrap();
    let after = &manifest::read(&after).unwrap()[0].value;
    assert_eq!(opened(after, &["rsa2048"]), opened(&before, &["other"]));
    let mut expected = before.clone();
    expected["spec"]["encryptedData"] = reply["spec"]["encryptedData"].clone();
    assert_eq!(*after, expected);
}

#[test]
fn a_reply_that_is_not_the_same_object_is_refused() {
    let before = object(Scope::NamespaceWide, &["other"]);
    let wrong = |at: &str, to: Value| {
        let mut reply = before.clone();
        *reply.pointer_mut(at).unwrap() = to;
        response::changes(&typed(&before), &typed(&reply)).unwrap_err()
    };
    assert_eq!(wrong("/metadata/name", json!("x")), ResponseError::OtherObject);
    assert_eq!(wrong("/metadata/namespace", json!("x")), ResponseError::OtherObject);
    assert_eq!(wrong("/metadata/annotations", json!({})), ResponseError::OtherObject);
    assert_eq!(wrong("/spec/encryptedData", json!({})), ResponseError::OtherItems);
    assert_eq!(
        wrong("/spec", json!({"encryptedData": {}, "data": "x"})),
        ResponseError::OtherItems
    );
    for text in ["", "clear", "AgA=", "!"] {
        let error = wrong("/spec/encryptedData/a", json!(text));
        assert_eq!(error, ResponseError::NoCiphertext("a".to_owned()));
    }
}

#[test]
fn a_hint_that_the_reply_does_not_renew_goes() {
    let mut before = object(Scope::Strict, &["other"]);
    before["metadata"]["annotations"][names::ANNOTATION_SEALED_WITH] = json!(key("other").fingerprint);
    let changes = |reply: &Value| response::changes(&typed(&before), &typed(reply)).unwrap();
    let mut reply = before.clone();
    reply["metadata"]["annotations"] = json!({});
    assert_eq!(changes(&reply), [], "no ciphertext is new");
    reply["spec"] = object(Scope::Strict, &["rsa2048"])["spec"].clone();
    assert!(matches!(changes(&reply).last(), Some(Change::Remove { .. })));
    let hint = KeyHint::of_key(key("rsa2048").cert().public().fingerprint());
    reply["metadata"]["annotations"] = json!({names::ANNOTATION_SEALED_WITH: hint.to_string()});
    assert_eq!(changes(&reply).last(), Some(&hint.change()));
}
