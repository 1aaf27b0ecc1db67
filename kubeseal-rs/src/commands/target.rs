//! The SealedSecret of a file that is meant.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::flags::{ObjectFlags, set};

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
