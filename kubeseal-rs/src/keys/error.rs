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
    /// A text is not an age recipient. It is shown only where it begins as one: it may be an identity, which is private.
    #[error("{} is not an age recipient (age1…)", recipient(.0))]
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
    /// The hybrid key of keys is missing, or another's. Holds a text for each of them.
    #[error("{}", .0.join("; "))]
    RsaHalves(Vec<String>),
    /// The file holds keys that the new backup would lack; which.
    #[error("{} holds what the new backup would lack, and is left as it is: {}", quoting::path(.0), some(.1))]
    Kept(PathBuf, Vec<String>),
    /// Which keys are in the file cannot be told.
    #[error("{}: which keys it holds cannot be told, so it is left as it is", quoting::path(.0))]
    KeptUnknown(PathBuf),
    /// An object of the backup has no name.
    #[error("{}, {place}: a key Secret needs metadata.name to be restored", on_one_line(file))]
    Nameless {
        /// The backup.
        file: String,
        /// Where in it.
        place: Place,
    },
    /// An object of the backup has a type that no key Secret has.
    #[error(
        "{}, {place}: a key Secret has type kubernetes.io/tls or Opaque, and this one {type_:?}; nothing was restored",
        on_one_line(file)
    )]
    OtherType {
        /// The backup.
        file: String,
        /// Where in it.
        place: Place,
        /// Its type.
        type_: String,
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

/// How many keys are named.
const NAMED: usize = 3;

fn some(keys: &[String]) -> String {
    let named: Vec<_> = keys.iter().take(NAMED).map(String::as_str).collect();
    match keys.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn recipient(text: &str) -> String {
    match text.starts_with("age1") {
        true => format!("{text:?}"),
        false => "what was given".to_owned(),
    }
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
                "age-keygen -o identity.txt makes an identity and prints its recipient; age-keygen -y FILE prints that of one"
                    .to_owned()
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
                "the rest is done; of these keys only format v1 opens. Where hybrid.seed is missing, another backup may hold it, which \
                 kubeseal keys restore brings back"
                    .to_owned()
            }
            KeysError::OtherType { .. } => {
                "whoever can write the backup may have made it; if the key is yours, give it the type kubernetes.io/tls there".to_owned()
            }
            KeysError::Kept(path, _) => format!(
                "what this cluster has lost comes back with: kubeseal keys restore {}; to save what there is (or another cluster's keys): \
                 kubeseal keys backup -w ANOTHER-FILE",
                quoting::path_word(path)
            ),
            KeysError::KeptUnknown(_) => {
                "it is encrypted by an earlier kubeseal or by age itself, or there is more in it than key Secrets that can be read; to \
                 save what there is: kubeseal keys backup -w ANOTHER-FILE"
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
