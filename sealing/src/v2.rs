//! Format v2 of the sealed value: post-quantum, bound to its item, padded, with key ids (docs/format.md, section 12).
//!
//! Bytes: [`Envelope`]; what a value is bound to: [`Context`];
//! keys: [`PublicKey`], [`Seed`], [`PrivateKey`], and where they are kept: in a certificate ([`Pin`]) and in a key Secret
//! ([`hybrid_key`]); then [`seal()`] and [`open()`].

mod certificate;
mod context;
mod envelope;
mod key;
mod key_secret;
mod open;
mod padding;
mod seal;

#[cfg(feature = "aws-lc")]
pub(crate) use certificate::encode as encode_extension;
pub(crate) use certificate::{EXTENSION, decode as decode_extension};
pub use certificate::{HybridKeyMalformed, Pin};
pub use context::{Context, NameTooLong};
pub use envelope::{ENC, Envelope, MAX_RECIPIENTS, Recipient, VERSION};
pub use key::{KeyId, PUBLIC_KEY, PublicKey};
pub use key::{PrivateKey, SEED, Seed};
pub(crate) use key_secret::hybrid_key_of;
pub use key_secret::{HybridError, add_seed, hybrid_key};
pub use open::{OpenError, open};
pub use seal::{SealError, seal};

/// Least length of a plaintext that is padded to `padded` bytes.
pub fn least_len(padded: usize) -> usize {
    padding::least_len(padded)
}

use zeroize::Zeroizing;

use crate::primitives::{CryptoFailure, SESSION_KEY, backend};

/// The content key K of one value: sealed for each recipient, and the source of the commitment and the body key.
struct ContentKey(Zeroizing<[u8; SESSION_KEY]>);

impl ContentKey {
    /// Ties K and the header together: opening the value under another K or another header fails.
    fn commitment(&self, header: &[u8]) -> Result<Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
        self.expand(b"sealed-secrets/v2 commit", header)
    }

    /// The key of the body; it encrypts one plaintext in its life.
    fn body_key(&self, header: &[u8]) -> Result<Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
        self.expand(b"sealed-secrets/v2 body", header)
    }

    fn expand(&self, purpose: &[u8], header: &[u8]) -> Result<Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
        backend::expand(&self.0, &[purpose, &backend::sha256(header)])
    }
}

/// HPKE's `aad` for one recipient: the first bytes of the header, which say how many there are, and the key id.
fn recipient_aad(prefix: &[u8], key: KeyId) -> Vec<u8> {
    [prefix, &key.to_bytes()].concat()
}
