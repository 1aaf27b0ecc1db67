//! The keys that the targets hold: an RSA key of the corpus, with a hybrid key.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use sealing::key::PrivateKey;
use sealing::keyring::KeyRing;
use sealing::v2::{self, Seed};

pub const KEY: &[u8] = include_bytes!("../corpus/keys/pkcs1.pem");

static OPERATIONS: LazyLock<Arc<AtomicU64>> = LazyLock::new(Arc::default);

pub static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let mut ring = KeyRing::counting(OPERATIONS.clone());
    let key = PrivateKey::from_pem(KEY).expect("the key of the corpus");
    ring.insert_hybrid(Arc::new(key), Some(Arc::new(hybrid(1))), Timestamp::MAX);
    let other = PrivateKey::generate(2048).expect("a key");
    ring.insert_hybrid(Arc::new(other), Some(Arc::new(hybrid(2))), Timestamp::UNIX_EPOCH);
    ring
});

/// The ring holds 1 and 2.
pub fn hybrid(number: u8) -> v2::PrivateKey {
    let seed = Seed::from_bytes(&[number; v2::SEED]).expect("the length of a seed");
    v2::PrivateKey::from_seed(&seed).expect("each seed is a key")
}

/// Private-key operations so far.
pub fn operations() -> u64 {
    OPERATIONS.load(Ordering::Relaxed)
}
