//! Plaintext → value.

use thiserror::Error;
use zeroize::Zeroizing;

use super::context::Context;
use super::envelope::{ENC, MAX_RECIPIENTS, SEALED_KEY, SUITE, VERSION};
use super::key::{KeyId, PublicKey};
use super::{ContentKey, padding, recipient_aad};
use crate::key::SealBytesError;
use crate::primitives::{CryptoFailure, backend};
use crate::random::Random;

/// Why a value was not sealed; never because of the plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// No recipient, or more than [`MAX_RECIPIENTS`]. Holds how many.
    #[error("a value is sealed for 1 to {max} recipients, not for {0}", max = MAX_RECIPIENTS)]
    Recipients(usize),
    /// Two recipients with one key id.
    #[error("the recipient {0} is there twice")]
    Repeated(KeyId),
    /// No randomness, or the backend refused.
    #[error(transparent)]
    Bytes(#[from] SealBytesError),
}

impl From<CryptoFailure> for SealError {
    fn from(failure: CryptoFailure) -> Self {
        Self::Bytes(failure.into())
    }
}

/// Seals `plaintext` for the recipients: each private key opens it alone, under the same `context`.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    plaintext: &[u8],
    context: &Context,
    recipients: &[&PublicKey],
    random: &mut dyn Random,
) -> Result<Vec<u8>, SealError> {
    let count = u8::try_from(recipients.len()).unwrap_or(u8::MAX);
    if !(1..=MAX_RECIPIENTS).contains(&recipients.len()) {
        return Err(SealError::Recipients(recipients.len()));
    }
    for (index, recipient) in recipients.iter().enumerate() {
        if recipients.iter().take(index).any(|other| other.id() == recipient.id()) {
            return Err(SealError::Repeated(recipient.id()));
        }
    }
    let mut content_key = ContentKey(Zeroizing::new([0; 32]));
    random.fill(content_key.0.as_mut()).map_err(SealBytesError::from)?;

    let prefix = [0, 0, VERSION, SUITE, count];
    let mut header = prefix.to_vec();
    for recipient in recipients {
        let aad = recipient_aad(&prefix, recipient.id());
        let (enc, sealed_key) = recipient.seal(context.as_bytes(), &aad, content_key.0.as_ref(), random)?;
        if (enc.len(), sealed_key.len()) != (ENC, SEALED_KEY) {
            return Err(CryptoFailure.into());
        }
        header.extend(recipient.id().to_bytes());
        header.extend(enc);
        header.extend(sealed_key);
    }
    let commitment = content_key.commitment(&header)?;
    let mut body = Zeroizing::new(padding::pad(plaintext));
    backend::encrypt(&*content_key.body_key(&header)?, &mut body)?;
    Ok([&header, commitment.as_slice(), &body].concat())
}
