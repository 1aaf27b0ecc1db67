//! A single value without an object: bytes → base64 text, to be pasted into a file (`--raw`), and back.

use crate::binding::Binding;
use crate::random::Random;
use crate::sealer::{SealItemError, Sealer};

/// Seals `plaintext` as it is (a trailing newline stays) and gives padded base64 without a newline. `item` is what the value
/// will be pasted as: bound in format v2.
///
/// # Errors
/// [`SealItemError`]; never because of the plaintext.
pub fn seal_raw(
    plaintext: &[u8],
    binding: &Binding,
    item: &str,
    sealer: &Sealer<'_>,
    random: &mut dyn Random,
) -> Result<String, SealItemError> {
    sealer.seal(None, plaintext, binding, item, random)
}

/// Opens a base64 text that [`seal_raw`] gave, with or without white space around it.
///
/// # Errors
/// [`ItemError`](crate::unseal::ItemError): not base64, broken, or opened by none of `keys` under `binding` and `item`.
pub fn open_raw(
    text: &[u8],
    binding: &Binding,
    item: &str,
    keys: &crate::keyring::KeyRing,
) -> Result<crate::SecretBytes, crate::unseal::ItemError> {
    // Bytes that are not UTF-8 are not base64 either: the lossy text keeps the offset for the error.
    let text = String::from_utf8_lossy(text);
    Ok(crate::unseal::open_text(text.trim(), binding, item, keys, &[])?.plaintext)
}
