//! Values changed at random, and values of a sealer that keeps to no rule: none opens that must not, and none makes a panic.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sealing::binding::Scope;
use sealing::v2::{self, Context, Envelope, OpenError, PrivateKey};

use super::{context, keys, oracle, seal};

const STANZA: usize = 1176;

/// How many values got how far.
#[derive(Debug, Default)]
struct Depth {
    malformed: u64,
    no_such_key: u64,
    /// A held key was tried.
    hpke: u64,
    /// A held key opened the content key.
    body: u64,
    opened: u64,
}

struct Scene {
    context: Context,
    keys: Vec<PrivateKey>,
    /// Valid values of one to three recipients, some of the same.
    values: Vec<Vec<u8>>,
    /// A header whose content key is known.
    header: Vec<u8>,
}

const CONTENT_KEY: [u8; 32] = [5; 32];

impl Scene {
    fn new() -> Self {
        let (context, keys) = (context(Scope::Strict), keys(3));
        let lengths = [0, 1, 31, 32, 100, 700];
        let values = lengths.iter().zip([1, 2, 3, 1, 2, 3]);
        let values = values.map(|(length, recipients)| seal(&vec![7; *length], &context, &keys[..recipients]));
        let values = values.collect();
        let prefix = oracle::prefix(1);
        let header = [&prefix[..], &oracle::stanza(&prefix, &keys[0], &CONTENT_KEY, &context)].concat();
        Self {
            context,
            keys,
            values,
            header,
        }
    }

    /// A value, and whether it must open.
    fn value(&self, random: &mut StdRng) -> (Vec<u8>, bool) {
        let mut value = self.values[random.gen_range(0..self.values.len())].clone();
        let header = 5 + usize::from(value[4]) * STANZA;
        match random.gen_range(0..8) {
            0 => {
                let (length, count) = (random.gen_range(0..3 * STANZA), random.gen_range(0..4));
                let tail = (0..length).map(|_| random.r#gen::<u8>());
                return ([0, 0, 2, 1, count].into_iter().chain(tail).collect(), false);
            }
            1 => value.truncate(random.gen_range(0..value.len())),
            2 => value.extend((0..random.gen_range(1..20)).map(|_| random.r#gen::<u8>())),
            3 => {
                let other = &self.values[random.gen_range(0..self.values.len())];
                let length = random.gen_range(1..STANZA);
                let at = random.gen_range(0..value.len().min(other.len()) - length);
                let same = value[at..at + length] == other[at..at + length];
                value[at..at + length].copy_from_slice(&other[at..at + length]);
                return (value, same);
            }
            4 | 5 => {
                for _ in 0..random.gen_range(1..4) {
                    let at = random.gen_range(0..value.len());
                    value[at] ^= random.gen_range(1..=255_u8);
                }
                // Two changes of one byte may take each other back.
                let same = self.values.contains(&value);
                return (value, same);
            }
            6 => {
                let at = random.gen_range(header..value.len());
                value[at] ^= random.gen_range(1..=255_u8);
            }
            _ => {
                let length = random.gen_range(30..90);
                let mut padded = vec![0; length];
                let marker = random.gen_range(0..length);
                padded[..marker].fill(random.gen_range(0..=1) * 7);
                padded[marker] = if random.gen_bool(0.9) { 0x80 } else { random.r#gen() };
                let plaintext = padded.iter().rposition(|byte| *byte != 0).map(|at| &padded[..at]);
                let right = plaintext.is_some_and(|plaintext| oracle::pad(plaintext) == padded);
                return (oracle::finish(&self.header, &CONTENT_KEY, &padded), right);
            }
        }
        (value, false)
    }

    fn open(&self, value: &[u8], depth: &mut Depth) -> bool {
        let Ok(envelope) = Envelope::parse(value) else {
            depth.malformed += 1;
            return false;
        };
        let mut tried = false;
        let opened = v2::open(&envelope, &self.context, self.keys.iter(), || {
            tried = true;
            true
        });
        depth.hpke += u64::from(tried);
        match &opened {
            Ok(_) => depth.opened += 1,
            Err(OpenError::Damaged { .. }) => depth.body += 1,
            Err(OpenError::NoSuchKey) => depth.no_such_key += 1,
            Err(_) => {}
        }
        opened.is_ok()
    }
}

fn run(seed: u64, values: u64) -> Depth {
    let (scene, mut random, mut depth) = (Scene::new(), StdRng::seed_from_u64(seed), Depth::default());
    for index in 0..values {
        let (value, right) = scene.value(&mut random);
        assert_eq!(scene.open(&value, &mut depth), right, "seed {seed}, value {index}");
    }
    depth
}

#[test]
fn no_mutation_opens() {
    let depth = run(1, 4_000);
    assert!(depth.malformed > 400 && depth.no_such_key > 10, "{depth:?}");
    assert!(depth.hpke > 2_000 && depth.body > 800 && depth.opened > 10, "{depth:?}");
}
