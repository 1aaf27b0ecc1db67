//! Base64 as Go's decoder reads it: standard alphabet, padded; line breaks inside and unused trailing bits that are not
//! zero are tolerated.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use thiserror::Error;
use zeroize::Zeroizing;

/// The text is not base64. The text is the reference's; the offset counts bytes without line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("illegal base64 data at input byte {0}")]
pub struct NotBase64(pub usize);

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Decodes; wipe the result if it is a plaintext.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotBase64> {
    let joined: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect());
    LENIENT.decode(joined.as_slice()).map_err(|error| {
        NotBase64(match error {
            base64::DecodeError::InvalidByte(at, _) => at,
            base64::DecodeError::InvalidLastSymbol { offset, .. } => offset,
            base64::DecodeError::InvalidLength(length) => length,
            _ => joined.len(),
        })
    })
}

/// Encodes with padding, without line breaks.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_trailing_bits_are_tolerated_and_nothing_else() {
        assert_eq!(decode("aGVs\r\nbG8=\n"), Ok(b"hello".to_vec()));
        assert_eq!(decode("aGVsbG9="), Ok(b"hello".to_vec()));
        assert_eq!(decode("aGVsbG8"), Err(NotBase64(7)));
        assert_eq!(decode("aGV_bG8="), Err(NotBase64(3)));
        assert_eq!(decode("aGV sbG8="), Err(NotBase64(3)));
        assert_eq!(decode(""), Ok(Vec::new()));
    }
}
