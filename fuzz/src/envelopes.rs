//! Sealed values as strangers write them: any bytes, in both versions, and values of version 2 of a sealer that keeps to no rule.

use std::cell::RefCell;
use std::sync::LazyLock;

use sealing::binding::{Binding, Scope};
use sealing::envelope::{Envelope, EnvelopeError};
use sealing::keyring::OpenError;
use sealing::v2::{Context, KeyId, PrivateKey};

use crate::held::{self, RING};
use crate::oracle;

const ITEM: &str = "password";
const TAG: usize = 16;
const SMALLEST_BODY: usize = 32;

/// Only what was sealed opens: no input that the fuzzer makes, but for the committed ones as they are.
pub fn envelope(bytes: &[u8]) {
    if let Ok(parts) = Envelope::parse(bytes) {
        assert_eq!(parts.to_bytes().as_deref(), Some(bytes));
    }
    if let Ok(opened) = RING.open(bytes, &Binding::ClusterWide, ITEM, &[]) {
        assert_eq!(opened.plaintext.expose(), b"fuzz", "something else opens");
    }
}

/// How many values got how far; said at the end.
#[derive(Default)]
struct Depth {
    values: u64,
    parsed: u64,
    operations: u64,
    hpke: u64,
    content_key: u64,
    body: u64,
    opened: u64,
}

impl Drop for Depth {
    fn drop(&mut self) {
        eprintln!(
            "depth: {} values, {} parsed, {} reached HPKE with a held key ({} operations), {} had their content key opened, \
             {} reached the body, {} opened",
            self.values, self.parsed, self.hpke, self.operations, self.content_key, self.body, self.opened
        );
    }
}

thread_local! {
    static DEPTH: RefCell<Depth> = RefCell::default();
}

/// A content key, sealed for a key: for this number of recipients and this place, right or wrong.
struct Stanza {
    bytes: Vec<u8>,
    /// The number of the key that it is for.
    key: usize,
    recipients: u8,
    right_place: bool,
    content_key: usize,
}

struct Sealer {
    binding: Binding,
    /// The ring holds the first two.
    ids: Vec<KeyId>,
    stanzas: Vec<Stanza>,
}

const HELD: usize = 2;
const MOST_RECIPIENTS: u8 = 3;
const CONTENT_KEYS: [[u8; 32]; 3] = [[5; 32], [6; 32], [0; 32]];

/// To seal for a key takes longer than all else, so it is done once.
static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let binding = Binding::new(Scope::Strict, "default", "db").expect("names");
    let place = |binding: &Binding, item: &str| Context::new(binding, item).expect("short names");
    let places = [
        place(&binding, ITEM),
        place(&binding, "user"),
        place(&Binding::ClusterWide, ITEM),
    ];
    let keys: Vec<PrivateKey> = (1..=3).map(held::hybrid).collect();
    let mut stanzas = Vec::new();
    for (key, to) in keys.iter().enumerate() {
        for recipients in 1..=MOST_RECIPIENTS {
            let prefix = oracle::prefix(recipients);
            for (content_key, bytes) in CONTENT_KEYS.iter().take(2).enumerate() {
                stanzas.extend(places.iter().enumerate().map(|(place, context)| Stanza {
                    bytes: oracle::stanza(&prefix, to, bytes, context),
                    key,
                    recipients,
                    right_place: place == 0,
                    content_key,
                }));
            }
        }
    }
    let ids = keys.iter().map(|key| key.public().id()).collect();
    Sealer { binding, ids, stanzas }
});

/// What the input asks for, byte by byte; zeros at its end.
struct Wishes<'i>(&'i [u8]);

impl Wishes<'_> {
    fn byte(&mut self) -> usize {
        let first = self.0.split_first();
        first.map_or(0, |(byte, rest)| {
            self.0 = rest;
            usize::from(*byte)
        })
    }

    /// Mostly the usual, which is 0.
    fn rare(&mut self, kinds: usize) -> usize {
        (self.byte() + 1).saturating_sub(256 - 16 * (kinds - 1)).div_ceil(16)
    }
}

/// A value, with what must come of it.
struct Sealed<'s> {
    stanzas: Vec<(&'s Stanza, KeyId)>,
    value: Vec<u8>,
    /// Of which content key the commitment is; none when it is of another header too.
    committed: Option<usize>,
    /// The same for the body.
    body: Option<usize>,
    padded: Vec<u8>,
}

/// The input is what the sealer does: each value must come to the end that the rules say, and none that was changed opens.
pub fn v2_values(input: &[u8]) {
    let mut wishes = Wishes(input);
    let sealed = Sealed::by(&mut wishes);
    let mut value = sealed.value.clone();
    for _ in 0..wishes.rare(4) {
        let at = (wishes.byte() << 8 | wishes.byte()) % value.len();
        value[at] ^= wishes.byte() as u8;
    }
    match wishes.rare(3) {
        0 => {}
        1 => value.truncate((wishes.byte() << 8 | wishes.byte()) % value.len()),
        _ => value.extend_from_slice(wishes.0),
    }
    let before = held::operations();
    let opened = RING.open(&value, &SEALER.binding, ITEM, &[]);
    let opened = opened.map(|opened| opened.plaintext.expose().to_vec());
    let expected = sealed.expected();
    let before_body = sealed.value.len() - sealed.padded.len() - TAG;
    let as_sealed = value.get(..before_body) == sealed.value.get(..before_body);
    let body_is_reached = as_sealed && sealed.commitment_holds();
    DEPTH.with_borrow_mut(|depth| {
        let operations = held::operations() - before;
        let content_key_opened = matches!(&opened, Ok(_) | Err(OpenError::BodyDamaged { .. }));
        depth.values += 1;
        depth.parsed += u64::from(!matches!(opened, Err(OpenError::Malformed(_))));
        depth.operations += operations;
        depth.hpke += u64::from(operations > 0);
        depth.content_key += u64::from(content_key_opened);
        depth.body += u64::from(content_key_opened && body_is_reached);
        depth.opened += u64::from(opened.is_ok());
    });
    if value == sealed.value {
        assert_eq!(opened, expected);
    } else {
        assert!(opened.is_err(), "a changed value opens");
    }
}

impl<'s> Sealed<'s> {
    fn by(wishes: &mut Wishes<'_>) -> Self {
        let sealer: &'s Sealer = &SEALER;
        let recipients = 1 + wishes.byte() as u8 % MOST_RECIPIENTS;
        let mut header = oracle::prefix(recipients);
        let mut stanzas = Vec::new();
        for _ in 0..recipients {
            let stanza = sealer.stanza(recipients, wishes);
            let id = match wishes.rare(4) {
                0 => sealer.ids[stanza.key],
                other => sealer.ids[other - 1],
            };
            header.extend(id.to_bytes());
            header.extend(&stanza.bytes[KeyId::LENGTH..]);
            stanzas.push((stanza, id));
        }
        let usual = stanzas[0].0.content_key;
        let mut content_key = || match wishes.rare(4) {
            0 => Some(usual),
            3 => None,
            other => Some((usual + other) % CONTENT_KEYS.len()),
        };
        let (committed, body) = (content_key(), content_key());
        let padded = padded(wishes);
        let other_header = [&header[..], b"x"].concat();
        let made_of = |which: Option<usize>| {
            which.map_or((&CONTENT_KEYS[usual], &other_header), |key| {
                (&CONTENT_KEYS[key], &header)
            })
        };
        let ((commit_key, committed_header), (body_key, body_header)) = (made_of(committed), made_of(body));
        let commitment = oracle::commitment(commit_key, committed_header);
        let ciphertext = oracle::body(body_key, body_header, &padded);
        Self {
            stanzas,
            value: [&header[..], &commitment, &ciphertext].concat(),
            committed,
            body,
            padded,
        }
    }

    /// What the rules say of it.
    fn expected(&self) -> Result<Vec<u8>, OpenError> {
        let malformed = |error| Err(OpenError::Malformed(error));
        if self.padded.len() < SMALLEST_BODY {
            let have = self.value.len();
            let need = have - self.padded.len() + SMALLEST_BODY;
            return malformed(EnvelopeError::Truncated { have, need });
        }
        let mut ids: Vec<_> = self.stanzas.iter().map(|(_, id)| id).collect();
        ids.sort();
        ids.dedup();
        if ids.len() < self.stanzas.len() {
            return malformed(EnvelopeError::RepeatedRecipient);
        }
        match self.first_that_opens() {
            Ok((content_key, key)) => {
                let fits = self.committed == Some(content_key) && self.body == Some(content_key);
                let plaintext = unpadded(&self.padded).filter(|_| fits);
                plaintext.ok_or(OpenError::BodyDamaged { key })
            }
            Err(error) => Err(error),
        }
    }

    /// The content key that is found, and by whom.
    fn first_that_opens(&self) -> Result<(usize, KeyId), OpenError> {
        let recipients = self.stanzas.len() as u8;
        let mut outcome = OpenError::NoSuchKey {
            ids: self.stanzas.iter().map(|(_, id)| *id).collect(),
        };
        for (stanza, id) in &self.stanzas {
            let Some(held) = SEALER.ids.iter().take(HELD).position(|held| held == id) else {
                continue;
            };
            if stanza.key == held && stanza.recipients == recipients && stanza.right_place {
                return Ok((stanza.content_key, *id));
            }
            outcome = OpenError::NotBound { key: *id };
        }
        Err(outcome)
    }

    fn commitment_holds(&self) -> bool {
        self.first_that_opens()
            .is_ok_and(|(content_key, _)| self.committed == Some(content_key))
    }
}

impl Sealer {
    fn stanza(&self, recipients: u8, wishes: &mut Wishes<'_>) -> &Stanza {
        // Those that are as they must be come first, for each of the keys.
        let right = |stanza: &&Stanza| stanza.recipients == recipients && stanza.right_place;
        let rights: Vec<&Stanza> = self.stanzas.iter().filter(right).collect();
        let wish = wishes.byte();
        rights
            .get(wish / 16)
            .copied()
            .unwrap_or(&self.stanzas[wish % self.stanzas.len()])
    }
}

/// Padded as it must be, or any bytes in its place.
fn padded(wishes: &mut Wishes<'_>) -> Vec<u8> {
    let kind = wishes.rare(4);
    let (length, fill) = (wishes.byte() * 3, wishes.byte() as u8);
    let mut padded = oracle::pad(&vec![fill; length]);
    match kind {
        0 => {}
        1 => padded.resize(padded.len() + 1 + wishes.byte() % 40, 0),
        2 => padded.truncate(padded.len() - 1 - wishes.byte() % 32),
        _ => padded = wishes.0.to_vec(),
    }
    padded
}

/// By the definition of the padding.
fn unpadded(padded: &[u8]) -> Option<Vec<u8>> {
    let marker = padded.iter().rposition(|byte| *byte != 0)?;
    let plaintext = &padded[..marker];
    (oracle::pad(plaintext) == padded).then(|| plaintext.to_vec())
}
