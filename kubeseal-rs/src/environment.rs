//! The environment as an argument, so that no rule reads it behind its caller's back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where a Pod finds the files of its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A variable's name as it is looked for: Windows knows no case in them.
fn key(name: &OsStr) -> OsString {
    if cfg!(windows) {
        name.to_ascii_uppercase()
    } else {
        name.to_owned()
    }
}

/// What the process was started with. By default nothing at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    service_account: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_this_process() -> Self {
        Self {
            variables: std::env::vars_os().map(|(name, value)| (key(&name), value)).collect(),
            service_account: Some(PathBuf::from(SERVICE_ACCOUNT)),
        }
    }

    /// A file of the Pod's service account, if this is a Pod: whether there is one is for the caller to see.
    pub(crate) fn service_account(&self, file: impl AsRef<Path>) -> Option<PathBuf> {
        Some(self.service_account.as_ref()?.join(file))
    }

    /// The value of a variable; an empty one counts as not set (reference behaviour).
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(&key(OsStr::new(name)))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The value of a variable as text; one that is not UTF-8 counts as not set.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str)
    }

    /// All variables that are set and whose names start with `prefix`: what follows the prefix, and the value.
    pub(crate) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a OsStr)> {
        self.variables
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(move |(name, value)| Some((name.to_str()?.strip_prefix(prefix)?, value.as_os_str())))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self {
            variables: pairs
                .into_iter()
                .map(|(name, value)| (key(name.as_ref()), value.into()))
                .collect(),
            service_account: None,
        }
    }
}

#[cfg(test)]
impl Environment {
    /// In a Pod whose service account has its files in this folder.
    pub(crate) fn in_pod(self, service_account: &Path) -> Self {
        Self {
            service_account: Some(service_account.to_owned()),
            ..self
        }
    }
}
