//! What the text of a sealed item says without any key: whether it can be one, and how long the key is that sealed it.

use thiserror::Error;

use crate::base64_text::{self, NotBase64};
use crate::envelope::{Envelope, EnvelopeError, TAG};

/// Why a text can be no sealed item, whatever the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BrokenText {
    /// It is not base64.
    #[error(transparent)]
    NotBase64(#[from] NotBase64),
    /// Its lengths cannot be those of a sealed value.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// Bits of the RSA key that `text`, the base64 of an envelope, was sealed with.
///
/// # Errors
/// [`BrokenText`].
pub fn key_bits(text: &str) -> Result<usize, BrokenText> {
    Ok(Envelope::parse(&base64_text::decode(text)?)?.wrapped_key.len() * 8)
}

/// Bytes of the plaintext that is sealed in `text`, the base64 of an envelope.
///
/// # Errors
/// [`BrokenText`].
pub fn plaintext_len(text: &str) -> Result<usize, BrokenText> {
    Ok(Envelope::parse(&base64_text::decode(text)?)?.body.len() - TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_key_is_read_off_and_what_is_broken_is_told() {
        let whole = [&[1, 0][..], &[7; 256 + 16]].concat();
        assert_eq!(key_bits(&base64_text::encode(&whole)), Ok(2048));
        assert_eq!(plaintext_len(&base64_text::encode(&whole)), Ok(0));
        let cut = base64_text::encode(whole.split_last().unwrap().1);
        assert_eq!(
            key_bits(&cut),
            Err(BrokenText::Envelope(EnvelopeError::Truncated { have: 273, need: 274 }))
        );
        assert_eq!(key_bits("AgB!"), Err(BrokenText::NotBase64(NotBase64(3))));
        // Its first two bytes, read as the length of the RSA block; then the tag.
        let need = 2 + 0x86e9 + 16;
        assert_eq!(
            key_bits("hunter2="),
            Err(BrokenText::Envelope(EnvelopeError::Truncated { have: 5, need }))
        );
    }
}
