//! The bytes of a value, taken apart. Looks at lengths and ids only.

use super::key::KeyId;
use crate::envelope::{EnvelopeError, TAG};
use crate::primitives::{HYBRID_ENC, SESSION_KEY};

/// The version byte.
pub const VERSION: u8 = 2;
/// The most recipients that a value names.
pub const MAX_RECIPIENTS: usize = 16;
/// Bytes of an encapsulated key.
pub const ENC: usize = HYBRID_ENC;
/// The suite byte: X-Wing, HKDF-SHA256, AES-256-GCM.
pub(super) const SUITE: u8 = 1;
/// Marker, version, suite, number of recipients.
pub(super) const PREFIX: usize = 5;
/// Bytes of the sealed content key with its tag.
pub(super) const SEALED_KEY: usize = SESSION_KEY + TAG;
const RECIPIENT: usize = KeyId::LENGTH + ENC + SEALED_KEY;
const COMMITMENT: usize = 32;

/// The parts of a value, borrowed from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Everything before the commitment.
    pub(super) header: &'a [u8],
    recipients: Vec<Recipient<'a>>,
    /// The commitment to the content key and the header.
    pub(super) commitment: &'a [u8],
    /// Ciphertext of the padded plaintext, and tag.
    pub(super) body: &'a [u8],
}

/// The content key, sealed for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The id of the recipient's key, as claimed by the sealer.
    pub key: KeyId,
    pub(super) enc: &'a [u8; ENC],
    pub(super) sealed_key: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Splits `bytes`.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes cannot be a value of this version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let smallest = |recipients| PREFIX + recipients * RECIPIENT + COMMITMENT + super::padding::SMALLEST + TAG;
        let truncated = |need| EnvelopeError::Truncated {
            have: bytes.len(),
            need,
        };
        let (suite, count) = match bytes {
            [0, 0, VERSION, suite, count, ..] => (*suite, *count),
            [0, 0, VERSION, ..] => return Err(truncated(smallest(1))),
            [0, 0, version, ..] if *version > VERSION => return Err(EnvelopeError::NewerFormat(*version)),
            [high, low, ..] => return Err(EnvelopeError::BadLength(usize::from(u16::from_be_bytes([*high, *low])))),
            _ => return Err(truncated(smallest(1))),
        };
        if suite != SUITE {
            return Err(EnvelopeError::UnknownSuite(suite));
        }
        let recipients = usize::from(count);
        if !(1..=MAX_RECIPIENTS).contains(&recipients) {
            return Err(EnvelopeError::Recipients(count));
        }
        let need = smallest(recipients);
        if bytes.len() < need {
            return Err(truncated(need));
        }
        let (header, rest) = bytes
            .split_at_checked(PREFIX + recipients * RECIPIENT)
            .ok_or(truncated(need))?;
        let (commitment, body) = rest.split_at_checked(COMMITMENT).ok_or(truncated(need))?;
        let (_, stanzas) = header.split_at_checked(PREFIX).ok_or(truncated(need))?;
        let mut recipients: Vec<Recipient<'a>> = Vec::with_capacity(recipients);
        for stanza in stanzas.chunks_exact(RECIPIENT) {
            let recipient = Recipient::parse(stanza).ok_or(truncated(need))?;
            if recipients.iter().any(|other| other.key == recipient.key) {
                return Err(EnvelopeError::RepeatedRecipient);
            }
            recipients.push(recipient);
        }
        Ok(Self {
            header,
            recipients,
            commitment,
            body,
        })
    }

    /// The recipients; at least one, with distinct key ids.
    pub fn recipients(&self) -> &[Recipient<'a>] {
        &self.recipients
    }

    /// Bytes of the padded plaintext.
    pub fn padded_len(&self) -> usize {
        self.body.len() - TAG
    }

    /// Marker, version, suite, number of recipients.
    pub(super) fn prefix(&self) -> &'a [u8] {
        self.header.get(..PREFIX).unwrap_or_default()
    }
}

impl<'a> Recipient<'a> {
    fn parse(stanza: &'a [u8]) -> Option<Self> {
        let (key, rest) = stanza.split_first_chunk()?;
        let (enc, sealed_key) = rest.split_first_chunk()?;
        Some(Self {
            key: KeyId::from_bytes(*key),
            enc,
            sealed_key,
        })
    }
}
