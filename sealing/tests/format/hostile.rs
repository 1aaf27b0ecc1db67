//! Broken and foreign ciphertexts: each kind of damage has its class of error, and none opens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::{self, VALUES, key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealing::binding::{Binding, Scope};
use sealing::envelope::{EnvelopeError, LENGTH_FIELD, TAG};
use sealing::key::Fingerprint;
use sealing::keyring::{KeyRing, OpenError, Pace};
use sealing::unseal::{ItemError, UnsealError};

struct Sample {
    sealed: Vec<u8>,
    binding: Binding,
    ring: KeyRing,
    key: Fingerprint,
}

/// A value of the reference under a 2048-bit key: 2 + 256 + plaintext + 16 bytes.
fn sample() -> Sample {
    let value = VALUES
        .values
        .iter()
        .find(|value| value.key == "rsa2048" && value.scope() == Scope::Strict && value.plaintext() == b"x")
        .unwrap();
    Sample {
        sealed: value.sealed(),
        binding: value.binding(&VALUES),
        ring: key("rsa2048").ring(),
        key: key("rsa2048").fingerprint.parse().unwrap(),
    }
}

const WRAPPED: usize = 256;
const NO_KEY: OpenError = OpenError::NoKey {
    fitting: 1,
    sealed_bits: 2048,
};

#[test]
fn every_truncation_is_named() {
    let sample = sample();
    for end in 0..sample.sealed.len() {
        let error = sample
            .ring
            .open(&sample.sealed[..end], &sample.binding, "", &[])
            .unwrap_err();
        // With at least a tag's worth of body left the lengths are plausible; then the tag does not match.
        let expected = if end < LENGTH_FIELD {
            OpenError::Malformed(EnvelopeError::Truncated {
                have: end,
                need: LENGTH_FIELD,
            })
        } else if end < LENGTH_FIELD + WRAPPED + TAG {
            OpenError::Malformed(EnvelopeError::Truncated {
                have: end,
                need: LENGTH_FIELD + WRAPPED + TAG,
            })
        } else {
            OpenError::Damaged {
                key: sample.key.clone(),
            }
        };
        assert_eq!(error, expected, "cut at {end}");
    }
}

#[test]
fn every_flipped_byte_is_refused_in_its_class() {
    let sample = sample();
    for at in 0..sample.sealed.len() {
        let mut bytes = sample.sealed.clone();
        bytes[at] ^= 0x01;
        let error = sample.ring.open(&bytes, &sample.binding, "", &[]).unwrap_err();
        match (at, error) {
            // L becomes 0 (the high byte was 1), which later formats begin with, or 257, for which no key is held.
            (0, OpenError::Malformed(EnvelopeError::BadLength(0) | EnvelopeError::NewerFormat(_))) => {}
            (1, OpenError::NoKey { fitting: 0, .. } | OpenError::Malformed(EnvelopeError::Truncated { .. })) => {}
            (2..258, error) => assert_eq!(error, NO_KEY, "byte {at}"),
            (258.., error) => assert_eq!(
                error,
                OpenError::Damaged {
                    key: sample.key.clone()
                },
                "byte {at}"
            ),
            (_, error) => panic!("byte {at}: {error:?}"),
        }
    }
}

#[test]
fn a_wrong_label_or_key_is_not_a_broken_ciphertext() {
    let sample = sample();
    let bound = |scope, namespace, name| Binding::new(scope, namespace, name).unwrap();
    for wrong in [
        bound(Scope::Strict, "default", "other"),
        bound(Scope::Strict, "other", "cc.ccloud-secrets"),
        bound(Scope::NamespaceWide, "default", ""),
        bound(Scope::ClusterWide, "", ""),
    ] {
        assert_eq!(
            sample.ring.open(&sample.sealed, &wrong, "", &[]),
            Err(NO_KEY),
            "{wrong:?}"
        );
    }
    assert_eq!(
        key("other").ring().open(&sample.sealed, &sample.binding, "", &[]),
        Err(NO_KEY)
    );
    let wrong_size = key("rsa4096").ring().open(&sample.sealed, &sample.binding, "", &[]);
    assert_eq!(
        wrong_size,
        Err(OpenError::NoKey {
            fitting: 0,
            sealed_bits: 2048
        })
    );
    let none = KeyRing::default().open(&sample.sealed, &sample.binding, "", &[]);
    assert_eq!(
        none,
        Err(OpenError::NoKey {
            fitting: 0,
            sealed_bits: 2048
        })
    );
}

#[test]
fn work_is_interrupted_before_an_operation() {
    /// Allows so many.
    #[derive(Debug)]
    struct Allows(AtomicU64);
    impl Pace for Allows {
        fn before_operation(&self) -> bool {
            let left = |left: u64| left.checked_sub(1);
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
        }
    }
    let sample = sample();
    let ring = sample.ring.at_pace(Arc::new(Allows(AtomicU64::new(2))));
    let open = |ring: &KeyRing, bytes: &[u8]| ring.open(bytes, &sample.binding, "", &[]);
    assert!(open(&ring, &sample.sealed).is_ok());
    assert_eq!(open(&ring, &foreign(&sample.sealed)), Err(NO_KEY));
    assert_eq!(open(&ring, &sample.sealed), Err(OpenError::Interrupted));
    assert!(open(&sample.ring, &sample.sealed).is_ok());
}

/// Items sealed with the keys in turn, so that the likely key is never the right one: what two years, or five, leave behind.
#[test]
fn items_of_many_keys_open_whatever_it_costs() {
    const MOST: usize = 60;
    let label = Binding::ClusterWide.label();
    let all: Vec<_> = (0..MOST)
        .map(|_| Arc::new(sealing::key::PrivateKey::generate(2048).unwrap()))
        .collect();
    for (items, keys) in [(400, 24), (200, 60)] {
        let keys = &all[..keys];
        let mut ring = KeyRing::default();
        for key in keys {
            ring.insert(key.clone(), jiff::Timestamp::UNIX_EPOCH);
        }
        let mut random = sealing::SystemRandom::default();
        let mut object = |damaged: bool| {
            let items: serde_json::Map<_, _> = (0..items)
                .map(|item| {
                    let public = keys[item % keys.len()].public();
                    let mut bytes = public.seal(b"a", &label, &mut random).unwrap();
                    if damaged {
                        *bytes.last_mut().unwrap() ^= 1;
                    }
                    (format!("i{item:03}"), STANDARD.encode(bytes).into())
                })
                .collect();
            let annotations = serde_json::json!({crds::names::ANNOTATION_CLUSTER_WIDE: "true"});
            serde_json::from_value::<crds::SealedSecret>(serde_json::json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {"name": "one", "annotations": annotations}, "spec": {"encryptedData": items},
            }))
            .unwrap()
        };
        let opened_by = sealing::unseal::verify(&object(false), &ring, &[]).unwrap();
        assert_eq!(opened_by.len(), keys.len());
        let Err(UnsealError::Items(errors)) = sealing::unseal::verify(&object(true), &ring, &[]) else {
            panic!("damaged items opened");
        };
        let skipped = errors.0.values().filter(|error| **error == ItemError::NotTried).count();
        assert_eq!(
            skipped,
            items - sealing::unseal::MAX_UNOPENED,
            "each cost a search for its key"
        );
    }
}

#[test]
fn private_key_operations_are_counted_also_those_that_fail() {
    let sample = sample();
    let operations = Arc::new(AtomicU64::new(0));
    let mut ring = KeyRing::counting(operations.clone());
    for name in ["other", "rsa4096", "rsa2048"] {
        ring.insert(Arc::new(key(name).private()), jiff::Timestamp::UNIX_EPOCH);
    }
    let wrong = Binding::ClusterWide;
    let counted = |bytes: &[u8], binding, preferred: &[_]| {
        let opened = ring.open(bytes, binding, "", preferred).is_ok();
        (opened, operations.swap(0, Ordering::Relaxed))
    };
    assert_eq!(
        counted(&sample.sealed, &sample.binding, &[]),
        (true, 2),
        "the fitting ones in turn"
    );
    assert_eq!(
        counted(&sample.sealed, &sample.binding, std::slice::from_ref(&sample.key)),
        (true, 1)
    );
    assert_eq!(counted(&sample.sealed, &wrong, &[]), (false, 2));
    assert_eq!(
        counted(&sample.sealed[..100], &sample.binding, &[]),
        (false, 0),
        "no envelope"
    );
}

#[test]
fn lengths_that_lie_read_nothing_beyond_the_bytes() {
    let sample = sample();
    for length in [0_u16, 1, 127, 255, 257, 512, 1024, 0x7fff, 0xffff] {
        let mut bytes = sample.sealed.clone();
        bytes[..2].copy_from_slice(&length.to_be_bytes());
        let error = sample.ring.open(&bytes, &sample.binding, "", &[]).unwrap_err();
        let fits = usize::from(length) + LENGTH_FIELD + TAG <= bytes.len();
        match error {
            OpenError::Malformed(EnvelopeError::BadLength(_)) => assert!(length < 128, "{length}"),
            OpenError::Malformed(EnvelopeError::NewerFormat(_)) => assert_eq!(length, 0),
            OpenError::Malformed(EnvelopeError::Truncated { .. }) => assert!(!fits, "{length}"),
            OpenError::NoKey { fitting: 0, .. } => assert!(fits, "{length}"),
            other => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn a_huge_value_is_judged_by_its_tag() {
    let sample = sample();
    let mut bytes = sample.sealed.clone();
    bytes.resize(64 << 20, 0);
    assert_eq!(
        sample.ring.open(&bytes, &sample.binding, "", &[]),
        Err(OpenError::Damaged { key: sample.key })
    );
}

#[test]
fn each_item_has_its_own_error_and_equal_ones_share_a_line() {
    let good = sample();
    let cut = STANDARD.encode(&good.sealed[..100]);
    let mut damaged = good.sealed.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let sealed: crds::SealedSecret = serde_json::from_value(serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": VALUES.name, "namespace": VALUES.namespace},
        "spec": {"encryptedData": {
            "good": STANDARD.encode(&good.sealed),
            "placeholder": "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq...",
            "cut": cut,
            "damaged": STANDARD.encode(&damaged),
            "foreign b": STANDARD.encode(foreign(&good.sealed)),
            "foreign a": STANDARD.encode(foreign(&good.sealed)),
        }},
    }))
    .unwrap();
    let error = common::unseal(&sealed, &good.ring).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ciphertext is cut short: 100 bytes, at least 274 expected (cut)\n\
         the ciphertext is damaged (damaged)\n\
         no key could decrypt secret (foreign a, foreign b)\n\
         illegal base64 data at input byte 32 (placeholder)"
    );
    let UnsealError::Items(items) = error else {
        panic!("{error:?}")
    };
    assert_eq!(items.0["foreign a"], ItemError::Open(NO_KEY));
    assert!(!items.0.contains_key("good"));
}

/// Each message names its item, so that none is equal to another: grouping them must not cost the square of their number.
#[test]
fn many_failing_items_are_counted() {
    const ITEMS: usize = 45_000;
    let items = (0..ITEMS).map(|n| {
        let undefined = gotmpl::Template::parse(&n.to_string(), "{{ f }}", &gotmpl::Functions::with_sprig());
        let error = ItemError::Render(undefined.err().unwrap().into());
        (format!("i{n:05}"), error)
    });
    let errors = UnsealError::Items(sealing::unseal::ItemErrors(items.collect()));
    let text = errors.to_string();
    assert_eq!(text.lines().count(), 257);
    assert!(text.ends_with("\nand 44744 more items"), "{text}");
}

/// The same lengths, another session key block.
fn foreign(sealed: &[u8]) -> Vec<u8> {
    let mut bytes = sealed.to_vec();
    bytes[100] ^= 0xff;
    bytes
}
