//! Seals values with the keys of one certificate, in a version of the format.

use std::fmt;
use std::str::FromStr;

use crds::SealedSecret;
use thiserror::Error;

use crate::base64_text;
use crate::binding::Binding;
use crate::cert::SealingCert;
use crate::key::{Fingerprint, PublicKey, SealBytesError};
use crate::random::Random;
use crate::v2::{self, HybridKeyMalformed};

/// A version of the sealed value's format; a later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Format {
    /// What every implementation reads: RSA, bound to scope and names.
    #[default]
    V1,
    /// Post-quantum, bound to its item, padded ([`v2`]).
    V2,
    /// A version that this library does not know: a value of it is never replaced, and no value is added beside it.
    Later,
}

impl Format {
    /// The versions that this library knows, earliest first.
    pub const ALL: [Format; 2] = [Format::V1, Format::V2];

    /// The version of a sealed value, given as base64, by its first bytes: also of one of format v2 or later that is
    /// damaged after them. `None` for a text that is not a sealed value.
    pub fn of(text: &str) -> Option<Self> {
        // Line breaks may stand between any two characters.
        let head: String = text.chars().filter(|letter| !letter.is_whitespace()).take(4).collect();
        match base64_text::decode(&head).ok().as_deref() {
            Some([0, 0, v2::VERSION]) => return Some(Format::V2),
            Some([0, 0, version]) if *version > v2::VERSION => return Some(Format::Later),
            _ => {}
        }
        match base64_text::decode(text).ok()?.as_slice() {
            // Two zeros are not a length of format v1.
            [0, 0, ..] | [0] | [] => None,
            _ => Some(Format::V1),
        }
    }

    /// The latest version among the values of an object; `None` where it has no value.
    pub fn latest_of(sealed: &SealedSecret) -> Option<Self> {
        let values = sealed.spec.encrypted_data.values().chain(&sealed.spec.data);
        values.filter_map(|text| Self::of(text)).max()
    }
}

/// `v1`, `v2`, or a description.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::V1 => "v1",
            Format::V2 => "v2",
            Format::Later => "a later format than v2",
        })
    }
}

/// The word does not name a version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be v1 or v2 (1 or 2)")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    /// `v1` or `1`, `v2` or `2`.
    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        match word {
            "v1" | "1" => Ok(Format::V1),
            "v2" | "2" => Ok(Format::V2),
            _ => Err(UnknownFormat),
        }
    }
}

/// Why a value was not sealed; never because of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealItemError {
    /// Format v2 is asked for, or replaced, and the certificate has no hybrid key.
    #[error("the certificate has no hybrid key, which format v2 needs")]
    NoHybridKey,
    /// Format v2 is asked for, or replaced, and only the RSA key of the certificate is pinned.
    #[error("the certificate's RSA key alone is pinned, and format v2 needs its hybrid key pinned too")]
    HybridKeyNotPinned,
    /// Format v2 is asked for, or replaced, and the certificate's hybrid key cannot be read.
    #[error(transparent)]
    HybridKey(#[from] HybridKeyMalformed),
    /// Only format v1 is allowed, and the existing value has format v2.
    #[error("format v1 is asked for, and what it would replace or stand beside has format v2")]
    NotLowered,
    /// The existing value has a version that this library does not know.
    #[error("what is sealed there is in a newer format: update kubeseal")]
    LaterFormat,
    /// A name cannot be bound in format v2.
    #[error(transparent)]
    Name(#[from] v2::NameTooLong),
    /// No randomness, or the backend refused.
    #[error(transparent)]
    Bytes(#[from] SealBytesError),
}

impl From<v2::SealError> for SealItemError {
    fn from(error: v2::SealError) -> Self {
        match error {
            v2::SealError::Bytes(error) => error.into(),
            // There is one recipient.
            v2::SealError::Recipients(_) | v2::SealError::Repeated(_) => {
                SealBytesError::from(crate::CryptoFailure).into()
            }
        }
    }
}

/// Seals values for the holder of one certificate's private keys.
#[derive(Debug)]
pub struct Sealer<'c> {
    key: &'c PublicKey,
    hybrid: Result<v2::PublicKey, SealItemError>,
    format: Format,
    on_former: OnFormer,
}

/// Which version a value gets that replaces another, or is added beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnFormer {
    Keeps,
    Raises,
    Lowers,
    /// As `Raises`, but a value that would get a later version than the requested one is an error.
    Refuses,
}

impl<'c> Sealer<'c> {
    /// Seals in this version; a value that replaces, or is added beside, one of a later version gets that version.
    pub fn new(cert: &'c SealingCert, format: Format) -> Self {
        Self {
            key: cert.public(),
            hybrid: match cert.hybrid() {
                Ok(hybrid) => hybrid.ok_or(SealItemError::NoHybridKey),
                Err(error) => Err(error.into()),
            },
            format,
            on_former: OnFormer::Raises,
        }
    }

    /// Seals in format v1 with a key, without a certificate.
    pub fn of_key(key: &'c PublicKey) -> Self {
        Self {
            key,
            hybrid: Err(SealItemError::NoHybridKey),
            format: Format::V1,
            on_former: OnFormer::Raises,
        }
    }

    /// Keeps versions: a value that replaces another, or is added beside others, gets their version, also an earlier
    /// one.
    pub fn keeping(self) -> Self {
        let on_former = OnFormer::Keeps;
        Self { on_former, ..self }
    }

    /// Lowers versions: a value that replaces one of a later version gets the requested version. Only at the user's
    /// explicit request.
    pub fn lowering(self) -> Self {
        let on_former = OnFormer::Lowers;
        Self { on_former, ..self }
    }

    /// Refuses, with an error, to seal a value that replaces, or is added beside, one of a later version. For a version
    /// that the user requested explicitly.
    pub fn refusing(self) -> Self {
        let on_former = OnFormer::Refuses;
        Self { on_former, ..self }
    }

    /// Never uses the certificate's hybrid key, because it is not pinned: sealing in format v2 is an error.
    pub fn rsa_only(self) -> Self {
        let hybrid = Err(SealItemError::HybridKeyNotPinned);
        Self { hybrid, ..self }
    }

    /// The fingerprint of the RSA key, which names the certificate in either version.
    pub fn fingerprint(&self) -> &Fingerprint {
        self.key.fingerprint()
    }

    /// Whether a value was sealed with this certificate, by the keys that opened it. Where the hybrid key may not be
    /// used, the RSA key decides.
    pub fn seals_with(&self, key: &Fingerprint, hybrid: Option<v2::KeyId>) -> bool {
        let is_own = match (&self.hybrid, hybrid) {
            (Ok(own), Some(hybrid)) => own.id() == hybrid,
            _ => true,
        };
        is_own && key == self.fingerprint()
    }

    /// The version of a value that replaces one of version `former`, or is added beside it.
    pub fn format_after(&self, former: Option<Format>) -> Format {
        match (former, self.on_former) {
            (Some(former), OnFormer::Keeps) => former,
            (Some(former), OnFormer::Raises | OnFormer::Refuses) => self.format.max(former),
            (_, OnFormer::Lowers) | (None, _) => self.format,
        }
    }

    /// Checks that format v2 can be sealed.
    ///
    /// # Errors
    /// The certificate has no usable hybrid key.
    pub fn check_hybrid(&self) -> Result<(), SealItemError> {
        self.hybrid.as_ref().map(|_| ()).map_err(|error| *error)
    }

    /// Checks that a value can replace one of version `former`, or be added beside it; returns its version.
    ///
    /// # Errors
    /// [`SealItemError`].
    pub fn check(&self, former: Option<Format>) -> Result<Format, SealItemError> {
        let format = self.format_after(former);
        match format {
            Format::Later => return Err(SealItemError::LaterFormat),
            Format::V2 if self.on_former == OnFormer::Refuses && self.format == Format::V1 => {
                return Err(SealItemError::NotLowered);
            }
            Format::V2 => self.check_hybrid()?,
            Format::V1 => {}
        }
        Ok(format)
    }

    /// Seals one value of an object, in the version of [`Self::format_after`], as padded base64. `item` is the item's
    /// name, which format v2 binds; empty for the deprecated `spec.data`.
    ///
    /// # Errors
    /// [`SealItemError`]. Where format v2 is required and the certificate has no hybrid key, the value is not sealed in
    /// format v1.
    pub fn seal(
        &self,
        former: Option<Format>,
        plaintext: &[u8],
        binding: &Binding,
        item: &str,
        random: &mut dyn Random,
    ) -> Result<String, SealItemError> {
        let sealed = match self.check(former)? {
            Format::V1 => self.key.seal(plaintext, &binding.label(), random)?,
            Format::V2 => {
                let recipient = self.hybrid.as_ref().map_err(|error| *error)?;
                v2::seal(plaintext, &v2::Context::new(binding, item)?, &[recipient], random)?
            }
            Format::Later => return Err(SealItemError::LaterFormat),
        };
        Ok(base64_text::encode(&sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_of_a_text_tell_its_version() {
        let of = |bytes: &[u8]| Format::of(&base64_text::encode(bytes));
        assert_eq!(of(&[1, 0, 9]), Some(Format::V1));
        assert_eq!(of(&[0, 0, 2, 9]), Some(Format::V2));
        assert_eq!(of(&[0, 0, 3, 1]), Some(Format::Later));
        assert_eq!(
            (Format::of("AAAC!"), Format::of("\nAAAD")),
            (Some(Format::V2), Some(Format::Later))
        );
        for at in 0..=4 {
            let broken = [&"AAAC"[..at], "\r\n", &"AAAC"[at..], "AQ=="].concat();
            assert_eq!(Format::of(&broken), Some(Format::V2), "{broken:?}");
        }
        assert_eq!((of(&[0, 0, 1, 1]), of(&[0, 0])), (None, None));
        assert_eq!((of(&[]), Format::of("%")), (None, None));
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("v3".parse::<Format>(), Err(UnknownFormat));
    }
}
