//! What the text of a sealed item says without a key: whether it is valid, and the size or the id of its key.

use thiserror::Error;

use crate::base64_text::{self, NotBase64};
use crate::envelope::{EnvelopeError, TAG};
use crate::sealed_value::SealedValue;
use crate::v2::{self, KeyId};

/// Why a text is not a sealed item, whatever the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BrokenText {
    /// It is not base64.
    #[error(transparent)]
    NotBase64(#[from] NotBase64),
    /// Its lengths cannot be those of a sealed value.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// Properties of a sealed value that need no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspected {
    /// Version 1.
    V1 {
        /// Bits of the RSA key that it was sealed with.
        key_bits: usize,
        /// Bytes of the plaintext.
        plaintext_len: usize,
    },
    /// Version 2.
    V2 {
        /// The ids of the recipients' keys, as claimed by the sealer; at least one.
        keys: Vec<KeyId>,
        /// Length of the padded plaintext; the real length is hidden.
        padded_len: usize,
    },
}

impl Inspected {
    /// Least length of the plaintext.
    pub fn least_len(&self) -> usize {
        match self {
            Self::V1 { plaintext_len, .. } => *plaintext_len,
            Self::V2 { padded_len, .. } => v2::least_len(*padded_len),
        }
    }
}

/// Reads `text`, the base64 of a sealed value.
///
/// # Errors
/// [`BrokenText`].
pub fn inspect(text: &str) -> Result<Inspected, BrokenText> {
    Ok(match SealedValue::parse(&base64_text::decode(text)?)? {
        SealedValue::V1(envelope) => Inspected::V1 {
            key_bits: envelope.wrapped_key.len() * 8,
            plaintext_len: envelope.body.len() - TAG,
        },
        SealedValue::V2(envelope) => Inspected::V2 {
            keys: envelope.recipients().iter().map(|recipient| recipient.key).collect(),
            padded_len: envelope.padded_len(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_key_is_read_off_and_what_is_broken_is_told() {
        let whole = [&[1, 0][..], &[7; 256 + 16]].concat();
        let expected = Inspected::V1 {
            key_bits: 2048,
            plaintext_len: 0,
        };
        assert_eq!(inspect(&base64_text::encode(&whole)), Ok(expected));
        let cut = base64_text::encode(whole.split_last().unwrap().1);
        assert_eq!(
            inspect(&cut),
            Err(BrokenText::Envelope(EnvelopeError::Truncated { have: 273, need: 274 }))
        );
        assert_eq!(inspect("AgB!"), Err(BrokenText::NotBase64(NotBase64(3))));
        // Its first two bytes, read as the length of the RSA block; then the tag.
        let need = 2 + 0x86e9 + 16;
        assert_eq!(
            inspect("hunter2="),
            Err(BrokenText::Envelope(EnvelopeError::Truncated { have: 5, need }))
        );
    }
}
