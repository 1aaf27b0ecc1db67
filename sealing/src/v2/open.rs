//! Value → plaintext.

use thiserror::Error;
use zeroize::Zeroizing;

use super::context::Context;
use super::envelope::{Envelope, Recipient};
use super::key::{KeyId, PrivateKey};
use super::{ContentKey, padding, recipient_aad};
use crate::primitives::backend;
use crate::secret_bytes::SecretBytes;

/// Why a value was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// No key has the id of a recipient.
    #[error("sealed for a key that is not here")]
    NoSuchKey,
    /// A key has the id of a recipient, but does not open its content key: another binding, or damage. ML-KEM does not
    /// tell them apart.
    #[error("bound to another name, namespace, scope or item, or damaged")]
    NotBound {
        /// The id of the last such key.
        key: KeyId,
    },
    /// A key opened the content key, but the rest does not match it.
    #[error("the ciphertext is damaged")]
    Damaged {
        /// The id of the key that opened it.
        key: KeyId,
    },
    /// `before_operation` ended the work.
    #[error("not opened: the work was interrupted")]
    Interrupted,
}

/// Opens a value with the first of the `held` keys whose id a recipient has and that opens its content key. Calls
/// `before_operation` before each private-key operation, of which there is at most one per recipient and key with its
/// id. Returns the plaintext and the key that opened it: its id alone could be that of another key.
///
/// # Errors
/// [`OpenError`].
pub fn open<'k>(
    envelope: &Envelope<'_>,
    context: &Context,
    held: impl Iterator<Item = &'k PrivateKey> + Clone,
    mut before_operation: impl FnMut() -> bool,
) -> Result<(SecretBytes, &'k PrivateKey), OpenError> {
    let mut outcome = OpenError::NoSuchKey;
    for recipient in envelope.recipients() {
        for key in held.clone().filter(|key| key.public().id() == recipient.key) {
            if !before_operation() {
                return Err(OpenError::Interrupted);
            }
            match content_key(envelope, recipient, context, key) {
                Some(content_key) => {
                    let plaintext = open_body(envelope, &content_key);
                    let damaged = OpenError::Damaged { key: recipient.key };
                    return plaintext.map(|plaintext| (plaintext, key)).ok_or(damaged);
                }
                None => outcome = OpenError::NotBound { key: recipient.key },
            }
        }
    }
    Err(outcome)
}

fn content_key(
    envelope: &Envelope<'_>,
    recipient: &Recipient<'_>,
    context: &Context,
    key: &PrivateKey,
) -> Option<ContentKey> {
    let aad = recipient_aad(envelope.prefix(), recipient.key);
    let opened = key.open(recipient.enc, context.as_bytes(), &aad, recipient.sealed_key)?;
    let mut content_key = ContentKey(Zeroizing::new([0; 32]));
    if opened.len() != content_key.0.len() {
        return None;
    }
    content_key.0.copy_from_slice(&opened);
    Some(content_key)
}

fn open_body(envelope: &Envelope<'_>, content_key: &ContentKey) -> Option<SecretBytes> {
    let commitment = content_key.commitment(envelope.header).ok()?;
    if !backend::same(commitment.as_slice(), envelope.commitment) {
        return None;
    }
    let body_key = content_key.body_key(envelope.header).ok()?;
    let mut padded = backend::decrypt(&body_key, envelope.body).ok()?;
    let length = padding::unpadded_len(&padded)?;
    padded.truncate(length);
    Some(SecretBytes::new(std::mem::take(&mut *padded)))
}
