//! Whole SealedSecrets in both versions: what is written in which, what opens, and that nothing is lowered unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::SealedSecret;
use jiff::Timestamp;
use manifest::edit::{Change, Edit, edit};
use sealing::binding::Scope;
use sealing::cert::{CertParameters, SealingCert};
use sealing::keyring::{KeyRing, OpenError};
use sealing::merge::{self, MergeError, MergeParameters, merge, seal_items};
use sealing::reseal::response::{self, ResponseError};
use sealing::reseal::{ResealError, Which, reseal};
use sealing::seal::{SealError, SealParameters, seal};
use sealing::sealer::{Format, SealItemError, Sealer};
use sealing::secret::ClearSecret;
use sealing::unseal::{self, ItemError, UnsealError};
use sealing::{SecretBytes, SystemRandom};

use super::key;
use crate::common;

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: one, b: two}\n";

/// A certificate of `rsa2048` with the hybrid key of this number.
fn hybrid_cert(number: u8) -> SealingCert {
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: Timestamp::UNIX_EPOCH,
        not_after: "2040-01-01T00:00:00Z".parse().unwrap(),
    };
    let private = common::key("rsa2048").private();
    SealingCert::self_signed_hybrid(
        &private,
        key(number).public(),
        &parameters,
        &mut SystemRandom::default(),
    )
    .unwrap()
}

/// `rsa2048` with the hybrid key of this number.
fn ring(number: u8) -> KeyRing {
    let mut ring = KeyRing::default();
    let private = Arc::new(common::key("rsa2048").private());
    ring.insert_hybrid(private, Some(Arc::new(key(number))), Timestamp::UNIX_EPOCH);
    ring
}

fn clear(text: &str) -> ClearSecret {
    ClearSecret::from_document(&manifest::read(text.as_bytes()).unwrap()[0]).unwrap()
}

fn sealed(sealer: &Sealer<'_>, scope: Scope) -> Result<SealedSecret, SealError> {
    let parameters = SealParameters {
        scope,
        ..SealParameters::default()
    };
    seal(&clear(SECRET), &parameters, sealer, &mut SystemRandom::default())
}

fn formats(sealed: &SealedSecret) -> Vec<Option<Format>> {
    sealed
        .spec
        .encrypted_data
        .values()
        .map(|text| Format::of(text))
        .collect()
}

fn changed(sealed: &SealedSecret, changes: Vec<Change>) -> SealedSecret {
    let text = manifest::to_yaml(sealed).unwrap();
    let documents = manifest::read(text.as_bytes()).unwrap();
    let document = &documents[0];
    let text = edit(text.as_bytes(), &[Edit { document, changes }]).unwrap();
    unseal::sealed_secret(&manifest::read(&text).unwrap()[0]).unwrap()
}

fn opened(sealed: &SealedSecret, keys: &KeyRing) -> BTreeMap<String, String> {
    let items = common::unseal(sealed, keys).unwrap().secret.items;
    let text = |value: SecretBytes| String::from_utf8(value.expose().to_vec()).unwrap();
    items.into_iter().map(|(item, value)| (item, text(value))).collect()
}

fn set(target: &SealedSecret, item: &str, sealer: &Sealer<'_>) -> Result<SealedSecret, MergeError> {
    let items = BTreeMap::from([(item.to_owned(), SecretBytes::new(b"new".to_vec()))]);
    let changes = seal_items(target, &items, false, sealer, &mut SystemRandom::default())?;
    Ok(changed(target, changes))
}

fn resealed(object: &SealedSecret, to: &Sealer<'_>, which: Which) -> Result<SealedSecret, ResealError> {
    let resealed = reseal(object, &ring(1), &[], to, which, &mut SystemRandom::default())?;
    Ok(changed(object, resealed.changes(object, false)))
}

#[test]
fn an_object_of_version_2_opens_whole_and_item_by_item_under_its_names_alone() {
    let cert = hybrid_cert(1);
    for scope in Scope::ALL {
        let object = sealed(&Sealer::new(&cert, Format::V2), scope).unwrap();
        assert_eq!(formats(&object), [Some(Format::V2); 2]);
        let expected = [("a", "one"), ("b", "two")].map(|(item, value)| (item.to_owned(), value.to_owned()));
        assert_eq!(opened(&object, &ring(1)), BTreeMap::from(expected), "{scope}");
        let by = unseal::verify(&object, &ring(1), &[]).unwrap();
        assert_eq!(by, BTreeSet::from([cert.public().fingerprint().clone()]));

        let mut swapped = object.clone();
        let values: Vec<_> = object.spec.encrypted_data.values().rev().cloned().collect();
        swapped
            .spec
            .encrypted_data
            .values_mut()
            .zip(values)
            .for_each(|(to, from)| *to = from);
        let error = common::unseal(&swapped, &ring(1)).unwrap_err();
        let UnsealError::Items(errors) = error else {
            panic!("{error}")
        };
        let not_bound = |error: &ItemError| matches!(error, ItemError::Open(OpenError::NotBound { .. }));
        assert!(errors.0.len() == 2 && errors.0.values().all(not_bound), "{errors}");

        let error = common::unseal(&object, &ring(2)).unwrap_err().to_string();
        assert!(error.contains("not here (key id "), "{error}");
        // The RSA key alone says the same.
        let error = common::unseal(&object, &common::key("rsa2048").ring())
            .unwrap_err()
            .to_string();
        assert!(error.contains("not here (key id "), "{error}");
    }
}

#[test]
fn without_a_hybrid_key_nothing_is_sealed_in_version_1_instead() {
    let cert = common::key("rsa2048").cert();
    let error = sealed(&Sealer::new(&cert, Format::V2), Scope::Strict).unwrap_err();
    assert_eq!(error, SealError::Item(SealItemError::NoHybridKey));
    let cert = hybrid_cert(1);
    let error = sealed(&Sealer::new(&cert, Format::V2).rsa_only(), Scope::Strict).unwrap_err();
    assert_eq!(error, SealError::Item(SealItemError::HybridKeyNotPinned));
    let object = sealed(&Sealer::new(&cert, Format::V1).rsa_only(), Scope::Strict).unwrap();
    assert_eq!(formats(&object), [Some(Format::V1); 2]);
}

#[test]
fn what_is_added_has_the_version_of_what_is_there_or_a_later_one() {
    let (cert, old_cert) = (hybrid_cert(1), common::key("rsa2048").cert());
    let v1 = sealed(&Sealer::new(&cert, Format::V1), Scope::Strict).unwrap();
    let v2 = sealed(&Sealer::new(&cert, Format::V2), Scope::Strict).unwrap();
    let (first, second) = (Some(Format::V1), Some(Format::V2));
    let cases = [
        (&v1, Sealer::new(&cert, Format::V2).keeping(), [first, first, first]),
        (&v1, Sealer::new(&cert, Format::V2), [first, first, second]),
        (&v2, Sealer::new(&cert, Format::V1), [second, second, second]),
        (&v2, Sealer::new(&cert, Format::V1).keeping(), [second, second, second]),
        (&v2, Sealer::new(&cert, Format::V1).lowering(), [second, second, first]),
    ];
    for (target, sealer, expected) in cases {
        let after = set(target, "c", &sealer).unwrap();
        assert_eq!(formats(&after), expected, "{sealer:?}");
        assert_eq!(opened(&after, &ring(1))["c"], "new");
    }
    // Beside a value of format v2, and in place of one.
    for item in ["a", "c"] {
        let error = set(&v2, item, &Sealer::new(&old_cert, Format::V1)).unwrap_err();
        assert_eq!(error, MergeError::Item(SealItemError::NoHybridKey));
    }
    let error = merge(
        &v2,
        &clear(SECRET),
        &MergeParameters::default(),
        &Sealer::of_key(old_cert.public()),
        &mut SystemRandom::default(),
    );
    assert_eq!(error.unwrap_err(), MergeError::Item(SealItemError::NoHybridKey));
}

/// For the day when there is a version 3: a program of today does not take what it does not know back to what it knows.
#[test]
fn beside_and_over_a_later_version_nothing_is_sealed() {
    let cert = hybrid_cert(1);
    let mut later = sealed(&Sealer::new(&cert, Format::V2), Scope::Strict).unwrap();
    later.spec.encrypted_data.insert("b".to_owned(), "AAADAQ==".to_owned());
    for sealer in [
        Sealer::new(&cert, Format::V1),
        Sealer::new(&cert, Format::V2),
        Sealer::new(&cert, Format::V2).keeping(),
    ] {
        for item in ["b", "c"] {
            let error = set(&later, item, &sealer).unwrap_err();
            assert_eq!(error, MergeError::Item(SealItemError::LaterFormat));
        }
    }
    let v1 = sealed(&Sealer::new(&cert, Format::V1), Scope::Strict).unwrap();
    assert_eq!(
        response::changes(&later, &v1),
        Err(ResponseError::Lowered("a".to_owned()))
    );
    // One of format v2 that is damaged is one of format v2.
    later.spec.encrypted_data.insert("b".to_owned(), "AAACAQ!".to_owned());
    later.spec.encrypted_data.remove("a");
    let after = set(&later, "c", &Sealer::new(&cert, Format::V1)).unwrap();
    assert_eq!(Format::of(&after.spec.encrypted_data["c"]), Some(Format::V2));
}

#[test]
fn comparing_with_a_clear_secret_opens_either_version() {
    let cert = hybrid_cert(1);
    let mixed = set(
        &sealed(&Sealer::new(&cert, Format::V1), Scope::Strict).unwrap(),
        "c",
        &Sealer::new(&cert, Format::V2),
    );
    let held = merge::compare_items(&mixed.unwrap(), &clear(SECRET).items, &ring(1)).unwrap();
    let same = merge::Held::Same(cert.public().fingerprint().clone(), None);
    assert_eq!(
        held,
        BTreeMap::from([("a".to_owned(), same.clone()), ("b".to_owned(), same)])
    );
}

#[test]
fn resealing_keeps_raises_and_lowers_only_by_name() {
    let (cert, old_cert) = (hybrid_cert(1), common::key("rsa2048").cert());
    let v1 = sealed(&Sealer::new(&cert, Format::V1), Scope::NamespaceWide).unwrap();
    let raised = resealed(&v1, &Sealer::new(&cert, Format::V2), Which::OfOtherKeys).unwrap();
    assert_eq!(
        formats(&raised),
        [Some(Format::V2); 2],
        "though the key is the newest already"
    );
    assert_eq!(opened(&raised, &ring(1)), opened(&v1, &ring(1)));
    let again = resealed(&raised, &Sealer::new(&cert, Format::V2), Which::OfOtherKeys).unwrap();
    assert_eq!(again, raised, "all stays");
    let kept = resealed(&raised, &Sealer::new(&cert, Format::V1), Which::All).unwrap();
    assert_eq!(formats(&kept), [Some(Format::V2); 2]);
    let error = resealed(&raised, &Sealer::new(&old_cert, Format::V1), Which::All).unwrap_err();
    assert_eq!(error, ResealError::Item(SealItemError::NoHybridKey));
    let lowered = resealed(
        &raised,
        &Sealer::new(&old_cert, Format::V1).lowering(),
        Which::OfOtherKeys,
    )
    .unwrap();
    assert_eq!(formats(&lowered), [Some(Format::V1); 2]);
    assert_eq!(opened(&lowered, &ring(1)), opened(&v1, &ring(1)));
}

/// An object of many short values becomes several times as long: whoever asks for that pays for no more than can be stored.
#[test]
fn what_no_object_can_hold_is_not_resealed() {
    let cert = hybrid_cert(1);
    let random = &mut SystemRandom::default();
    let binding = sealing::binding::Binding::ClusterWide;
    let short = Sealer::new(&cert, Format::V1)
        .seal(None, b"", &binding, "", random)
        .unwrap();
    let mut many = sealed(&Sealer::new(&cert, Format::V1), Scope::ClusterWide).unwrap();
    many.spec.encrypted_data = (0..1_000).map(|item| (format!("item-{item}"), short.clone())).collect();
    let raise = Sealer::new(&cert, Format::V2);
    assert_eq!(resealed(&many, &raise, Which::All), Err(ResealError::TooLarge));
    many.spec.encrypted_data = many.spec.encrypted_data.into_iter().take(100).collect();
    assert!(resealed(&many, &raise, Which::All).is_ok());
}

#[test]
fn an_answer_that_lowers_a_value_is_refused() {
    let cert = hybrid_cert(1);
    let v1 = sealed(&Sealer::new(&cert, Format::V1), Scope::Strict).unwrap();
    let v2 = sealed(&Sealer::new(&cert, Format::V2), Scope::Strict).unwrap();
    assert_eq!(response::changes(&v2, &v1), Err(ResponseError::Lowered("a".to_owned())));
    assert_eq!(response::changes(&v1, &v2).unwrap().len(), 2);
}

#[test]
fn where_version_1_is_not_accepted_it_does_not_open() {
    let cert = hybrid_cert(1);
    let keys = ring(1).accepting(Format::V2);
    let v1 = sealed(&Sealer::new(&cert, Format::V1), Scope::Strict).unwrap();
    let error = common::unseal(&v1, &keys).unwrap_err().to_string();
    assert_eq!(
        error,
        "sealed in format v1, which is not accepted here: seal it anew, or reseal it with private keys (a, b)"
    );
    assert!(common::unseal(&sealed(&Sealer::new(&cert, Format::V2), Scope::Strict).unwrap(), &keys).is_ok());
}

/// Lengths of values between 0 and 4 kB: how many different ones are seen from outside.
#[test]
fn sizes_hide_lengths() {
    let (cert, mut seen) = (hybrid_cert(1), BTreeSet::new());
    let sealer = Sealer::new(&cert, Format::V2);
    let binding = sealing::binding::Binding::ClusterWide;
    let random = &mut SystemRandom::default();
    // 1,000 lengths, which come around to all residues.
    for length in (0..1000_usize).map(|step| step * 1_637 % 4_097) {
        let text = sealer.seal(None, &vec![b'x'; length], &binding, "a", random).unwrap();
        let inspected = sealing::inspect::inspect(&text).unwrap();
        assert!(inspected.least_len() <= length, "{length}: {inspected:?}");
        seen.insert(text.len());
    }
    assert!(seen.len() <= 90, "{}", seen.len());
}

/// The RSA key is the certificate's, and the hybrid key is another: such a value is not current.
#[test]
fn a_value_of_another_hybrid_key_beside_the_same_rsa_key_is_resealed() {
    let (former, own) = (hybrid_cert(3), hybrid_cert(1));
    let mut keys = ring(1);
    let private = Arc::new(common::key("rsa2048").private());
    keys.insert_hybrid(private, Some(Arc::new(key(3))), Timestamp::UNIX_EPOCH);
    let reseal = |object: &SealedSecret, to: &Sealer<'_>| {
        reseal(object, &keys, &[], to, Which::OfOtherKeys, &mut SystemRandom::default()).unwrap()
    };
    let to = Sealer::new(&own, Format::V2);
    let object = sealed(&Sealer::new(&former, Format::V2), Scope::Strict).unwrap();
    let made = reseal(&object, &to);
    assert_eq!((made.items.len(), made.kept), (2, 0));
    let object = changed(&object, made.changes(&object, false));
    assert_eq!(reseal(&object, &to).kept, 2);
    assert_eq!(opened(&object, &ring(1)).len(), 2);
    // Where the certificate's hybrid key may not be used, the RSA key tells.
    assert_eq!(
        reseal(&object, &Sealer::new(&own, Format::V1).rsa_only().keeping()).kept,
        2
    );
    // Of format v1, too.
    let object = sealed(&Sealer::new(&former, Format::V1), Scope::Strict).unwrap();
    assert_eq!(reseal(&object, &Sealer::new(&own, Format::V1)).kept, 2);
    let held = merge::compare_items(
        &sealed(&Sealer::new(&former, Format::V2), Scope::Strict).unwrap(),
        &clear(SECRET).items,
        &keys,
    );
    let by = merge::Held::Same(own.public().fingerprint().clone(), Some(key(3).public().id()));
    assert!(held.unwrap().values().all(|held| *held == by));
    assert!(!to.seals_with(own.public().fingerprint(), Some(key(3).public().id())));
}
