//! A sealed value of either version, taken apart once.

use crate::envelope::{Envelope, EnvelopeError};
use crate::v2;

/// The parts of a sealed value, borrowed from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedValue<'a> {
    /// Format v1: an RSA block and a body.
    V1(Envelope<'a>),
    /// Format v2: recipients, a commitment and a body.
    V2(v2::Envelope<'a>),
}

impl<'a> SealedValue<'a> {
    /// Splits `bytes`; looks at lengths and ids only.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes cannot be a sealed value.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        match bytes {
            [0, 0, v2::VERSION, ..] => v2::Envelope::parse(bytes).map(Self::V2),
            _ => Envelope::parse(bytes).map(Self::V1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_version() {
        let v1 = [&[1, 0][..], &[7; 256 + 16]].concat();
        assert!(matches!(SealedValue::parse(&v1), Ok(SealedValue::V1(_))));
        for newer in 3..=u8::MAX {
            let expected = Err(EnvelopeError::NewerFormat(newer));
            assert_eq!(SealedValue::parse(&[0, 0, newer, 1, 1]), expected);
            assert_eq!(v2::Envelope::parse(&[0, 0, newer, 1, 1]).map(SealedValue::V2), expected);
        }
        assert_eq!(
            SealedValue::parse(&[0, 0, 2, 2, 1]),
            Err(EnvelopeError::UnknownSuite(2))
        );
        assert_eq!(SealedValue::parse(&[0, 0, 1, 1, 1]), Err(EnvelopeError::BadLength(0)));
        assert_eq!(v2::Envelope::parse(&v1), Err(EnvelopeError::BadLength(256)));
        assert_eq!(v2::Envelope::parse(&[0, 0, 1, 1, 1]), Err(EnvelopeError::BadLength(0)));
    }
}
