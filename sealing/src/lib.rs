//! Seal and open Sealed Secrets.
//!
//! Pure: no I/O, no clock, no client, no global state. Time and randomness are arguments. Bytes are *sealed* and
//! *opened*; documents are *sealed* and *unsealed*.
//!
//! - bytes: [`envelope`] (the wire format), [`v2`] (its next version), [`sealed_value`] (either), [`sealer`] (which of them is written), [`binding`] (scope → label), [`key`], [`cert`], [`keyring`], [`recent_keys`] (which of
//!   its keys to try first)
//! - documents: [`manifest`] (text ↔ objects, and changes in a text), [`secret`] (a Secret in clear), [`seal`],
//!   [`diff`] (a sealed object with a clear one), [`raw`],
//!   [`unseal`], [`reseal`], [`merge`] (items into an object that is there), [`key_hint`] (which keys an object was sealed
//!   with), [`size`] (what is too large for the API server), [`render`] (`spec.template.data`), [`key_secret`] (the Secrets
//!   that hold sealing keys)

mod base64_text;
pub mod binding;
pub mod cert;
pub mod diff;
pub mod envelope;
pub mod input_digest;
pub mod inspect;
pub mod key;
pub mod key_hint;
pub mod key_secret;
pub mod keyring;
pub mod merge;
mod pem;
mod primitives;
pub mod random;
pub mod raw;
pub mod recent_keys;
pub mod render;
pub mod reseal;
pub mod seal;
pub mod sealed_value;
pub mod sealer;
pub mod secret;
mod secret_bytes;
pub mod size;
pub mod unseal;
pub mod v2;

pub use primitives::CryptoFailure;
pub use random::SystemRandom;
pub use secret_bytes::SecretBytes;
