//! Which candidates are tried, and what is said of them.

use super::*;

/// Examines the object shop/db, sealed for `binding`, with the key at hand; gives its only cause and message.
fn cause(binding: &Binding, places: &[Place]) -> (Cause, bool, String) {
    let case = Case::new(object(binding), 1).unwrap();
    let examined = examine(&case, &Evidence::default(), "f", &mut WithKeys(&ring()), &mut || {
        places.to_vec()
    });
    let [diagnosis] = examined.diagnoses.as_slice() else {
        panic!("{:?}", examined.diagnoses);
    };
    (diagnosis.cause, diagnosis.certain, diagnosis.message.clone())
}

#[test]
fn origin_of_the_candidate() {
    let commit = || Origin::Commit("1a2b3c4d5e6f".to_owned());
    let file = || Origin::File("near.yaml".to_owned());
    let cases = [
        (
            strict("prod", "db"),
            place("prod", "web", file()),
            Cause::WrongNamespace,
            "it opens only in namespace \"prod\" (found in near.yaml)",
        ),
        (
            strict("shop", "web"),
            place("prod", "web", file()),
            Cause::Renamed,
            "it opens only under the name \"web\" (found in near.yaml)",
        ),
        (
            strict("prod", "web"),
            place("prod", "web", commit()),
            Cause::WrongNamespace,
            "it opens only in namespace \"prod\" under the name \"web\" (found in commit 1a2b3c4d5e6f)",
        ),
        (
            Binding::new(Scope::NamespaceWide, "prod", "").unwrap(),
            place("prod", "db", Origin::SameInCluster),
            Cause::Scope,
            "it was sealed namespace-wide for namespace \"prod\" (found in the cluster: an object with the same ciphertexts), but",
        ),
    ];
    for (binding, place, expected, message) in cases {
        let (cause, certain, found) = cause(&binding, &[place]);
        assert_eq!((cause, certain), (expected, true), "{found}");
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn places_of_the_same_object_first() {
    let file = |namespace: usize| place(&format!("n{namespace}"), "", Origin::File("near.yaml".to_owned()));
    let mut places: Vec<_> = (0..200).map(file).collect();
    places.push(place("prod", "web", Origin::Commit("1a2b3c4d5e6f".to_owned())));
    let case = Case::new(object(&strict("prod", "web")), 1).unwrap();
    let candidates = case.candidates(&places);
    let at = candidates.iter().position(|one| one.binding == strict("prod", "web"));
    assert_eq!(at, Some(2), "after the other scopes");
    assert_eq!(candidates.len(), 400);
    assert!(candidates.iter().all(|one| one.binding != case.own));
}

/// Answers `Closed` for the object as it stands, and does not try anything else.
struct OnlyAsItStands;

impl Trial for OnlyAsItStands {
    fn attempt(&mut self, case: &Case, binding: &Binding) -> Answer {
        match *binding == case.own {
            true => Answer::Closed,
            false => Answer::Unasked,
        }
    }
}

#[test]
fn untried_candidates_are_no_cause() {
    let case = Case::new(object(&strict("prod", "db")), 1).unwrap();
    let evidence = Evidence::default();
    let examined = examine(&case, &evidence, "f", &mut OnlyAsItStands, &mut known_places);
    let [diagnosis] = examined.diagnoses.as_slice() else {
        panic!("{:?}", examined.diagnoses);
    };
    assert_eq!((diagnosis.cause, diagnosis.certain), (Cause::Unknown, false));
    let untried = case.candidates(&known_places()).len();
    let expected = format!("that were tried (1; {untried} more could not be tried)");
    assert!(diagnosis.message.contains(&expected), "{}", diagnosis.message);
}

/// The key hint names the key that the controller holds: then it is neither gone nor another cluster's.
#[test]
fn held_key_leaves_binding_or_damage() {
    let own = private_key().public().fingerprint().clone();
    let mut moved = object(&strict("nowhere", "known"));
    KeyHint::of_key(&own).write(&mut moved.metadata);
    let case = Case::new(moved, 1).unwrap();
    let other: Fingerprint = format!("SHA256:{}A", "B".repeat(42)).parse().unwrap();
    let stale = LocalCert {
        name: "cert.pem".to_owned(),
        for_this_cluster: true,
        flags: String::new(),
        facts: facts(&other, 2048),
    };
    let evidence = Evidence {
        served: Some(facts(&own, 2048)),
        local: vec![stale],
        ..Evidence::default()
    };
    let examined = examine(&case, &evidence, "f", &mut Always(Answer::Closed), &mut known_places);
    let faults: Vec<_> = examined.diagnoses.iter().filter(|one| one.cause.is_fault()).collect();
    let [diagnosis] = faults.as_slice() else {
        panic!("{:?}", examined.diagnoses);
    };
    assert_eq!((diagnosis.cause, diagnosis.certain), (Cause::Unknown, false));
    let expected = "One of: it was sealed for another name or namespace; its text is damaged";
    assert!(diagnosis.message.contains(expected), "{}", diagnosis.message);
}

/// A backup opens the object as it stands, and the cluster has lost the key.
#[test]
fn key_at_hand_that_opens_is_gone_from_the_cluster() {
    let own = private_key().public().fingerprint().clone();
    let mut hinted = object(&strict("shop", "db"));
    KeyHint::of_key(&own).write(&mut hinted.metadata);
    let other: Fingerprint = format!("SHA256:{}A", "B".repeat(42)).parse().unwrap();
    let listed = inventory(&[(&other, State::Current, 2048)]);
    for keys in [Some(listed), None] {
        let evidence = Evidence {
            at_hand: BTreeSet::from([own.clone()]),
            opened_here_by: BTreeSet::from([own.clone()]),
            keys,
            ..Evidence::default()
        };
        let (_, causes) = told(hinted.clone(), &evidence, &mut Always(Answer::Closed));
        assert_eq!(causes, ["key-gone"]);
    }
}

/// The controller serves one certificate, and may hold older keys of another length.
#[test]
fn length_of_the_served_key_proves_nothing() {
    let own = private_key().public().fingerprint().clone();
    let evidence = Evidence {
        served: Some(facts(&own, 4096)),
        ..Evidence::default()
    };
    let (_, causes) = told(object(&strict("shop", "db")), &evidence, &mut Always(Answer::Closed));
    assert_eq!(causes, ["other-cluster?"]);
}

/// The file was moved, and the cluster has it under its earlier name still.
#[test]
fn moved_file_is_not_blamed_on_a_kustomization() {
    let evidence = Evidence {
        elsewhere: Some(("prod".to_owned(), "db".to_owned())),
        ..Evidence::default()
    };
    let check = |binding: &Binding, trial: &mut dyn Trial, expected: &str| {
        let case = Case::new(object(binding), 1).unwrap();
        let examined = examine(&case, &evidence, "f", trial, &mut known_places);
        let [diagnosis] = examined.diagnoses.as_slice() else {
            panic!("{:?}", examined.diagnoses);
        };
        assert_eq!(diagnosis.cause, Cause::WrongNamespace);
        assert!(diagnosis.message.contains(expected), "{}", diagnosis.message);
    };
    let (ring, moved) = (ring(), strict("prod", "db"));
    check(&moved, &mut WithKeys(&ring), "it opens only in namespace");
    check(&moved, &mut Nobody, "either the file was moved or renamed");
    check(
        &strict("shop", "db"),
        &mut WithKeys(&ring),
        "in the cluster as prod/db: something between",
    );
}
