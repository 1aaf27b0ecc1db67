//! The life of keys.

mod hybrid;

use sealing::SystemRandom;
use sealing::cert::{CertParameters, SealingCert};
use sealing::key::PrivateKey;

use super::*;

fn at(text: &str) -> Timestamp {
    format!("{text}T00:00:00Z").parse().unwrap()
}

fn pair(not_before: &str) -> Arc<KeyPair> {
    let key = PrivateKey::generate(2048).unwrap();
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: at(not_before),
        not_after: at("2040-01-01"),
    };
    let cert = SealingCert::self_signed(&key, &parameters, &mut SystemRandom::default()).unwrap();
    Arc::new(KeyPair::new(key, cert).unwrap())
}

fn loaded(pair: &Arc<KeyPair>) -> LoadedKey {
    LoadedKey {
        pair: pair.clone(),
        hybrid: Ok(None),
        publishes: false,
    }
}

fn secret(name: &str, version: &str, created: &str, pair: Option<&Arc<KeyPair>>) -> KeySecret {
    KeySecret {
        name: name.to_owned(),
        version: (format!("uid-{name}"), version.to_owned()),
        created: at(created),
        pair: pair.map(|pair| Ok(loaded(pair))),
    }
}

fn current(registry: &KeyRegistry) -> Option<String> {
    registry.keys(at("2035-01-01")).current.map(|current| current.secret)
}

#[test]
fn the_life_of_keys() {
    let (first, second) = (pair("2024-01-01"), pair("2024-02-01"));
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    assert_eq!(
        registry.seen(secret("b", "1", "2024-02-01", Some(&second))),
        Some(Change::Loaded)
    );
    assert_eq!(
        registry.seen(secret("a", "1", "2024-01-01", Some(&first))),
        Some(Change::Loaded)
    );
    assert_eq!(
        registry.seen(secret("a", "1", "2024-01-01", Some(&first))),
        None,
        "nothing new"
    );
    assert_eq!(current(&registry).as_deref(), Some("b"), "the newer one seals");

    assert_eq!(registry.gone("b").as_deref(), Some("uid-b"));
    assert_eq!(
        registry.keys(at("2035-01-01")).ring.fingerprints().count(),
        2,
        "both still open"
    );
    assert_eq!(
        current(&registry).as_deref(),
        Some("a"),
        "one that would be lost does not seal"
    );

    assert_eq!(
        registry.seen(secret("a", "2", "2024-01-01", None)),
        Some(Change::Unloaded)
    );
    assert_eq!(
        registry.keys(at("2035-01-01")).ring.fingerprints().collect::<Vec<_>>(),
        [second.fingerprint()]
    );
    assert_eq!(current(&registry), None);
    assert_eq!(registry.gone("a"), None);

    assert_eq!(
        registry.seen(secret("b", "1", "2024-02-01", Some(&second))),
        Some(Change::Loaded),
        "it is back"
    );
    assert_eq!(current(&registry).as_deref(), Some("b"));
}

#[test]
fn a_key_that_becomes_malformed_still_opens_but_seals_no_more() {
    let key = pair("2024-01-01");
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(secret("a", "1", "2024-01-01", Some(&key)));
    let broken = || KeySecret {
        pair: Some(Err(KeySecretError::ItemMissing("tls.key"))),
        ..secret("a", "2", "2024-01-01", None)
    };
    let change = Change::Malformed(KeySecretError::ItemMissing("tls.key"));
    assert_eq!(registry.seen(broken()), Some(change));
    assert_eq!(registry.seen(broken()), None, "said once");
    assert_eq!((registry.counts().malformed, current(&registry)), (1, None));
    assert_eq!(registry.keys(at("2035-01-01")).ring.fingerprints().count(), 1);
    assert_eq!(
        registry.seen(secret("a", "3", "2024-01-01", Some(&key))),
        Some(Change::Loaded)
    );
    assert_eq!(
        (registry.counts().malformed, current(&registry).as_deref()),
        (0, Some("a"))
    );
}

#[test]
fn a_secret_that_comes_to_hold_another_key_does_not_take_the_former_along() {
    let (first, second) = (pair("2024-01-01"), pair("2024-02-01"));
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(secret("a", "1", "2024-01-01", Some(&first)));
    let seen = registry.seen(secret("a", "2", "2024-01-01", Some(&second)));
    assert_eq!(seen, Some(Change::Replaced));
    let keys = registry.keys(at("2035-01-01"));
    assert!(keys.ring.holds(first.fingerprint()) && keys.ring.holds(second.fingerprint()));
    assert_eq!(
        keys.current.as_ref().map(Current::fingerprint),
        Some(second.fingerprint())
    );
    let same = registry.seen(secret("a", "3", "2024-01-01", Some(&second)));
    assert_eq!(same, Some(Change::Loaded), "only its metadata changed");
    let back = registry.seen(secret("a", "4", "2024-01-01", Some(&first)));
    assert_eq!(back, Some(Change::Replaced), "and back");
    let seals = registry
        .keys(at("2035-01-01"))
        .current
        .map(|current| current.fingerprint().clone());
    assert_eq!(
        seals.as_ref(),
        Some(first.fingerprint()),
        "the other one has no Secret any more"
    );
    assert_eq!(registry.gone("a").as_deref(), Some("uid-a"));
    assert_eq!((registry.gone("a"), current(&registry)), (None, None));
    registry.seen(secret("a", "5", "2024-01-01", None));
    assert_eq!(
        registry.keys(at("2035-01-01")).ring.fingerprints().count(),
        0,
        "retired, with all that it held"
    );
}

#[test]
fn of_equal_ages_the_secret_created_first_is_current() {
    let (first, second) = (pair("2024-01-01"), pair("2024-01-01"));
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(secret("z", "1", "2024-01-01", Some(&first)));
    registry.seen(secret("a", "1", "2024-01-02", Some(&second)));
    assert_eq!(current(&registry).as_deref(), Some("z"));
}

#[test]
fn of_keys_of_the_same_second_the_first_by_name_is_current() {
    let (one, other) = (pair("2024-01-01"), pair("2024-01-01"));
    for names in [["a", "b"], ["b", "a"]] {
        let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
        for (name, pair) in names.into_iter().zip([&one, &other]) {
            registry.seen(secret(name, "1", "2024-01-01", Some(pair)));
        }
        assert_eq!(current(&registry).as_deref(), Some("a"));
    }
}

#[test]
fn the_order_can_be_that_of_the_secrets() {
    let (new, old) = (pair("2024-03-01"), pair("2024-01-01"));
    let mut registry = KeyRegistry::new(KeyOrder::SecretCreationTimestamp, Arc::default());
    registry.seen(secret("a", "1", "2024-05-01", Some(&new)));
    registry.seen(secret("b", "1", "2024-06-01", Some(&old)));
    assert_eq!(current(&registry).as_deref(), Some("b"));
}

#[test]
fn the_legacy_secret_is_loaded_whatever_its_label() {
    let secret = |name: &str, label: Option<&str>| {
        let labels = label.map(|value| serde_json::json!({names::LABEL_SEALING_KEY: value}));
        let secret = serde_json::json!({"metadata": {"name": name, "labels": labels}});
        KeySecret::read(&serde_json::from_value(secret).unwrap(), "legacy")
            .pair
            .is_some()
    };
    assert!(secret("k1", Some("active")));
    assert!(!secret("k1", Some("compromised")));
    assert!(!secret("k1", None));
    assert!(secret("legacy", None));
}
