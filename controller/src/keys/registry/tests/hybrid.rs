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
    let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    inventory.seen(secret("a", "1", "2024-01-01", Some(&pair("2024-01-01"))));
    inventory.seen(holding("b", "1", "2024-02-01", &missing));
    assert_eq!(current(&inventory).as_deref(), Some("a"));
    assert!(inventory.keys(at("2035-01-01")).ring.holds(missing.pair.fingerprint()));
    let broken = HybridFault::Broken(HybridError::SeedMissing);
    assert_eq!(
        (inventory.hybrid_fault("b"), inventory.hybrid_fault("a")),
        (Some(&broken), None)
    );
    let counts = inventory.counts();
    assert_eq!((counts.hybrid, counts.hybrid_faults), (0, 1));
    // Restored.
    inventory.seen(holding("b", "2", "2024-02-01", &hybrid("2024-02-01", true)));
    assert_eq!(
        (current(&inventory).as_deref(), inventory.hybrid_fault("b")),
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
        let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
        inventory.seen(holding("a", "1", "2024-01-01", &whole));
        inventory.seen(holding("a", "2", "2024-01-01", &without));
        assert_eq!(inventory.hybrid_fault("a"), Some(&HybridFault::Gone));
        assert_eq!(inventory.counts().hybrid, 1, "it still opens");
        // With RSA alone it may be handed out where its certificate says nothing else.
        assert_eq!(current(&inventory).is_some(), !publishes);
    }
}

#[test]
fn one_key_is_made_for_the_sake_of_its_hybrid_key() {
    let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    let lacks = |inventory: &Inventory| {
        let current = inventory.keys(at("2035-01-01")).current.unwrap();
        inventory.lacks_hybrid(&current)
    };
    inventory.seen(holding("prepared", "1", "2024-01-01", &hybrid("2024-01-01", false)));
    assert!(lacks(&inventory));
    inventory.seen(holding("published", "1", "2024-02-01", &hybrid("2024-02-01", true)));
    assert!(!lacks(&inventory));
    // Renewed by a controller that publishes none.
    inventory.seen(secret("newest", "1", "2024-03-01", Some(&pair("2024-03-01"))));
    assert!(lacks(&inventory));
    // Whatever takes the seed out of each new key does not have one made after the other.
    let broken = LoadedKey {
        hybrid: Err(HybridError::SeedMissing),
        ..hybrid("2024-04-01", true)
    };
    inventory.seen(holding("broken", "1", "2024-04-01", &broken));
    assert_eq!(current(&inventory).as_deref(), Some("newest"));
    assert!(!lacks(&inventory));
    // Restored all at once, the older key of the two is none for the newer.
    let mut restored = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    restored.seen(holding("older", "1", "2024-06-01", &hybrid("2024-01-01", true)));
    restored.seen(secret("newer", "1", "2024-06-01", Some(&pair("2024-02-01"))));
    assert!(lacks(&restored));
}

/// Whether the inventory opens what is sealed for the hybrid key, with that key.
fn opens(inventory: &Inventory, key: &LoadedKey) -> bool {
    let public = key.hybrid.as_ref().unwrap().as_ref().unwrap().public();
    let sealed = v2::seal(
        b"p",
        &Context::new(&Binding::ClusterWide, "a").unwrap(),
        &[public],
        &mut SystemRandom::default(),
    );
    let ring = inventory.keys(at("2035-01-01")).ring;
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
    let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    inventory.seen(holding("a", "1", "2024-01-01", &first));
    inventory.seen(holding("a", "2", "2024-01-01", &second));
    assert!(opens(&inventory, &first) && opens(&inventory, &second));
    // It is said, and does not keep the new one from being handed out.
    assert_eq!(inventory.hybrid_fault("a"), Some(&HybridFault::Gone));
    assert_eq!(current(&inventory).as_deref(), Some("a"));
    // It is there again.
    inventory.seen(holding("a", "3", "2024-01-01", &first));
    assert!(opens(&inventory, &first) && opens(&inventory, &second));
    // Gone altogether, all open, and the key is not handed out.
    let none = LoadedKey {
        hybrid: Err(HybridError::SeedMissing),
        ..first.clone()
    };
    inventory.seen(holding("a", "4", "2024-01-01", &none));
    assert!(opens(&inventory, &first) && opens(&inventory, &second));
    assert_eq!(current(&inventory), None);
    let counts = inventory.counts();
    assert_eq!((counts.hybrid, counts.hybrid_faults), (1, 1));
}

#[test]
fn two_secrets_with_one_rsa_key_open_with_both_hybrid_keys() {
    let first = hybrid("2024-01-01", true);
    let second = with_another(&first);
    let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    inventory.seen(holding("a", "1", "2024-01-01", &first));
    inventory.seen(holding("b", "1", "2024-01-02", &second));
    assert!(opens(&inventory, &first) && opens(&inventory, &second));
    assert_eq!((inventory.hybrid_fault("a"), inventory.hybrid_fault("b")), (None, None));
    // One of them retired, the other goes on alone.
    inventory.seen(secret("a", "2", "2024-01-01", None));
    assert!(!opens(&inventory, &first) && opens(&inventory, &second));
}

#[test]
fn a_retired_hybrid_key_opens_nothing() {
    let (old, new) = (hybrid("2024-01-01", true), hybrid("2024-02-01", true));
    let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    inventory.seen(holding("old", "1", "2024-01-01", &old));
    inventory.seen(holding("new", "1", "2024-02-01", &new));
    // Deleted it opens until the next start; retired it does not.
    inventory.gone("old");
    assert!(opens(&inventory, &old) && opens(&inventory, &new));
    inventory.seen(secret("old", "2", "2024-01-01", None));
    assert!(!opens(&inventory, &old) && opens(&inventory, &new));
    assert_eq!(inventory.counts().hybrid, 1);
    // With what its Secret held before.
    inventory.seen(holding("new", "2", "2024-02-01", &with_another(&new)));
    inventory.seen(secret("new", "3", "2024-02-01", None));
    assert!(!opens(&inventory, &new));
    assert_eq!((inventory.counts().hybrid, current(&inventory)), (0, None));
    // Labelled active again it opens once more.
    inventory.seen(holding("old", "3", "2024-01-01", &old));
    assert!(opens(&inventory, &old));
    assert_eq!(current(&inventory).as_deref(), Some("old"));
}

/// The current key is older than the cut-off, and its hybrid key with it: the next one is due, and the old one opens.
#[test]
fn a_hybrid_key_that_is_cut_off_opens() {
    let (old, new) = (hybrid("2024-01-01", true), hybrid("2024-03-01", true));
    let cutoff = Some(at("2024-02-01"));
    let due = |inventory: &Inventory| {
        let current = inventory.keys(at("2024-03-02")).current.unwrap();
        let state = schedule::KeyState {
            current: Some(current.age),
            is_ahead: false,
            lacks_hybrid: inventory.lacks_hybrid(&current),
            lacking_for: None,
            made_before: None,
        };
        schedule::next_key(state, None, cutoff, at("2024-03-02"))
    };
    let mut inventory = Inventory::new(KeyOrder::CertNotBefore, Arc::default());
    inventory.seen(holding("old", "1", "2024-01-01", &old));
    assert_eq!(due(&inventory), Some(at("2024-03-02")));
    inventory.seen(holding("new", "1", "2024-03-01", &new));
    assert_eq!(due(&inventory), None);
    assert!(opens(&inventory, &old) && opens(&inventory, &new));
    assert_eq!(current(&inventory).as_deref(), Some("new"));
}
