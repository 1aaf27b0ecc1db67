//! A single value without an object: bytes → base64 text, to be pasted into a file (`--raw`), and back.

use crate::base64_text;
use crate::binding::Binding;
use crate::key::{PublicKey, SealBytesError};
use crate::random::Random;

/// Seals `plaintext` as it is (a trailing newline stays) and gives padded base64 without a newline.
///
/// # Errors
/// [`SealBytesError`]; never because of the plaintext.
pub fn seal_raw(
    plaintext: &[u8],
    binding: &Binding,
    key: &PublicKey,
    random: &mut dyn Random,
) -> Result<String, SealBytesError> {
    Ok(base64_text::encode(&key.seal(plaintext, &binding.label(), random)?))
}

/// Opens a base64 text that [`seal_raw`] gave, with or without white space around it.
///
/// # Errors
/// [`ItemError`](crate::unseal::ItemError): not base64, broken, or opened by none of `keys` under `binding`.
#[cfg(feature = "aws-lc")]
pub fn open_raw(
    text: &[u8],
    binding: &Binding,
    keys: &crate::keyring::KeyRing,
) -> Result<crate::SecretBytes, crate::unseal::ItemError> {
    // A text that is not even UTF-8 is no base64 either, and is told where it goes wrong.
    let text = String::from_utf8_lossy(text);
    Ok(crate::unseal::open_text(text.trim(), &binding.label(), keys, &[])?.plaintext)
}
