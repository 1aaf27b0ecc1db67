//! `kubeseal reseal`: flags → what to do.

use super::tree::stream_of;
use super::{CertSource, CommandError, Controller, PrivateKeys, Tree, set};
use crate::args::verb::reseal::ResealFlags;
use crate::embedded::BoundTo;

/// Seal what is in files again, in place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResealFiles {
    /// Which files.
    pub tree: Tree,
    /// What sealed values outside SealedSecrets are bound to.
    pub bound_to: BoundTo,
    /// Who opens.
    pub opener: Opener,
    /// What to do with what would change.
    pub mode: ResealMode,
    /// Whether the key's fingerprint is noted in objects that do not carry such a note.
    pub key_hint: bool,
}

/// Who opens what is sealed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opener {
    /// The controller, which seals it again as well.
    Controller(Box<Controller>),
    /// Private keys that are at hand.
    Keys {
        /// At least one file.
        keys: PrivateKeys,
        /// The certificate to seal with.
        cert: CertSource,
    },
}

/// What to do with what would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResealMode {
    /// Write it.
    Write,
    /// Tell which files are due.
    Check {
        /// Whether the lines that would change are shown.
        diff: bool,
        /// Whether a file that is due is a failure.
        fail: bool,
    },
}

impl ResealFiles {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: ResealFlags) -> Result<Self, CommandError> {
        stream_of(&flags.tree.paths)?;
        let keys = PrivateKeys::of(flags.keys);
        let mode = match (flags.check, flags.diff) {
            (false, false) => ResealMode::Write,
            (fail, diff) => ResealMode::Check { diff, fail },
        };
        let cert = CertSource::of_verb(&flags.certificate)?;
        let opener = if keys.files.is_empty() {
            if mode != ResealMode::Write {
                return Err(CommandError::CheckNeedsKeys);
            }
            match cert {
                CertSource::File(_) | CertSource::Url(_) => return Err(CommandError::CertNeedsKeys("--cert")),
                CertSource::Found(found) if found.for_cluster.is_some() => {
                    return Err(CommandError::CertNeedsKeys("--for-cluster"));
                }
                CertSource::Found(found) => Opener::Controller(Box::new(found.controller)),
            }
        } else {
            Opener::Keys { keys, cert }
        };
        Ok(Self {
            bound_to: BoundTo {
                name: set(flags.name),
                namespace: set(flags.namespace),
            },
            tree: Tree::of(flags.tree)?,
            opener,
            mode,
            key_hint: !flags.no_key_hint,
        })
    }
}
