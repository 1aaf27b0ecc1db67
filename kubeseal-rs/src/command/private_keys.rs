//! Private keys that are at hand: flags → what to read.

use std::path::PathBuf;

use super::{flattened, set};
use crate::args::PrivateKeyFlags;

/// Private keys that are at hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PrivateKeys {
    /// Files with private keys.
    pub files: Vec<PathBuf>,
    /// The age identities that open those files that are encrypted.
    pub identity: Option<PathBuf>,
}

impl PrivateKeys {
    pub(super) fn of(flags: PrivateKeyFlags) -> Self {
        let files = flattened(&flags.recovery_private_key).into_iter();
        Self {
            files: files.map(PathBuf::from).collect(),
            identity: set(flags.identity).map(PathBuf::from),
        }
    }
}
