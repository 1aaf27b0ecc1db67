//! A real key, a sealed object, and each cause made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sealing::SystemRandom;
use sealing::binding::{Binding, Scope};
use sealing::key::{PrivateKey, PublicKey};
use sealing::key_hint::KeyHint;
use sealing::keyring::KeyRing;
use sealing::raw::seal_raw;
use sealing::sealer::Sealer;

use super::probe::{Origin, WithKeys};
use super::*;
use crate::keys::{Key, KeyFacts, State};

fn private_key() -> PrivateKey {
    PrivateKey::from_pem(include_bytes!("../../tests/fixtures/test-only.key")).unwrap()
}

fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.insert(Arc::new(private_key()), Timestamp::UNIX_EPOCH);
    ring
}

/// An object called shop/db with a value that was sealed for `binding`.
fn object(binding: &Binding) -> crds::SealedSecret {
    let key = private_key();
    let public: &PublicKey = key.public();
    let value = seal_raw(
        b"hunter2",
        binding,
        "",
        &Sealer::of_key(public),
        &mut SystemRandom::default(),
    )
    .unwrap();
    let mut object = crds::SealedSecret::default();
    object.metadata.name = Some("db".to_owned());
    object.metadata.namespace = Some("shop".to_owned());
    object.spec.encrypted_data = BTreeMap::from([("password".to_owned(), value)]);
    object
}

fn strict(namespace: &str, name: &str) -> Binding {
    Binding::new(Scope::Strict, namespace, name).unwrap()
}

fn place(namespace: &str, name: &str, origin: Origin) -> Place {
    Place {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        origin,
    }
}

fn known_places() -> Vec<Place> {
    let file = || Origin::File("near.yaml".to_owned());
    vec![place("shop", "web", file()), place("prod", "db", file())]
}

fn no_places() -> Vec<Place> {
    Vec::new()
}

struct Nobody;

impl Trial for Nobody {
    fn attempt(&mut self, _: &Case, _: &Binding) -> Answer {
        Answer::Unasked
    }
}

/// Gives the same answer every time.
struct Always(Answer);

impl Trial for Always {
    fn attempt(&mut self, _: &Case, _: &Binding) -> Answer {
        self.0
    }
}

fn told(object: crds::SealedSecret, evidence: &Evidence, trial: &mut dyn Trial) -> (Option<bool>, Vec<String>) {
    let case = Case::new(object, 1).unwrap();
    let examined = examine(&case, evidence, "f", trial, &mut known_places);
    let text = output::text("f", std::slice::from_ref(&examined), crate::colour::Colour::default());
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        examined.diagnoses.iter().all(|one| !one.next.is_empty()),
        "each has a next step: {examined:?}"
    );
    let label = |one: &Diagnosis| format!("{}{}", one.cause.as_str(), if one.certain { "" } else { "?" });
    (examined.opens, examined.diagnoses.iter().map(label).collect())
}

#[test]
fn with_the_key_at_hand_each_binding_is_tried() {
    let wide = |scope| Binding::new(scope, "shop", "db").unwrap();
    let cases = [
        (strict("shop", "db"), Some(true), vec![]),
        (strict("prod", "db"), Some(false), vec!["wrong-namespace"]),
        (strict("shop", "web"), Some(false), vec!["renamed"]),
        (wide(Scope::NamespaceWide), Some(false), vec!["scope"]),
        (wide(Scope::ClusterWide), Some(false), vec!["scope"]),
        (strict("nowhere", "known"), Some(false), vec!["unknown?"]),
    ];
    for (binding, opens, expected) in cases {
        let found = told(object(&binding), &Evidence::default(), &mut WithKeys(&ring()));
        assert_eq!(
            found,
            (opens, expected.into_iter().map(str::to_owned).collect()),
            "{binding}"
        );
    }
    let mut annotated = object(&strict("shop", "db"));
    annotated.metadata.annotations = Some(BTreeMap::from([(
        crds::names::ANNOTATION_CLUSTER_WIDE.to_owned(),
        "true".to_owned(),
    )]));
    let found = told(annotated, &Evidence::default(), &mut WithKeys(&ring()));
    assert_eq!(
        found,
        (Some(false), vec!["scope".to_owned()]),
        "an annotation that was added afterwards"
    );
}

#[test]
fn a_damaged_body_is_told_from_a_missing_key() {
    let mut damaged = object(&strict("shop", "db"));
    let text = damaged.spec.encrypted_data.get_mut("password").unwrap();
    let at = text.len() - 8;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    text.replace_range(at..=at, other);
    let found = told(damaged, &Evidence::default(), &mut WithKeys(&ring()));
    assert_eq!(found, (Some(false), vec!["damaged".to_owned()]));
}

fn facts(fingerprint: &Fingerprint, bits: usize) -> KeyFacts {
    KeyFacts {
        hybrid: None,
        fingerprint: fingerprint.clone(),
        bits,
        since: Timestamp::UNIX_EPOCH,
        until: Timestamp::MAX,
    }
}

fn inventory(keys: &[(&Fingerprint, State, usize)]) -> Inventory {
    let key = |(fingerprint, state, bits): &(&Fingerprint, State, usize)| Key {
        hybrid: Ok(None),
        name: "key".to_owned(),
        state: state.clone(),
        cert: Some(facts(fingerprint, *bits)),
        objects: None,
    };
    Inventory {
        keys: keys.iter().map(key).collect(),
        ..Inventory::default()
    }
}

#[test]
fn without_keys_the_hint_and_the_certificates_say_what_is_gone_and_what_is_foreign() {
    let sealed_with = private_key().public().fingerprint().clone();
    let other: Fingerprint = format!("SHA256:{}A", "B".repeat(42)).parse().unwrap();
    let mut hinted = object(&strict("shop", "db"));
    KeyHint::of_key(&sealed_with).write(&mut hinted.metadata);
    let local = LocalCert {
        name: "cert.pem".to_owned(),
        for_this_cluster: true,
        flags: String::new(),
        facts: facts(&sealed_with, 2048),
    };
    let with = |keys: Inventory| Evidence {
        keys: Some(keys),
        ..Evidence::default()
    };
    let gone = with(inventory(&[(
        &sealed_with,
        State::Retired("compromised".to_owned()),
        2048,
    )]));
    assert_eq!(told(hinted.clone(), &gone, &mut Always(Answer::Closed)).1, ["key-gone"]);
    let deleted = with(inventory(&[(&other, State::Current, 2048)]));
    assert_eq!(
        told(hinted.clone(), &deleted, &mut Always(Answer::Closed)).1,
        ["key-gone"]
    );
    let foreign = Evidence {
        local: vec![local.clone()],
        ..with(inventory(&[(&other, State::Current, 2048)]))
    };
    assert_eq!(
        told(hinted.clone(), &foreign, &mut Always(Answer::Closed)).1,
        ["other-cluster"]
    );
    let opened_before = Evidence {
        opened_before_by: BTreeSet::from([sealed_with.clone()]),
        ..with(inventory(&[(&other, State::Current, 2048)]))
    };
    let plain = object(&strict("shop", "db"));
    assert_eq!(
        told(plain.clone(), &opened_before, &mut Always(Answer::Closed)).1,
        ["key-gone"]
    );
    let longer = with(inventory(&[(&other, State::Current, 4096)]));
    assert_eq!(
        told(plain.clone(), &longer, &mut Always(Answer::Closed)).1,
        ["other-cluster"]
    );
    let served = Evidence {
        served: Some(facts(&other, 2048)),
        local: vec![local],
        ..Evidence::default()
    };
    let (opens, causes) = told(plain.clone(), &served, &mut Always(Answer::Closed));
    assert_eq!(
        (opens, causes),
        (Some(false), vec!["other-cluster?".to_owned(), "certificate".to_owned()])
    );
    assert_eq!(told(plain, &Evidence::default(), &mut Nobody), (None, vec![]));
}

/// An object with a second item, sealed with another key or damaged afterwards.
fn of_two(second: &str, hint: &[&Fingerprint]) -> Case {
    let mut object = object(&strict("shop", "db"));
    object.spec.encrypted_data.insert("token".to_owned(), second.to_owned());
    let hint: Vec<_> = hint.iter().map(|key| key.to_string()).collect();
    if !hint.is_empty() {
        let hint: KeyHint = hint.join(",").parse().unwrap();
        hint.write(&mut object.metadata);
    }
    let mut case = Case::new(object, 1).unwrap();
    match sealing::unseal::verify(&case.object, &ring(), &[]) {
        Err(sealing::unseal::UnsealError::Items(items)) => case.keep(&items),
        other => panic!("{other:?}"),
    }
    case
}

#[test]
fn where_some_items_open_the_others_are_named() {
    let own = private_key().public().fingerprint().clone();
    let other = PrivateKey::from_pem(include_bytes!("../../tests/fixtures/test-only-other.key")).unwrap();
    let foreign = other.public().fingerprint().clone();
    let by = |key: &PublicKey| {
        seal_raw(
            b"hunter2",
            &strict("shop", "db"),
            "",
            &Sealer::of_key(key),
            &mut SystemRandom::default(),
        )
        .unwrap()
    };
    let mut cut = by(private_key().public());
    let letter = if &cut[40..41] == "A" { "B" } else { "A" };
    cut.replace_range(40..41, letter);
    let evidence = Evidence {
        at_hand: BTreeSet::from([own.clone()]),
        ..Evidence::default()
    };
    let cases: [(&str, &[&Fingerprint], Cause, &str); 4] = [
        (
            &by(other.public()),
            &[&own, &foreign],
            Cause::KeyGone,
            "token was sealed with",
        ),
        (
            &by(other.public()),
            &[],
            Cause::Unknown,
            "password opens as it stands, token under none",
        ),
        (&cut, &[&own], Cause::Damaged, "password opens, token does not"),
        (
            &cut,
            &[],
            Cause::Unknown,
            "password opens as it stands, token under none",
        ),
    ];
    let ring = ring();
    for (second, hint, cause, expected) in cases {
        let mut trial = WithKeys(&ring);
        let examined = examine(&of_two(second, hint), &evidence, "f", &mut trial, &mut known_places);
        assert_eq!(
            (examined.opening.join(","), examined.failing.join(",")),
            ("password".into(), "token".into())
        );
        let [diagnosis] = examined.diagnoses.as_slice() else {
            panic!("{:?}", examined.diagnoses);
        };
        assert_eq!((diagnosis.cause, diagnosis.certain), (cause, false));
        assert!(diagnosis.message.contains(expected), "{}", diagnosis.message);
        assert!(diagnosis.next.contains("kubeseal set f ITEM"), "{}", diagnosis.next);
    }
}

#[test]
fn a_certificate_that_was_named_is_held_against_the_hint() {
    let own = private_key().public().fingerprint().clone();
    let other: Fingerprint = format!("SHA256:{}A", "B".repeat(42)).parse().unwrap();
    let mut hinted = object(&strict("shop", "db"));
    KeyHint::of_key(&own).write(&mut hinted.metadata);
    let plain = object(&strict("shop", "db"));
    let bits = private_key().public().modulus_length() * 8;
    let named = |key: &Fingerprint, bits| Evidence {
        certs_named: true,
        local: vec![LocalCert {
            name: "cert.pem".to_owned(),
            for_this_cluster: true,
            flags: String::new(),
            facts: facts(key, bits),
        }],
        ..Evidence::default()
    };
    for (object, evidence, expected) in [
        (&hinted, named(&own, bits), &[][..]),
        (&hinted, named(&other, bits), &["other-cluster?"]),
        (&plain, named(&other, bits), &["certificate"]),
        (&plain, named(&other, bits + 8), &["other-cluster?"]),
    ] {
        assert_eq!(
            told(object.clone(), &evidence, &mut Nobody),
            (None, expected.iter().map(|one| one.to_string()).collect())
        );
    }
}

#[test]
fn what_the_file_says_by_itself_is_a_cause_even_when_nobody_can_try() {
    let finding = |rule| crate::lint::Finding {
        rule,
        file: "f".to_owned(),
        place: None,
        message: "m".to_owned(),
        fix: None,
    };
    for (rule, expected) in [
        (lint::Rule::KustomizeName, "renamed"),
        (lint::Rule::KustomizeNamespace, "wrong-namespace"),
        (lint::Rule::KustomizeScope, "scope"),
        (lint::Rule::ScopeMismatch, "scope?"),
        (lint::Rule::Base64, "damaged"),
        (lint::Rule::NewerFormat, "newer-format"),
        (lint::Rule::UnknownField, "file"),
    ] {
        let evidence = Evidence {
            findings: vec![finding(rule)],
            ..Evidence::default()
        };
        assert_eq!(
            told(object(&strict("shop", "db")), &evidence, &mut Nobody).1,
            [expected]
        );
    }
    let elsewhere = Evidence {
        elsewhere: Some(("shop".to_owned(), "prod-db".to_owned())),
        ..Evidence::default()
    };
    assert_eq!(
        told(object(&strict("shop", "db")), &elsewhere, &mut Always(Answer::Opens)).1,
        ["renamed"]
    );
}

/// A controller that refuses the question.
struct Refusing;

impl Trial for Refusing {
    fn attempt(&mut self, _: &Case, _: &Binding) -> Answer {
        Answer::Unasked
    }

    fn failure(&self) -> Option<Unreachable> {
        Some(Unreachable {
            who: "controller",
            reason: "forbidden".to_owned(),
            next: "ask".to_owned(),
        })
    }
}

#[test]
fn refused_question_leaves_the_object_unchecked() {
    let case = Case::new(object(&strict("shop", "db")), 1).unwrap();
    let evidence = Evidence::default();
    let all = [examine(&case, &evidence, "f", &mut Refusing, &mut no_places)];
    assert!(output::is_unchecked(&all) && !output::fails(&all), "{all:?}");
    let text = output::text("f", &all, crate::colour::Colour::default());
    assert!(
        text.contains("not checked: the controller could not be asked"),
        "{text}"
    );
    let all = [examine(&case, &evidence, "f", &mut Nobody, &mut no_places)];
    assert!(!output::is_unchecked(&all), "{all:?}");
}

mod bindings;
mod reasons;
