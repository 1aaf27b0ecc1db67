//! The wire format of one sealed item.
//!
//! ```text
//! offset 0      u16, big-endian: L, the length of the wrapped session key in bytes (= the RSA modulus: 256, 384, 512 …)
//! offset 2      L bytes: RSA-OAEP(hash SHA-256, MGF1 SHA-256, label = Label) of a random 32-byte session key
//! offset 2 + L  AES-256-GCM(key = session key, nonce = 12 zero bytes, no additional data) of the plaintext,
//!               then its 16-byte tag
//! ```
//!
//! The zero nonce is safe because every session key encrypts exactly one plaintext. There is no version byte and no
//! key id, and the item's name is not bound (docs/format.md).

use thiserror::Error;

/// Bytes of the length field.
pub const LENGTH_FIELD: usize = 2;
/// Bytes of the AES-GCM tag.
pub const TAG: usize = 16;

/// The two parts of a sealed item, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// RSA-OAEP block; its length is the modulus length of the key that sealed it.
    pub wrapped_key: &'a [u8],
    /// AES-GCM ciphertext and tag; at least [`TAG`] bytes.
    pub body: &'a [u8],
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// The bytes end before the parts that the length field announces.
    #[error("the ciphertext is cut short: {have} bytes, at least {need} expected")]
    Truncated {
        /// Bytes there are.
        have: usize,
        /// Bytes that the length field asks for, with the smallest body.
        need: usize,
    },
    /// Two zero bytes, then a version above 1, stand where format v1 has the length: no RSA modulus is empty, so a reader of
    /// format v1 refuses such a value, and this names the reason (docs/format.md, "Later versions").
    #[error("sealed in a newer format (version {0}): update kubeseal and the controller")]
    NewerFormat(u8),
    /// A value of format v2 whose cryptography is not known here.
    #[error("sealed with a newer cryptography (version 2, suite {0}): update kubeseal and the controller")]
    UnknownSuite(u8),
    /// A value of format v2 for no recipient or for too many.
    #[error("the ciphertext is for {0} recipients (1 to 16 are possible)")]
    Recipients(u8),
    /// A value of format v2 that names a key id twice.
    #[error("the ciphertext names a recipient twice")]
    RepeatedRecipient,
    /// The length field names a size that no RSA key of at least 1024 bits has.
    #[error("the ciphertext does not begin like a sealed value (session key length {0})")]
    BadLength(usize),
}

impl<'a> Envelope<'a> {
    /// Splits `bytes`; looks at lengths only.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the lengths cannot be those of a sealed value.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let truncated = |need| EnvelopeError::Truncated {
            have: bytes.len(),
            need,
        };
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_FIELD>() else {
            return Err(truncated(LENGTH_FIELD));
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if let (0, Some(&version @ 2..)) = (length, rest.first()) {
            return Err(EnvelopeError::NewerFormat(version));
        }
        if length < 128 {
            return Err(EnvelopeError::BadLength(length));
        }
        match rest.split_at_checked(length) {
            Some((wrapped_key, body)) if body.len() >= TAG => Ok(Self { wrapped_key, body }),
            _ => Err(truncated(LENGTH_FIELD + length + TAG)),
        }
    }

    /// Joins the parts to bytes. `None` when the wrapped key is longer than its length field can say.
    pub fn to_bytes(self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.wrapped_key.len()).ok()?;
        Some([&length.to_be_bytes(), self.wrapped_key, self.body].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_truncation_is_an_error_and_the_whole_is_not() {
        let whole = Envelope {
            wrapped_key: &[7; 256],
            body: &[9; TAG],
        }
        .to_bytes()
        .unwrap();
        for end in 0..whole.len() {
            assert!(Envelope::parse(&whole[..end]).is_err(), "{end}");
        }
        let parsed = Envelope::parse(&whole).unwrap();
        assert_eq!((parsed.wrapped_key, parsed.body), (&[7; 256][..], &[9; TAG][..]));
    }

    #[test]
    fn newer_versions_are_named() {
        for version in 2..=u8::MAX {
            let expected = Err(EnvelopeError::NewerFormat(version));
            assert_eq!(Envelope::parse(&[0, 0, version]), expected);
            assert_eq!(Envelope::parse(&[&[0, 0, version][..], &[7; 2000]].concat()), expected);
        }
        for old in [&[0, 0][..], &[0, 0, 0], &[0, 0, 1]] {
            assert_eq!(Envelope::parse(old), Err(EnvelopeError::BadLength(0)));
        }
        assert_eq!(
            EnvelopeError::NewerFormat(2).to_string(),
            "sealed in a newer format (version 2): update kubeseal and the controller"
        );
    }

    #[test]
    fn lengths_that_lie_are_told_apart() {
        assert_eq!(Envelope::parse(b"\x00\x01rest of it"), Err(EnvelopeError::BadLength(1)));
        let huge = Envelope::parse(b"\xff\xffrest of it");
        assert_eq!(
            huge,
            Err(EnvelopeError::Truncated {
                have: 12,
                need: 2 + 65_535 + TAG
            })
        );
    }
}
