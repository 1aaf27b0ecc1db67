//! What we seal, an independent implementation opens, and the other way round; and what is not sealed at all.

use proptest::prelude::*;
use sealing::binding::{Binding, Scope};
use sealing::random::{Random, RandomUnavailable};
use sealing::v2::{self, Context, PublicKey, SealError};

use super::{context, key, keys, open, oracle, seal};

fn contexts() -> impl Strategy<Value = Context> {
    let scope = prop::sample::select(Scope::ALL.to_vec());
    (scope, "[a-z0-9ß密.-]{1,40}", "[a-zA-Z0-9 /._-]{1,60}", "[a-z._-]{0,20}").prop_map(
        |(scope, namespace, name, item)| Context::new(&Binding::new(scope, &namespace, &name).unwrap(), &item).unwrap(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_oracle_opens_what_we_seal(context in contexts(), plaintext: Vec<u8>, recipients in 1_u8..4) {
        let sealed = seal(&plaintext, &context, &keys(recipients));
        let padded = oracle::pad(&plaintext);
        prop_assert_eq!(sealed.len(), 5 + usize::from(recipients) * 1176 + 32 + padded.len() + 16);
        for index in 0..recipients {
            let opened = oracle::open_padded(&sealed, &context, &[index + 1; 32], usize::from(index));
            prop_assert_eq!(&opened, &padded);
        }
    }

    #[test]
    fn we_open_what_the_oracle_seals(context in contexts(), plaintext: Vec<u8>, recipients in 1_u8..4) {
        let sealed = oracle::seal_padded(&oracle::pad(&plaintext), &context, &keys(recipients));
        for number in 1..=recipients {
            let key = key(number);
            let id = key.public().id();
            prop_assert_eq!(open(&sealed, &context, &[key]), Ok((plaintext.clone(), id)));
        }
    }
}

#[test]
fn no_two_seals_of_one_value_share_anything_secret() {
    let (context, keys) = (context(Scope::Strict), keys(1));
    let (one, two) = (seal(b"x", &context, &keys), seal(b"x", &context, &keys));
    let differ = |range: std::ops::Range<usize>| assert_ne!(one[range.clone()], two[range]);
    differ(13..13 + 1088);
    differ(13 + 1088..13 + 1120);
    differ(13 + 1120..5 + 1176);
    differ(5 + 1176..5 + 1176 + 32);
    differ(5 + 1176 + 32..one.len());
}

#[test]
fn recipients_are_one_to_sixteen_and_different() {
    let context = context(Scope::ClusterWide);
    let held = keys(17);
    let public: Vec<&PublicKey> = held.iter().map(|key| key.public()).collect();
    let try_seal = |recipients: &[&PublicKey]| {
        v2::seal(b"x", &context, recipients, &mut sealing::SystemRandom::default()).map(drop)
    };
    assert_eq!(try_seal(&[]), Err(SealError::Recipients(0)));
    assert_eq!(try_seal(&public), Err(SealError::Recipients(17)));
    assert_eq!(try_seal(&public[..16]), Ok(()));
    let repeated = [public[0], public[1], public[0]];
    assert_eq!(try_seal(&repeated), Err(SealError::Repeated(public[0].id())));
}

#[test]
fn nothing_is_sealed_without_randomness() {
    struct Nothing;
    impl Random for Nothing {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
            Err(RandomUnavailable)
        }
    }
    let sealed = v2::seal(b"x", &context(Scope::Strict), &[key(1).public()], &mut Nothing);
    assert_eq!(sealed, Err(SealError::Bytes(RandomUnavailable.into())));
}
