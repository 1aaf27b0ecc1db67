//! A certificate to seal with, and the version of the format in which its values are sealed.

use std::ops::Deref;
use std::sync::{Arc, Once};

use crds::SealedSecret;
use sealing::cert::SealingCert;
use sealing::sealer::{Format, SealItemError, Sealer};
use thiserror::Error;

use crate::error::Hinted;
use crate::note;
use crate::objects::{InputError, InputName};
use crate::typed::Typed;

/// A certificate to seal with.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(super) cert: Arc<SealingCert>,
    /// Its source, for messages.
    pub(super) name: InputName,
    /// What the project file says of the format.
    pub(super) format: Option<Format>,
    /// Whether the project file pins the RSA key alone. Then the hybrid key may be anyone's.
    pub(super) rsa_alone: bool,
    /// Whether it has been said what comes of that.
    pub(super) noted: Once,
}

impl Deref for Certificate {
    type Target = SealingCert;

    fn deref(&self) -> &SealingCert {
        &self.cert
    }
}

impl Certificate {
    /// For the modes without a verb: format v1 unless `asked` or the project file says otherwise.
    ///
    /// # Errors
    /// Format v2 is wanted, and cannot be sealed.
    pub(crate) fn classic_sealer(&self, asked: Option<Format>) -> Result<Sealer<'_>, InputError> {
        self.sealer_of(asked, Format::default())
    }

    /// For the verbs: what `asked` or the project file says; else format v2 where the certificate has a hybrid key, and what
    /// exists keeps its version.
    ///
    /// # Errors
    /// Format v2 is wanted, and cannot be sealed.
    pub(crate) fn sealer(&self, asked: Option<Format>) -> Result<Sealer<'_>, InputError> {
        match asked.or(self.format) {
            Some(_) => self.sealer_of(asked, Format::default()),
            None if self.rsa_alone => {
                self.note_unused();
                Ok(self.keeping_sealer())
            }
            None => match self.hybrid() {
                Ok(None) => Ok(self.keeping_sealer()),
                _ => Ok(self.sealer_of(asked, Format::V2)?.keeping()),
            },
        }
    }

    /// For resealing: each value keeps its version unless `asked` or the project file wants format v2.
    ///
    /// # Errors
    /// Format v2 is wanted, and cannot be sealed.
    pub(crate) fn resealer(&self, asked: Option<Format>) -> Result<Sealer<'_>, InputError> {
        match asked.or(self.format) {
            Some(format @ (Format::V2 | Format::Later)) => self.sealer_of(asked, format),
            Some(Format::V1) => Ok(self.keeping_sealer()),
            None if self.rsa_alone => Ok(self.keeping_sealer()),
            None => self.sealer(None),
        }
    }

    /// For resealing all in format v1.
    pub(crate) fn lowering_sealer(&self) -> Sealer<'_> {
        self.unchecked(Format::V1).lowering()
    }

    /// For values outside SealedSecrets: each keeps its version, whatever the project file says.
    pub(crate) fn keeping_sealer(&self) -> Sealer<'_> {
        self.unchecked(Format::V1).keeping()
    }

    /// For one such value: format v2 where it is `asked` for, bound to the key beside it.
    ///
    /// # Errors
    /// Format v2 is asked for, and cannot be sealed.
    pub(crate) fn outside_sealer(&self, asked: Option<Format>) -> Result<Sealer<'_>, InputError> {
        match asked {
            Some(format) => self.sealer_of(asked, format),
            None => Ok(self.keeping_sealer()),
        }
    }

    /// Says that only the pin keeps new objects in format v1.
    fn note_unused(&self) {
        if matches!(self.hybrid(), Ok(Some(_))) {
            self.noted.call_once(|| {
                note::told(
                    "note: new objects are sealed in format v1: the project file pins the RSA key alone; to pin both keys: \
                     fingerprint: v2:SHA256:… (kubeseal keys pin FILE prints it)",
                );
            });
        }
    }

    /// In the version that is `asked` for, else the project file's, else `otherwise`.
    fn sealer_of(&self, asked: Option<Format>, otherwise: Format) -> Result<Sealer<'_>, InputError> {
        let format = asked.or(self.format).unwrap_or(otherwise);
        let sealer = self.unchecked(format);
        if asked == Some(Format::V1) {
            return Ok(sealer.refusing());
        }
        if format == Format::V2 {
            let is_rule = asked.is_none() && self.format.is_some();
            sealer.check_hybrid().map_err(|error| match is_rule {
                true if error == SealItemError::NoHybridKey => self.name.fault(AgainstRule(error)),
                _ => self.name.fault(error),
            })?;
        }
        Ok(sealer)
    }

    fn unchecked(&self, format: Format) -> Sealer<'_> {
        let sealer = Sealer::new(&self.cert, format);
        if self.rsa_alone { sealer.rsa_only() } else { sealer }
    }
}

/// The project file wants format v2, which the certificate cannot seal.
#[derive(Debug, Error)]
#[error("{0}; the project file names format v2 for this place")]
struct AgainstRule(SealItemError);

impl Hinted for AgainstRule {
    fn hint(&self, typed: &Typed) -> Option<String> {
        let hint = self.0.hint(typed)?;
        // There it takes what is sealed back to v1, and needs more than that.
        if typed.is_verb("reseal") {
            return Some(hint);
        }
        Some(format!("{hint}; --format-version 1 seals in format v1 anyway"))
    }
}

impl Hinted for SealItemError {
    fn hint(&self, typed: &Typed) -> Option<String> {
        match self {
            SealItemError::NoHybridKey => Some(format!(
                "a controller with --hybrid=publish has such a certificate: kubeseal --fetch-cert{} -w cert.pem",
                typed.controller_flags()
            )),
            SealItemError::HybridKey(_) => Some(format!(
                "get the certificate from the cluster again: kubeseal --fetch-cert{} -w cert.pem",
                typed.controller_flags()
            )),
            SealItemError::HybridKeyNotPinned => Some(
                "pin both keys in the project file: fingerprint: v2:SHA256:… (kubeseal keys pin FILE prints it)"
                    .to_owned(),
            ),
            SealItemError::NotLowered => Some(format!(
                "nothing was written: leave --format-version out to seal in format v2; to take all of it back to format v1: \
                 kubeseal reseal --format-version 1 --allow-downgrade --recovery-private-key FILE{} PATH",
                typed.flags(|flag| matches!(flag, "cert" | "for-cluster"))
            )),
            SealItemError::LaterFormat => {
                Some("nothing was written: install a newer kubeseal, then run the same command again".to_owned())
            }
            SealItemError::Name(_) | SealItemError::Bytes(_) => None,
        }
    }
}

/// Before anyone types what could not be sealed: that values can be sealed into the object, in the version that they will have.
///
/// # Errors
/// As [`Sealer::check`].
pub(crate) fn check_sealable_into(sealer: &Sealer<'_>, sealed: &SealedSecret) -> Result<(), SealItemError> {
    sealer.check(Format::latest_of(sealed)).map(drop)
}
