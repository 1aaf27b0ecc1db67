//! Private keys that are at hand.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sealing::keyring::{KeyRing, OpenError};
use sealing::reseal::ResealError;
use sealing::unseal::{ItemError, UnsealError};
use sealing::v2::KeyId;

use crate::error::{Error, Hinted, chain};
use crate::files;
use crate::flags::{PrivateKeyFlags, flattened, set};
use crate::keys::age_file;
use crate::objects::{Fault, InputName};
use crate::typed::Typed;

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

/// The keys of all files.
pub(crate) struct HeldKeys {
    /// The keys.
    pub(crate) ring: KeyRing,
    /// What keeps keys of the files from opening format v2, a text for each such file.
    rsa_alone: Vec<String>,
    /// Ids of the hybrid keys.
    pub(crate) ids: BTreeSet<KeyId>,
}

/// All keys of all files. Their age is not known from the key alone, so they are tried in the order of the files.
pub(crate) fn held_keys(private: &PrivateKeys) -> Result<HeldKeys, Error> {
    let (mut ring, mut rsa_alone, mut ids) = (KeyRing::default(), Vec::new(), BTreeSet::new());
    for path in &private.files {
        let name = InputName(path.display().to_string());
        let bytes = age_file::in_clear(files::read_file(path)?, private.identity.as_deref(), &name.0)?;
        let mut lacking = None;
        for key in name.private_keys(&bytes)? {
            let hybrid = key.hybrid.unwrap_or_else(|error| {
                lacking = Some(format!("{} ({})", name.0, chain(&error)));
                None
            });
            ids.extend(hybrid.as_ref().map(|hybrid| hybrid.public().id()));
            if hybrid.is_none() {
                lacking.get_or_insert(name.0.clone());
            }
            ring.insert_hybrid(Arc::new(key.rsa), hybrid.map(Arc::new), Timestamp::UNIX_EPOCH);
        }
        rsa_alone.extend(lacking);
    }
    Ok(HeldKeys { ring, rsa_alone, ids })
}

impl HeldKeys {
    /// The same fault, with a hint at the files that hold RSA keys alone where a value needs a key that is not here.
    pub(crate) fn explained(&self, fault: impl Into<Fault>) -> Fault {
        let fault = fault.into();
        if self.rsa_alone.is_empty() || !fault.lacks_a_key() {
            return fault;
        }
        let files = self.rsa_alone.join(", ");
        RsaAlone { fault, files }.into()
    }
}

/// A value of format v2 needs a key that is not here, and of some keys only the RSA key is.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(super) struct RsaAlone {
    pub(super) fault: Fault,
    files: String,
}

impl Hinted for RsaAlone {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(format!(
            "an RSA key alone does not open format v2. If it was sealed for one of these, the hybrid key is missing: {}; it is the item \
             {} of the key Secret, which kubeseal keys backup saves too. Else the keys are others: kubeseal doctor FILE finds out more",
            self.files,
            crds::names::KEY_ITEM_SEED
        ))
    }
}

impl Fault {
    /// The fault without what [`HeldKeys::explained`] adds.
    pub(super) fn unexplained(&self) -> &Fault {
        let fault = match self {
            Fault::Other(fault) => (fault.as_ref() as &(dyn StdError + 'static)).downcast_ref::<RsaAlone>(),
            _ => None,
        };
        fault.map_or(self, |explained| &explained.fault)
    }

    /// Whether a value of format v2 was sealed for keys that are not here.
    fn lacks_a_key(&self) -> bool {
        let lacks = |error: &ItemError| matches!(error, ItemError::Open(OpenError::NoSuchKey { .. }));
        match self {
            Fault::Unseal(UnsealError::Items(errors)) | Fault::Reseal(ResealError::Items(errors)) => {
                errors.0.values().any(lacks)
            }
            Fault::Unseal(UnsealError::DeprecatedData(error))
            | Fault::Reseal(ResealError::DeprecatedData(error))
            | Fault::OpenRaw(error) => lacks(error),
            _ => false,
        }
    }
}
