//! Seals a single value: bytes → base64 text, to be pasted into a file (`--raw`).

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
