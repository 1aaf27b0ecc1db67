//! What keeps keys from being saved or brought back.

use std::path::PathBuf;

use manifest::Place;
use sealing::key_secret::KeySecretError;
use thiserror::Error;

use crate::error::Hinted;
use crate::quoting::{self, on_one_line};
use crate::typed::Typed;

/// What keeps keys from being saved or brought back. Never carries key material.
#[derive(Debug, Error)]
pub(crate) enum KeysError {
    /// There is no key. Holds the namespace.
    #[error("there is no sealing key in namespace {0}")]
    None(String),
    /// A text is no age recipient.
    #[error("{0:?} is no age recipient (age1…)")]
    NotARecipient(String),
    /// age failed.
    #[error("age: {0}")]
    Age(String),
    /// The backup is encrypted, and no identity was given.
    #[error("{} is encrypted with age", on_one_line(.0))]
    Encrypted(String),
    /// An identity was given, and the backup is not encrypted.
    #[error("{} is not encrypted with age, so the identity does not tell whose it is", on_one_line(.0))]
    NotEncrypted(String),
    /// A file of identities cannot be read as such.
    #[error("{0} holds no age identity (AGE-SECRET-KEY-…)")]
    NotAnIdentity(String),
    /// A file in clear would come under Git.
    #[error("{} is inside a Git work tree and not ignored there", quoting::path(.0))]
    UnderGit(PathBuf),
    /// A file in clear that others may read is there already.
    #[error("{} is there already, and others may read it", quoting::path(.0))]
    OpenToOthers(PathBuf),
    /// An object of the backup holds no key.
    #[error("{}, {place}", on_one_line(file))]
    NotAKey {
        /// The backup.
        file: String,
        /// Where in it.
        place: Place,
        /// What is wrong.
        #[source]
        source: KeySecretError,
    },
    /// The hybrid half of keys is missing, or another's. Holds a text for each of them.
    #[error("{}", .0.join("; "))]
    RsaHalves(Vec<String>),
    /// An object of the backup has no name.
    #[error("{}, {place}: a key Secret needs metadata.name to be restored", on_one_line(file))]
    Nameless {
        /// The backup.
        file: String,
        /// Where in it.
        place: Place,
    },
    /// The cluster has another key under a name of the backup.
    #[error("Secret {namespace}/{name} is there and holds another key; nothing was restored")]
    OtherKey {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl KeysError {
    /// What to type next.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            KeysError::None(_) => "name the controller's namespace: --controller-namespace NAMESPACE".to_owned(),
            KeysError::NotARecipient(text) if text.strip_prefix("age1").is_some_and(|rest| rest.contains('1')) => {
                "post-quantum recipients and those of plugins are not supported here: encrypt the backup with age itself (kubeseal \
                 keys backup --unencrypted | age -r RECIPIENT -o FILE)"
                    .to_owned()
            }
            KeysError::NotARecipient(_) => {
                "age-keygen -o identity.txt makes an identity and prints its recipient".to_owned()
            }
            KeysError::Encrypted(_) => "open it with your identity: --identity FILE".to_owned(),
            KeysError::NotEncrypted(_) => {
                "whoever can write it chooses the key that seals; if it is yours, leave --identity out".to_owned()
            }
            KeysError::UnderGit(path) => format!(
                "encrypt it (--recipient age1…), write it elsewhere, or name it in .gitignore: {}",
                quoting::path(path)
            ),
            KeysError::OpenToOthers(path) => format!("chmod 600 {}", quoting::path_word(path)),
            KeysError::OtherKey { namespace, name } => {
                format!(
                    "rename one of the two: kubectl get secret -n {namespace} {name} -o yaml shows the one in the cluster"
                )
            }
            KeysError::RsaHalves(_) => {
                "the rest is done; of these keys only format version 1 opens: another backup may hold their hybrid.seed, which kubeseal \
                 keys restore brings back"
                    .to_owned()
            }
            KeysError::Age(_) | KeysError::NotAnIdentity(_) => {
                "age-keygen makes identities; age -d opens the file too".to_owned()
            }
            KeysError::NotAKey { .. } | KeysError::Nameless { .. } => {
                "a backup is what kubeseal keys backup writes, or kubectl get secret -o yaml".to_owned()
            }
        })
    }
}

impl Hinted for KeysError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        self.hint()
    }
}
