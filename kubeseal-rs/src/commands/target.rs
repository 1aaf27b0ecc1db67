//! The SealedSecret of a file that is meant.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use crate::error::Hinted;
use crate::files::FileError;
use crate::flags::{ObjectFlags, set};
use crate::quoting;
use crate::typed::Typed;

/// The SealedSecret to change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// Its file.
    pub file: PathBuf,
    /// Its name, where the file holds several.
    pub name: Option<String>,
    /// Its namespace, where the file holds several.
    pub namespace: Option<String>,
}

impl Target {
    /// The object of `file` that the flags mean.
    pub(super) fn of(file: OsString, flags: ObjectFlags) -> Self {
        Self {
            file: file.into(),
            name: set(flags.name),
            namespace: set(flags.namespace),
        }
    }
}

/// The file that is to be changed cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct ToChange(pub(super) FileError);

impl Hinted for ToChange {
    fn hint(&self, typed: &Typed) -> Option<String> {
        match &self.0 {
            // A new file has nothing that these could change.
            FileError::Open { reason, .. }
                if reason.kind() == io::ErrorKind::NotFound && (typed.is_verb("unset") || typed.is_verb("rename")) =>
            {
                None
            }
            FileError::Open { path, reason } if reason.kind() == io::ErrorKind::NotFound => Some(format!(
                "a new one is made by kubeseal edit {0}{1}, or kubeseal -f SECRET-FILE -w {0}{1}",
                quoting::path_word(path),
                typed.sealing_flags()
            )),
            error => error.hint(typed),
        }
    }
}
