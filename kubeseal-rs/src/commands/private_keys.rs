//! Private keys that are at hand.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sealing::key_secret::private_keys;
use sealing::keyring::KeyRing;

use crate::error::Error;
use crate::files;
use crate::flags::{PrivateKeyFlags, flattened, set};
use crate::keys::age_file;
use crate::objects::InputName;

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

/// All keys of all files. Their age is not known from the key alone, so they are tried in the order of the files.
pub(crate) fn key_ring(private: &PrivateKeys) -> Result<KeyRing, Error> {
    let mut keys = KeyRing::default();
    for path in &private.files {
        let name = InputName(path.display().to_string());
        let bytes = age_file::in_clear(files::read_file(path)?, private.identity.as_deref(), &name.0)?;
        for key in private_keys(&bytes).map_err(|error| name.fault(error))? {
            keys.insert(Arc::new(key), Timestamp::UNIX_EPOCH);
        }
    }
    Ok(keys)
}
