//! Broken and hostile values: each has its class of error, and none opens.

use std::cell::Cell;

use sealing::binding::{Binding, Scope};
use sealing::envelope::EnvelopeError;
use sealing::v2::{self, Context, Envelope, OpenError, PublicKey};

use super::{Refusal, context, key, keys, open, oracle, seal};

const STANZA: usize = 1176;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
const SMALLEST: usize = 5 + STANZA + COMMITMENT + 32 + TAG;

fn truncated(have: usize, need: usize) -> Refusal {
    Refusal::Malformed(EnvelopeError::Truncated { have, need })
}

#[test]
fn every_truncation_is_named() {
    let (context, keys) = (context(Scope::Strict), keys(1));
    let id = keys[0].public().id();
    let sealed = seal(&[7; 100], &context, &keys);
    for end in 0..sealed.len() {
        let error = open(&sealed[..end], &context, &keys).unwrap_err();
        // With at least the smallest body left the lengths are plausible; then the tag does not match.
        let expected = match end {
            2 => Refusal::Malformed(EnvelopeError::BadLength(0)),
            SMALLEST.. => Refusal::Open(OpenError::Damaged { key: id }),
            _ => truncated(end, SMALLEST),
        };
        assert_eq!(error, expected, "cut at {end}");
    }
    let longer = [&sealed[..], &[0]].concat();
    let damaged = Refusal::Open(OpenError::Damaged { key: id });
    assert_eq!(open(&longer, &context, &keys), Err(damaged), "a byte too many");
}

#[test]
fn every_flipped_byte_is_refused_in_its_class() {
    let (context, keys) = (context(Scope::Strict), keys(2));
    let id = keys[0].public().id();
    let sealed = seal(b"hunter2", &context, &keys);
    for at in 0..sealed.len() {
        let mut bytes = sealed.clone();
        bytes[at] ^= 0x81;
        let error = open(&bytes, &context, &keys[..1]).unwrap_err();
        let expected = match at {
            0 => Refusal::Malformed(EnvelopeError::BadLength(0x8100)),
            1 => Refusal::Malformed(EnvelopeError::BadLength(0x81)),
            2 => Refusal::Malformed(EnvelopeError::NewerFormat(0x83)),
            3 => Refusal::Malformed(EnvelopeError::UnknownSuite(0x80)),
            4 => Refusal::Malformed(EnvelopeError::Recipients(0x83)),
            5..13 => Refusal::Open(OpenError::NoSuchKey),
            13..1181 => Refusal::Open(OpenError::NotBound { key: id }),
            _ => Refusal::Open(OpenError::Damaged { key: id }),
        };
        assert_eq!(error, expected, "byte {at}");
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    let context = context(Scope::Strict);
    let keys = keys(2);
    let sealed = seal(b"x", &context, &keys);
    for count in 0..=u8::MAX {
        let mut bytes = sealed.clone();
        bytes[4] = count;
        let expected = match count {
            0 | 17.. => Refusal::Malformed(EnvelopeError::Recipients(count)),
            // The number is bound to every stanza.
            1 => Refusal::Open(OpenError::NotBound {
                key: keys[0].public().id(),
            }),
            2 => continue,
            _ => truncated(sealed.len(), SMALLEST + usize::from(count - 1) * STANZA),
        };
        assert_eq!(open(&bytes, &context, &keys), Err(expected), "{count} recipients");
    }
}

#[test]
fn recipients_cannot_be_moved() {
    let context = context(Scope::Strict);
    let keys = keys(2);
    let id = |index: usize| keys[index].public().id();
    let (one, other) = (seal(b"one", &context, &keys), seal(b"other", &context, &keys));
    let (first, second) = (5..5 + STANZA, 5 + STANZA..5 + 2 * STANZA);
    let with = |parts: &[&[u8]]| parts.concat();
    let rest = &one[second.end..];

    let swapped = with(&[&one[..5], &one[second.clone()], &one[first.clone()], rest]);
    let damaged = |index| Err(Refusal::Open(OpenError::Damaged { key: id(index) }));
    assert_eq!(open(&swapped, &context, &keys), damaged(1), "swapped");

    let removed = with(&[&[0, 0, 2, 1, 1], &one[first.clone()], rest]);
    let not_bound = Err(Refusal::Open(OpenError::NotBound { key: id(0) }));
    assert_eq!(open(&removed, &context, &keys), not_bound, "removed");

    let repeated = with(&[&one[..5], &one[first.clone()], &one[first.clone()], rest]);
    let twice = Err(Refusal::Malformed(EnvelopeError::RepeatedRecipient));
    assert_eq!(open(&repeated, &context, &keys), twice, "repeated");

    for index in [0, 1] {
        let mut spliced = one.clone();
        let stanza = [&first, &second][index].clone();
        spliced[stanza.clone()].copy_from_slice(&other[stanza]);
        assert_eq!(
            open(&spliced, &context, &keys[index..=index]),
            damaged(index),
            "spliced"
        );
        // Also for whoever's own stanza was left alone.
        let untouched = 1 - index;
        assert_eq!(
            open(&spliced, &context, &keys[untouched..=untouched]),
            damaged(untouched)
        );
    }
    let added = with(&[
        &[0, 0, 2, 1, 3],
        &one[5..second.end],
        &oracle::stanza(&oracle::prefix(3), &key(9), &[7; 32], &context),
        rest,
    ]);
    let not_bound = Err(Refusal::Open(OpenError::NotBound { key: id(1) }));
    assert_eq!(open(&added, &context, &keys), not_bound, "added");
}

#[test]
fn an_id_is_a_hint_and_decides_nothing() {
    let context = context(Scope::Strict);
    let sealed = seal(b"x", &context, &keys(1));
    let other = key(2);
    assert_eq!(
        open(&sealed, &context, &[key(2)]),
        Err(Refusal::Open(OpenError::NoSuchKey))
    );
    let mut renamed = sealed.clone();
    renamed[5..13].copy_from_slice(&other.public().id().to_bytes());
    let not_bound = OpenError::NotBound {
        key: other.public().id(),
    };
    assert_eq!(
        open(&renamed, &context, &[key(1), key(2)]),
        Err(Refusal::Open(not_bound))
    );
}

#[test]
fn all_recipients_get_one_plaintext() {
    let context = context(Scope::Strict);
    let keys = keys(2);
    let prefix = oracle::prefix(2);
    let (mine, yours) = ([1; 32], [2; 32]);
    let stanzas = [
        oracle::stanza(&prefix, &keys[0], &mine, &context),
        oracle::stanza(&prefix, &keys[1], &yours, &context),
    ];
    let header = [prefix, stanzas.concat()].concat();
    let sealed = oracle::finish(&header, &mine, &oracle::pad(b"one"));
    assert!(open(&sealed, &context, &keys[..1]).is_ok());
    let damaged = OpenError::Damaged {
        key: keys[1].public().id(),
    };
    assert_eq!(open(&sealed, &context, &keys[1..]), Err(Refusal::Open(damaged)));
}

#[test]
fn the_commitment_is_checked() {
    let context = context(Scope::Strict);
    let keys = keys(1);
    let prefix = oracle::prefix(1);
    let content_key = [1; 32];
    let header = [&prefix[..], &oracle::stanza(&prefix, &keys[0], &content_key, &context)].concat();
    let body = oracle::body(&content_key, &header, &oracle::pad(b"x"));
    let with = |commitment: [u8; 32]| open(&[&header[..], &commitment, &body].concat(), &context, &keys);
    assert!(with(oracle::commitment(&content_key, &header)).is_ok());
    let damaged = Err(Refusal::Open(OpenError::Damaged {
        key: keys[0].public().id(),
    }));
    assert_eq!(with(oracle::commitment(&[2; 32], &header)), damaged);
    assert_eq!(with([0; 32]), damaged);
}

#[test]
fn a_content_key_of_another_length_is_refused() {
    // A stanza's length is fixed, so it takes a longer stanza elsewhere to say so; the bytes then no longer fit.
    let context = context(Scope::Strict);
    let keys = keys(1);
    let prefix = oracle::prefix(1);
    for length in [0, 31, 33] {
        let content_key = vec![1; length];
        let header = [&prefix[..], &oracle::stanza(&prefix, &keys[0], &content_key, &context)].concat();
        let sealed = [&header[..], &[7; 32], &[7; 32 + 16]].concat();
        assert!(open(&sealed, &context, &keys).is_err(), "{length}");
    }
}

#[test]
fn only_the_shortest_padding_opens() {
    let context = context(Scope::Strict);
    let keys = keys(1);
    let damaged = Err(Refusal::Open(OpenError::Damaged {
        key: keys[0].public().id(),
    }));
    let padded = |begin: &[u8], length: usize| {
        let mut padded = begin.to_vec();
        padded.resize(length, 0);
        padded
    };
    let opened = open(
        &oracle::seal_padded(&padded(b"x\x80", 32), &context, &keys),
        &context,
        &keys,
    );
    assert_eq!(opened.unwrap().0, b"x");
    for (what, bytes) in [
        ("longer than needed", padded(b"x\x80", 36)),
        ("much longer", padded(b"x\x80", 4096)),
        ("not Padmé's", padded(&[&[7; 32][..], &[0x80]].concat(), 33)),
        ("no marker", padded(b"x", 32)),
        ("another marker", padded(b"x\x81", 32)),
        ("nothing", padded(b"", 32)),
        (
            "something behind the marker",
            [&padded(b"x\x80", 31)[..], &[1]].concat(),
        ),
    ] {
        let sealed = oracle::seal_padded(&bytes, &context, &keys);
        assert_eq!(open(&sealed, &context, &keys), damaged, "{what}");
    }
    let short = oracle::seal_padded(&padded(b"x\x80", 31), &context, &keys);
    assert_eq!(open(&short, &context, &keys), Err(truncated(SMALLEST - 1, SMALLEST)));
}

#[test]
fn a_value_opens_in_its_place_alone() {
    let place =
        |scope, namespace, name, item| Context::new(&Binding::new(scope, namespace, name).unwrap(), item).unwrap();
    let keys = keys(1);
    let not_bound = Err(Refusal::Open(OpenError::NotBound {
        key: keys[0].public().id(),
    }));
    let at = |scope| place(scope, "default", "db", "password");
    for scope in Scope::ALL {
        let sealed = seal(b"x", &at(scope), &keys);
        for (other, opens) in [
            (at(Scope::Strict), scope == Scope::Strict),
            (at(Scope::NamespaceWide), scope == Scope::NamespaceWide),
            (at(Scope::ClusterWide), scope == Scope::ClusterWide),
            (place(scope, "default", "other", "password"), scope != Scope::Strict),
            (place(scope, "other", "db", "password"), scope == Scope::ClusterWide),
            (place(scope, "default", "db", "user"), false),
            (place(scope, "default", "db", ""), false),
        ] {
            let opened = open(&sealed, &other, &keys);
            if opens {
                assert!(opened.is_ok(), "{scope} {other:?}");
            } else {
                assert_eq!(opened, not_bound, "{scope} {other:?}");
            }
        }
    }
}

#[test]
fn a_share_of_low_order_is_refused() {
    let (context, keys) = (context(Scope::Strict), keys(1));
    let sealed = seal(b"x", &context, &keys);
    let share = 5 + 8 + 1088..5 + 8 + 1120;
    let one = [&[1][..], &[0; 31]].concat();
    for low in [vec![0; 32], one] {
        let mut bytes = sealed.clone();
        bytes[share.clone()].copy_from_slice(&low);
        let not_bound = OpenError::NotBound {
            key: keys[0].public().id(),
        };
        assert_eq!(open(&bytes, &context, &keys), Err(Refusal::Open(not_bound)));
        let mut public = keys[0].public().as_bytes().to_vec();
        public[1184..].copy_from_slice(&low);
        assert!(PublicKey::from_bytes(&public).is_err());
    }
    let mut out_of_range = keys[0].public().as_bytes().to_vec();
    out_of_range[..2].copy_from_slice(&[0xff, 0xff]);
    assert!(PublicKey::from_bytes(&out_of_range).is_err());
}

#[test]
fn a_value_costs_an_operation_for_each_recipient_at_most() {
    let (here, there) = (context(Scope::Strict), context(Scope::ClusterWide));
    let keys = keys(16);
    let sealed = seal(b"x", &here, &keys);
    let envelope = Envelope::parse(&sealed).unwrap();
    let operations = Cell::new(0);
    let count = || {
        operations.set(operations.get() + 1);
        operations.get() <= 10
    };
    assert!(v2::open(&envelope, &here, keys.iter(), count).is_ok());
    assert_eq!(operations.replace(0), 1);
    let stopped = v2::open(&envelope, &there, keys.iter(), count).map(drop);
    assert_eq!((stopped, operations.replace(0)), (Err(OpenError::Interrupted), 11));
    let refused = v2::open(&envelope, &there, keys.iter().chain(&keys[..3]), || {
        operations.set(operations.get() + 1);
        true
    });
    assert!(refused.is_err());
    assert_eq!(operations.get(), 19, "a key that is given twice is tried twice");
}
