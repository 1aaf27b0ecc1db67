//! The life of hybrid keys.

use sealing::SystemRandom;
use sealing::binding::Binding;
use sealing::v2::{self, Context};

use super::*;

fn hybrid(not_before: &str, publishes: bool) -> LoadedKey {
    let random = &mut SystemRandom::default();
    let seed = v2::Seed::generate(random).unwrap();
    let hybrid = v2::PrivateKey::from_seed(&seed).unwrap();
    LoadedKey {
        hybrid: Ok(Some(Arc::new(hybrid))),
        publishes,
        ..loaded(&pair(not_before))
    }
}

fn holding(name: &str, version: &str, created: &str, key: &LoadedKey) -> KeySecret {
    KeySecret {
        pair: Some(Ok(key.clone())),
        ..secret(name, version, created, None)
    }
}

#[test]
fn a_key_whose_hybrid_key_is_missing_opens_and_is_not_handed_out() {
    let missing = LoadedKey {
        hybrid: Err(HybridError::SeedMissing),
        ..hybrid("2024-02-01", true)
    };
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(secret("a", "1", "2024-01-01", Some(&pair("2024-01-01"))));
    registry.seen(holding("b", "1", "2024-02-01", &missing));
    assert_eq!(current(&registry).as_deref(), Some("a"));
    assert!(registry.keys(at("2035-01-01")).ring.holds(missing.pair.fingerprint()));
    let broken = HybridFault::Broken(HybridError::SeedMissing);
    assert_eq!(
        (registry.hybrid_fault("b"), registry.hybrid_fault("a")),
        (Some(&broken), None)
    );
    let counts = registry.counts();
    assert_eq!((counts.hybrid, counts.hybrid_faults), (0, 1));
    // Restored.
    registry.seen(holding("b", "2", "2024-02-01", &hybrid("2024-02-01", true)));
    assert_eq!(
        (current(&registry).as_deref(), registry.hybrid_fault("b")),
        (Some("b"), None)
    );
}

#[test]
fn a_hybrid_key_that_goes_opens_until_the_next_start() {
    for publishes in [true, false] {
        let whole = hybrid("2024-01-01", publishes);
        let without = LoadedKey {
            hybrid: if publishes {
                Err(HybridError::SeedMissing)
            } else {
                Ok(None)
            },
            ..whole.clone()
        };
        let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
        registry.seen(holding("a", "1", "2024-01-01", &whole));
        registry.seen(holding("a", "2", "2024-01-01", &without));
        assert_eq!(registry.hybrid_fault("a"), Some(&HybridFault::Gone));
        assert_eq!(registry.counts().hybrid, 1, "it still opens");
        // With RSA alone it may be handed out where its certificate says nothing else.
        assert_eq!(current(&registry).is_some(), !publishes);
    }
}

#[test]
fn one_key_is_made_for_the_sake_of_its_hybrid_key() {
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    let lacks = |registry: &KeyRegistry| {
        let current = registry.keys(at("2035-01-01")).current.unwrap();
        registry.lacks_hybrid(&current)
    };
    registry.seen(holding("prepared", "1", "2024-01-01", &hybrid("2024-01-01", false)));
    assert!(lacks(&registry));
    registry.seen(holding("published", "1", "2024-02-01", &hybrid("2024-02-01", true)));
    assert!(!lacks(&registry));
    // Renewed by a controller that publishes none.
    registry.seen(secret("newest", "1", "2024-03-01", Some(&pair("2024-03-01"))));
    assert!(lacks(&registry));
    // Whatever takes the seed out of each new key does not have one made after the other.
    let broken = LoadedKey {
        hybrid: Err(HybridError::SeedMissing),
        ..hybrid("2024-04-01", true)
    };
    registry.seen(holding("broken", "1", "2024-04-01", &broken));
    assert_eq!(current(&registry).as_deref(), Some("newest"));
    assert!(!lacks(&registry));
    // Restored all at once, the older key of the two is none for the newer.
    let mut restored = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    restored.seen(holding("older", "1", "2024-06-01", &hybrid("2024-01-01", true)));
    restored.seen(secret("newer", "1", "2024-06-01", Some(&pair("2024-02-01"))));
    assert!(lacks(&restored));
}

/// Whether the registry opens what is sealed for the hybrid key, with that key.
fn opens(registry: &KeyRegistry, key: &LoadedKey) -> bool {
    let public = key.hybrid.as_ref().unwrap().as_ref().unwrap().public();
    let sealed = v2::seal(
        b"p",
        &Context::new(&Binding::ClusterWide, "a").unwrap(),
        &[public],
        &mut SystemRandom::default(),
    );
    let ring = registry.keys(at("2035-01-01")).ring;
    let opened = ring.open(&sealed.unwrap(), &Binding::ClusterWide, "a", &[]);
    opened.is_ok_and(|opened| opened.hybrid == Some(public.id()))
}

/// The same RSA key, with another hybrid key.
fn with_another(key: &LoadedKey) -> LoadedKey {
    LoadedKey {
        hybrid: hybrid("2024-01-01", true).hybrid,
        ..key.clone()
    }
}

#[test]
fn a_hybrid_key_that_is_exchanged_opens_until_the_next_start() {
    let first = hybrid("2024-01-01", true);
    let second = with_another(&first);
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(holding("a", "1", "2024-01-01", &first));
    registry.seen(holding("a", "2", "2024-01-01", &second));
    assert!(opens(&registry, &first) && opens(&registry, &second));
    // It is said, and does not keep the new one from being handed out.
    assert_eq!(registry.hybrid_fault("a"), Some(&HybridFault::Gone));
    assert_eq!(current(&registry).as_deref(), Some("a"));
    // It is there again.
    registry.seen(holding("a", "3", "2024-01-01", &first));
    assert!(opens(&registry, &first) && opens(&registry, &second));
    // Gone altogether, all open, and the key is not handed out.
    let none = LoadedKey {
        hybrid: Err(HybridError::SeedMissing),
        ..first.clone()
    };
    registry.seen(holding("a", "4", "2024-01-01", &none));
    assert!(opens(&registry, &first) && opens(&registry, &second));
    assert_eq!(current(&registry), None);
    let counts = registry.counts();
    assert_eq!((counts.hybrid, counts.hybrid_faults), (1, 1));
}

#[test]
fn two_secrets_with_one_rsa_key_open_with_both_hybrid_keys() {
    let first = hybrid("2024-01-01", true);
    let second = with_another(&first);
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(holding("a", "1", "2024-01-01", &first));
    registry.seen(holding("b", "1", "2024-01-02", &second));
    assert!(opens(&registry, &first) && opens(&registry, &second));
    assert_eq!((registry.hybrid_fault("a"), registry.hybrid_fault("b")), (None, None));
    // One of them retired, the other goes on alone.
    registry.seen(secret("a", "2", "2024-01-01", None));
    assert!(!opens(&registry, &first) && opens(&registry, &second));
}

#[test]
fn a_retired_hybrid_key_opens_nothing() {
    let (old, new) = (hybrid("2024-01-01", true), hybrid("2024-02-01", true));
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(holding("old", "1", "2024-01-01", &old));
    registry.seen(holding("new", "1", "2024-02-01", &new));
    // Deleted it opens until the next start; retired it does not.
    registry.gone("old");
    assert!(opens(&registry, &old) && opens(&registry, &new));
    registry.seen(secret("old", "2", "2024-01-01", None));
    assert!(!opens(&registry, &old) && opens(&registry, &new));
    assert_eq!(registry.counts().hybrid, 1);
    // With what its Secret held before.
    registry.seen(holding("new", "2", "2024-02-01", &with_another(&new)));
    registry.seen(secret("new", "3", "2024-02-01", None));
    assert!(!opens(&registry, &new));
    assert_eq!((registry.counts().hybrid, current(&registry)), (0, None));
    // Labelled active again it opens once more.
    registry.seen(holding("old", "3", "2024-01-01", &old));
    assert!(opens(&registry, &old));
    assert_eq!(current(&registry).as_deref(), Some("old"));
}

/// The current key is older than the cut-off, and its hybrid key with it: the next one is due, and the old one opens.
#[test]
fn a_hybrid_key_that_is_cut_off_opens() {
    let (old, new) = (hybrid("2024-01-01", true), hybrid("2024-03-01", true));
    let cutoff = Some(at("2024-02-01"));
    let due = |registry: &KeyRegistry| {
        let current = registry.keys(at("2024-03-02")).current.unwrap();
        let state = schedule::KeyState {
            current: Some(current.age),
            is_ahead: false,
            lacks_hybrid: registry.lacks_hybrid(&current),
            lacking_for: None,
            made_before: None,
        };
        schedule::next_key(state, None, cutoff, at("2024-03-02"))
    };
    let mut registry = KeyRegistry::new(KeyOrder::CertNotBefore, Arc::default());
    registry.seen(holding("old", "1", "2024-01-01", &old));
    assert_eq!(due(&registry), Some(at("2024-03-02")));
    registry.seen(holding("new", "1", "2024-03-01", &new));
    assert_eq!(due(&registry), None);
    assert!(opens(&registry, &old) && opens(&registry, &new));
    assert_eq!(current(&registry).as_deref(), Some("new"));
}
