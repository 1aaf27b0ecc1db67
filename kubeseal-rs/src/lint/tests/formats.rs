//! Versions of the format, and the key ids in values of format v2.

use crds::names;
use sealing::SystemRandom;
use sealing::binding::Binding;
use sealing::v2::{self, Context, Seed};

use super::*;

/// A value for the hybrid key of a seed of this byte.
fn v2_value(seed: u8) -> (String, KeyId) {
    let key = v2::PrivateKey::from_seed(&Seed::from_bytes(&[seed; 32]).unwrap()).unwrap();
    let context = Context::new(&Binding::ClusterWide, "password").unwrap();
    let sealed = v2::seal(b"p", &context, &[key.public()], &mut SystemRandom::default()).unwrap();
    (STANDARD.encode(sealed), key.public().id())
}

/// A sound object with these values.
fn object_with(values: &[&str]) -> String {
    let sound = sound();
    let (head, _) = sound.split_once("    password:").unwrap();
    let items = values.iter().enumerate();
    let items: String = items.map(|(at, value)| format!("    i{at}: {value}\n")).collect();
    head.to_owned() + &items
}

#[test]
fn key_ids_name_the_cluster() {
    let (value, id) = v2_value(1);
    let findings = |own: Option<Option<KeyId>>, other: Option<KeyId>| {
        let mut source = source("f", &object_with(&[&value]));
        source.certificate = own.map(|hybrid| Certificate {
            hybrid,
            ..certificate(4096)
        });
        source.others[0].hybrid = other;
        found(&[source])
    };
    let stranger = Some(KeyId::from_bytes([9; 8]));
    for other in [None, stranger, Some(id)] {
        assert_eq!(findings(Some(Some(id)), other), [""; 0]);
    }
    for own in [None, Some(None), Some(stranger)] {
        assert_eq!(findings(own, Some(id)), ["f:12:5 other-cluster"]);
    }
    for own in [None, stranger] {
        assert_eq!(findings(Some(own), stranger), ["f:12:5 old-key"]);
    }
    assert_eq!(findings(None, stranger), [""; 0]);
}

#[test]
fn v1_beside_v2_and_v1_where_the_project_names_v2() {
    let ((v2, id), (other, _), v1) = (v2_value(1), v2_value(1), sealed_with(4096));
    let findings = |values: &[&str], format: Option<Format>| {
        let mut source = source("f", &object_with(values));
        source.certificate = Some(Certificate {
            hybrid: Some(id),
            ..certificate(4096)
        });
        source.format = format;
        found(&[source])
    };
    for format in [None, Some(Format::V1)] {
        assert_eq!(findings(&[&v1, &v1], format), [""; 0]);
        assert_eq!(findings(&[&v2, &other], format), [""; 0]);
        assert_eq!(findings(&[&v2, &v1], format), ["f:13:5 mixed-formats"]);
    }
    let v2_named = Some(Format::V2);
    assert_eq!(findings(&[&v2, &other], v2_named), [""; 0]);
    assert_eq!(findings(&[&v1, &v1], v2_named), ["f:12:5 earlier-format"]);
    let both = ["f:12:5 mixed-formats", "f:12:5 earlier-format"];
    let mut mixed = findings(&[&v1, &v2], v2_named);
    mixed.sort_by_key(|one| std::cmp::Reverse(one.clone()));
    assert_eq!(mixed, both);
    let mut values = source("values.yaml", &format!("password: {v1}\ntoken: {v2}\n"));
    values.format = v2_named;
    let mut found = found(&[values]);
    found.sort();
    assert_eq!(
        found,
        [
            "values.yaml:1:1 earlier-format",
            "values.yaml:1:1 embedded-value",
            "values.yaml:2:1 embedded-value"
        ]
    );
}

#[test]
fn a_suite_of_later_is_a_newer_format() {
    let (value, _) = v2_value(1);
    let mut bytes = STANDARD.decode(&value).unwrap();
    bytes[3] = 2;
    let source = source("f", &object_with(&[&STANDARD.encode(bytes)]));
    assert_eq!(found(&[source]), ["f:12:5 newer-format"]);
}

#[test]
fn one_value_in_two_places() {
    let ((value, id), (other, _)) = (v2_value(1), v2_value(2));
    let seen = |files: &[(&str, String)]| {
        let sources = files.iter().map(|(name, text)| {
            let mut source = source(name, text);
            source.certificate = Some(Certificate {
                hybrid: Some(id),
                ..certificate(4096)
            });
            source
        });
        let found = found(&sources.collect::<Vec<_>>()).into_iter();
        found.filter(|one| one.ends_with("copied-value")).collect::<Vec<_>>()
    };
    let one = object_with(&[&value]);
    let sound_name = "name: db";
    assert!(one.contains(sound_name), "{one}");
    assert_eq!(seen(&[("f", object_with(&[&value, &other]))]), [""; 0]);
    assert_eq!(seen(&[("f", object_with(&[&value, &value]))]), ["f:13:5 copied-value"]);
    // The same object for another cluster, and one of another name or with another item.
    assert_eq!(seen(&[("a/f", one.clone()), ("b/f", one.clone())]), [""; 0]);
    let renamed = one.replace(sound_name, "name: web");
    assert_eq!(
        seen(&[("a/f", one.clone()), ("b/f", renamed.clone())]),
        ["b/f:12:5 copied-value"]
    );
    let item = one.replace("    i0:", "    i1:");
    assert_eq!(seen(&[("a/f", one.clone()), ("b/f", item)]), ["b/f:12:5 copied-value"]);
    // What a kustomization renames may be the other one.
    let kustomization = "namePrefix: my-\nresources: [f]\n".to_owned();
    let files = [("a/f", one), ("a/kustomization.yaml", kustomization), ("b/f", renamed)];
    assert_eq!(seen(&files), [""; 0]);
}

/// The hint names the certificate's RSA key, and the id in the value is not that of its hybrid key.
#[test]
fn a_strangers_hybrid_key_beside_the_certificates_rsa_key() {
    let (value, id) = v2_value(1);
    let findings = |hint: &[char], own: Option<KeyId>| {
        let hint: Vec<_> = hint.iter().map(|letter| key(*letter).to_string()).collect();
        let annotation = format!(
            "  annotations: {{{}: '{}'}}\n",
            names::ANNOTATION_SEALED_WITH,
            hint.join(",")
        );
        let text = object_with(&[&value]).replacen(NAMESPACE, &format!("{NAMESPACE}{annotation}"), 1);
        let mut source = source("f", &text);
        source.certificate = Some(Certificate {
            hybrid: own,
            ..certificate(4096)
        });
        found(&[source])
    };
    let stranger = Some(KeyId::from_bytes([9; 8]));
    assert_eq!(findings(&['A'], stranger), ["f:13:5 foreign-hybrid-key"]);
    assert_eq!(findings(&['A'], Some(id)), [""; 0]);
    // Other combinations can be legitimate.
    for (hint, own) in [(&['A'][..], None), (&['C'], stranger), (&['A', 'C'], stranger)] {
        let found = findings(hint, own);
        assert!(
            found.iter().all(|one| one.ends_with("old-key")) && !found.is_empty(),
            "{found:?}"
        );
    }
}
