//! Versions of the format, and the key ids in values of version 2.

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
    let ((v2, id), v1) = (v2_value(1), sealed_with(4096));
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
        assert_eq!(findings(&[&v2, &v2], format), [""; 0]);
        assert_eq!(findings(&[&v2, &v1], format), ["f:13:5 mixed-formats"]);
    }
    let v2_named = Some(Format::V2);
    assert_eq!(findings(&[&v2, &v2], v2_named), [""; 0]);
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
