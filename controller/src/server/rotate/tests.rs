//! What comes back of what is sent to be sealed anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::SealedSecret;
use jiff::Timestamp;
use sealing::binding::Binding;
use sealing::cert::{CertParameters, SealingCert};
use sealing::key::PrivateKey;
use sealing::keyring::KeyRing;
use sealing::{raw, unseal, v2};
use serde_json::json;

use super::*;
use crate::keys::Current;
use crate::settings::AcceptedFormats;

/// Opens whatever there is.
fn all() -> Accepted {
    Accepted {
        deprecated_data: true,
        formats: Arc::new(AcceptedFormats::ALL),
    }
}

fn wish(which: Which) -> Wish {
    Wish {
        which,
        least: Format::V1,
    }
}

/// Keys of two ages; the newer one is current.
struct Held {
    keys: Keys,
    old: Arc<PrivateKey>,
}

fn held() -> Held {
    let (old, new) = (PrivateKey::generate(2048).unwrap(), PrivateKey::generate(2048).unwrap());
    let (old, new) = (Arc::new(old), Arc::new(new));
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: Timestamp::UNIX_EPOCH,
        not_after: "2040-01-01T00:00:00Z".parse().unwrap(),
    };
    let cert = SealingCert::self_signed(&new, &parameters, &mut SystemRandom::default()).unwrap();
    let mut ring = KeyRing::default();
    ring.insert(old.clone(), Timestamp::UNIX_EPOCH);
    ring.insert(new.clone(), Timestamp::MAX);
    let current = Current {
        secret: "new".to_owned(),
        cert: Arc::new(cert),
        age: Timestamp::MAX,
    };
    Held {
        keys: Keys {
            version: 1,
            ring,
            current: Some(current),
        },
        old,
    }
}

fn sealed(held: &Held) -> Value {
    let binding = Binding::NamespaceWide {
        namespace: "ns".to_owned(),
    };
    let item = |text: &[u8]| {
        raw::seal_raw(
            text,
            &binding,
            "",
            &Sealer::of_key(held.old.public()),
            &mut SystemRandom::default(),
        )
        .unwrap()
    };
    json!({
        "kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1",
        "metadata": {
            "name": "one", "namespace": "ns", "labels": {"app": "a"}, "uid": "1", "resourceVersion": "2",
            "annotations": {names::ANNOTATION_NAMESPACE_WIDE: "true", "note": "stays"},
        },
        "spec": {
            "encryptedData": {"a": item(b"1"), "b": item(b"")},
            "template": {"data": {"c": "{{ .a }}"}, "metadata": {"labels": {"b": "c"}}, "unknown": [1]},
        },
        "status": {"observedGeneration": 1},
    })
}

#[test]
fn every_ciphertext_is_new_and_nothing_else() {
    let held = held();
    let before = sealed(&held);
    let text = reseal(
        before.to_string().into(),
        &held.keys,
        &RecentKeys::default(),
        &all(),
        wish(Which::All),
    )
    .unwrap();
    assert!(!text.contains('\n') && text.starts_with("{\"metadata\":{"), "{text}");
    let mut after: Value = serde_json::from_str(&text).unwrap();
    let mut object = after.clone();
    object["kind"] = json!("SealedSecret");
    object["apiVersion"] = json!("bitnami.com/v1alpha1");
    let object: SealedSecret = serde_json::from_value(object).unwrap();
    let mut only_new = held.keys.ring.clone();
    only_new.remove(held.old.public().fingerprint());
    unseal::verify(&object, &only_new, &[]).unwrap();

    let mut expected = before.clone();
    for field in ["kind", "apiVersion", "status"] {
        expected.as_object_mut().unwrap().remove(field);
    }
    for field in ["uid", "resourceVersion"] {
        expected["metadata"].as_object_mut().unwrap().remove(field);
    }
    for object in [&mut after, &mut expected] {
        let items: BTreeMap<String, String> = serde_json::from_value(object["spec"]["encryptedData"].take()).unwrap();
        object["spec"]["encryptedData"] = items.keys().cloned().collect();
    }
    assert_eq!(after, expected);
}

#[test]
fn what_is_on_the_newest_key_is_left_alone_when_that_is_asked_for() {
    let held = held();
    let twice = |which| {
        let first = reseal(
            sealed(&held).to_string().into(),
            &held.keys,
            &RecentKeys::default(),
            &all(),
            wish(which),
        )
        .unwrap();
        let mut object: Value = serde_json::from_str(&first).unwrap();
        object["kind"] = json!("SealedSecret");
        object["apiVersion"] = json!("bitnami.com/v1alpha1");
        let second = reseal(
            object.to_string().into(),
            &held.keys,
            &RecentKeys::default(),
            &all(),
            wish(which),
        )
        .unwrap();
        (first, second)
    };
    let (first, second) = twice(Which::OfOtherKeys);
    assert!(!sealed(&held).to_string().contains(&first) && first == second);
    let (first, second) = twice(Which::All);
    assert_ne!(first, second);
}

#[test]
fn what_does_not_open_whole_gives_nothing_whatever_the_reason() {
    let held = held();
    let good = sealed(&held);
    let bodies = [
        ("", String::new()),
        ("no YAML", "{".to_owned()),
        ("two", format!("{good}\n---\n{good}")),
        (
            "another kind",
            good.to_string().replace("\"SealedSecret\"", "\"Secret\""),
        ),
        ("another namespace", {
            let mut moved = good.clone();
            moved["metadata"]["namespace"] = json!("other");
            moved.to_string()
        }),
        (
            "another scope",
            good.to_string()
                .replace(names::ANNOTATION_NAMESPACE_WIDE, names::ANNOTATION_CLUSTER_WIDE),
        ),
        ("one item of two is damaged", {
            let mut damaged = good.clone();
            damaged["spec"]["encryptedData"]["b"] = json!("AgBy3i4");
            damaged.to_string()
        }),
    ];
    let resealed =
        |body: String, keys: &Keys| reseal(body.into(), keys, &RecentKeys::default(), &all(), wish(Which::All));
    for (what, body) in bodies {
        assert_eq!(resealed(body, &held.keys), None, "{what}");
    }
    let no_current = Keys {
        current: None,
        ..held.keys.clone()
    };
    assert_eq!(resealed(good.to_string(), &no_current), None);
    assert!(resealed(good.to_string(), &held.keys).is_some());
}

/// The current key of [`held`] with a hybrid key, which its certificate carries.
fn with_hybrid(mut held: Held) -> Held {
    let random = &mut SystemRandom::default();
    let hybrid = v2::PrivateKey::from_seed(&v2::Seed::generate(random).unwrap()).unwrap();
    let key = Arc::new(PrivateKey::generate(2048).unwrap());
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: Timestamp::UNIX_EPOCH,
        not_after: "2040-01-01T00:00:00Z".parse().unwrap(),
    };
    let cert = SealingCert::self_signed_hybrid(&key, hybrid.public(), &parameters, random).unwrap();
    held.keys
        .ring
        .insert_hybrid(key, Some(Arc::new(hybrid)), Timestamp::MAX);
    held.keys.current.as_mut().unwrap().cert = Arc::new(cert);
    held
}

fn formats(text: &str) -> Vec<Option<Format>> {
    let object: Value = serde_json::from_str(text).unwrap();
    let items: BTreeMap<String, String> = serde_json::from_value(object["spec"]["encryptedData"].clone()).unwrap();
    items.values().map(|item| Format::of(item)).collect()
}

#[test]
fn a_version_is_raised_when_asked_and_never_lowered() {
    let held = with_hybrid(held());
    let again = |keys: &Keys, text: String, least| {
        let mut object: Value = serde_json::from_str(&text).unwrap();
        object["kind"] = json!("SealedSecret");
        object["apiVersion"] = json!("bitnami.com/v1alpha1");
        let wish = Wish {
            least,
            ..wish(Which::All)
        };
        reseal(object.to_string().into(), keys, &RecentKeys::default(), &all(), wish)
    };
    let first = again(&held.keys, sealed(&held).to_string(), Format::V1).unwrap();
    assert_eq!(formats(&first), [Some(Format::V1); 2], "kept");
    let raised = again(&held.keys, first, Format::V2).unwrap();
    assert_eq!(formats(&raised), [Some(Format::V2); 2]);
    let kept = again(&held.keys, raised.clone(), Format::V1).unwrap();
    assert_eq!(formats(&kept), [Some(Format::V2); 2]);
    // Where the newest certificate carries no hybrid key, nothing comes out.
    let mut without = held.keys.clone();
    without.current = super::tests::held().keys.current;
    assert_eq!(again(&without, raised.clone(), Format::V1), None);
    // A value of a key that is not held.
    assert_eq!(again(&with_hybrid(super::tests::held()).keys, raised, Format::V1), None);
}

#[test]
fn where_version_1_is_not_accepted_it_is_not_raised_either() {
    let held = with_hybrid(held());
    let reseal = |object: Value, formats: AcceptedFormats| {
        let accepted = Accepted {
            formats: Arc::new(formats),
            ..all()
        };
        let wish = Wish {
            least: Format::V2,
            ..wish(Which::All)
        };
        reseal(
            object.to_string().into(),
            &held.keys,
            &RecentKeys::default(),
            &accepted,
            wish,
        )
    };
    assert!(reseal(sealed(&held), AcceptedFormats::of("v2=other").unwrap()).is_some());
    assert_eq!(reseal(sealed(&held), AcceptedFormats::of("v2=ns").unwrap()), None);
    // A cluster-wide value is of every namespace, whichever the caller names.
    let mut anywhere = sealed(&held);
    let seal = |text: &[u8]| {
        let sealer = Sealer::of_key(held.old.public());
        raw::seal_raw(text, &Binding::ClusterWide, "", &sealer, &mut SystemRandom::default()).unwrap()
    };
    anywhere["metadata"]["annotations"] = json!({names::ANNOTATION_CLUSTER_WIDE: "true"});
    anywhere["spec"]["encryptedData"] = json!({"a": seal(b"1")});
    assert!(reseal(anywhere.clone(), AcceptedFormats::ALL).is_some());
    assert_eq!(reseal(anywhere, AcceptedFormats::of("v2=other").unwrap()), None);
}
