//! Both versions through one call of the key ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use sealing::SystemRandom;
use sealing::binding::{Binding, Scope};
use sealing::envelope::EnvelopeError;
use sealing::keyring::{KeyRing, OpenError, Opened, Pace};

use super::{context, key, keys, seal};
use crate::common;

struct Sample {
    ring: KeyRing,
    operations: Arc<AtomicU64>,
}

impl Sample {
    /// `rsa4096` is the newer key and has the hybrid key of number 1; `rsa2048` has number 2.
    fn new() -> Self {
        let operations = Arc::new(AtomicU64::new(0));
        let mut ring = KeyRing::counting(operations.clone());
        for (rsa, hybrid, age) in [("rsa4096", 1, 2), ("rsa2048", 2, 1)] {
            let private = Arc::new(common::key(rsa).private());
            let age = Timestamp::from_second(age).unwrap();
            ring.insert_hybrid(private, Some(Arc::new(key(hybrid))), age);
        }
        Self { ring, operations }
    }

    fn open(&self, bytes: &[u8], scope: Scope, name: &str, item: &str) -> Result<Opened, OpenError> {
        let binding = Binding::new(scope, "default", name).unwrap();
        self.ring.open(bytes, &binding, item, &[])
    }

    fn operations(&self) -> u64 {
        self.operations.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn either_version_opens_and_names_the_rsa_key() {
    let sample = Sample::new();
    let fingerprint = &common::key("rsa2048").fingerprint;
    for scope in Scope::ALL {
        let sealed = seal(b"new", &context(scope), &[key(2)]);
        let opened = sample.open(&sealed, scope, "db", "password").unwrap();
        assert_eq!(
            (opened.plaintext.expose(), opened.key.as_str()),
            (&b"new"[..], &**fingerprint)
        );
        assert_eq!(sample.operations(), 1, "the id leads to the key at once");

        let binding = Binding::new(scope, "default", "db").unwrap();
        let cert = common::key("rsa2048").cert();
        let mut random = SystemRandom::default();
        let sealed = cert.public().seal(b"old", &binding.label(), &mut random).unwrap();
        let opened = sample.open(&sealed, scope, "db", "whatever").unwrap();
        assert_eq!(
            (opened.plaintext.expose(), opened.key.as_str()),
            (&b"old"[..], &**fingerprint)
        );
        sample.operations();
    }
}

#[test]
fn version_2_is_bound_to_its_item_and_names() {
    let sample = Sample::new();
    let not_bound = Err(OpenError::NotBound {
        key: key(1).public().id(),
    });
    for scope in Scope::ALL {
        let sealed = seal(b"p", &context(scope), &[key(1)]);
        assert_eq!(sample.open(&sealed, scope, "db", "user"), not_bound, "{scope}");
        let other_name = sample.open(&sealed, scope, "other", "password");
        assert_eq!(other_name.is_ok(), scope != Scope::Strict, "{scope}");
        for other in Scope::ALL.into_iter().filter(|other| *other != scope) {
            assert_eq!(
                sample.open(&sealed, other, "db", "password"),
                not_bound,
                "{scope} as {other}"
            );
        }
    }
}

#[test]
fn version_2_without_its_key_costs_no_operation() {
    let mut sample = Sample::new();
    let open = |sample: &Sample, sealed: &[u8]| sample.open(sealed, Scope::Strict, "db", "password");
    let no_such_key = |number| {
        Err(OpenError::NoSuchKey {
            ids: vec![key(number).public().id()],
        })
    };
    let sealed = |number| seal(b"p", &context(Scope::Strict), &[key(number)]);
    assert_eq!(open(&sample, &sealed(9)), no_such_key(9));
    assert_eq!(sample.operations(), 0);

    // Held again without the hybrid key, it keeps it; and it goes with both.
    let rsa2048 = Arc::new(common::key("rsa2048").private());
    sample.ring.insert(rsa2048.clone(), Timestamp::UNIX_EPOCH);
    assert!(open(&sample, &sealed(2)).is_ok());
    assert!(sample.ring.remove(rsa2048.public().fingerprint()));
    assert_eq!(open(&sample, &sealed(2)), no_such_key(2));
    sample.ring.insert(rsa2048, Timestamp::UNIX_EPOCH);
    assert_eq!(open(&sample, &sealed(2)), no_such_key(2));
    assert!(open(&sample, &sealed(1)).is_ok());
    let rsa4096 = common::key("rsa4096").private();
    assert!(sample.ring.remove(rsa4096.public().fingerprint()));
    assert_eq!(open(&sample, &sealed(1)), no_such_key(1));
}

#[test]
fn any_recipient_that_is_held_opens() {
    let sample = Sample::new();
    let sealed = seal(b"p", &context(Scope::Strict), &keys(16)[1..]);
    let opened = sample.open(&sealed, Scope::Strict, "db", "password").unwrap();
    assert_eq!(opened.key.as_str(), common::key("rsa2048").fingerprint);
    assert_eq!(sample.operations(), 1);
}

#[test]
fn version_2_follows_the_pace() {
    #[derive(Debug)]
    struct Never;
    impl Pace for Never {
        fn before_operation(&self) -> bool {
            false
        }
    }
    let mut sample = Sample::new();
    sample.ring = sample.ring.at_pace(Arc::new(Never));
    let sealed = seal(b"p", &context(Scope::Strict), &[key(1)]);
    let interrupted = Err(OpenError::Interrupted);
    assert_eq!(sample.open(&sealed, Scope::Strict, "db", "password"), interrupted);
    assert_eq!(sample.operations(), 0);
}

#[test]
fn a_later_version_and_a_name_too_long_are_told() {
    let sample = Sample::new();
    let newer = OpenError::Malformed(EnvelopeError::NewerFormat(3));
    assert_eq!(
        sample.open(&[0, 0, 3, 1, 1], Scope::Strict, "db", "password"),
        Err(newer)
    );
    let sealed = seal(b"p", &context(Scope::Strict), &[key(1)]);
    let long = sample.open(&sealed, Scope::Strict, "db", &"x".repeat(65_536));
    assert!(matches!(long, Err(OpenError::Name(_))));
}

/// Two key Secrets with one RSA key, each with a hybrid key of its own.
#[test]
fn an_rsa_key_holds_each_hybrid_key_that_it_is_given() {
    let private = Arc::new(common::key("rsa2048").private());
    let sealed = |number| seal(b"p", &context(Scope::Strict), &[key(number)]);
    for numbers in [[2, 3], [3, 2]] {
        let mut sample = Sample::new();
        for number in numbers {
            sample
                .ring
                .insert_hybrid(private.clone(), Some(Arc::new(key(number))), Timestamp::UNIX_EPOCH);
        }
        for number in [2, 3] {
            let opened = sample.open(&sealed(number), Scope::Strict, "db", "password").unwrap();
            assert_eq!(opened.key, *private.public().fingerprint());
            assert_eq!(opened.hybrid, Some(key(number).public().id()), "{numbers:?}");
            assert_eq!(sample.operations(), 1);
        }
        assert!(sample.ring.remove(private.public().fingerprint()));
        assert!(sample.open(&sealed(3), Scope::Strict, "db", "password").is_err());
    }
}
