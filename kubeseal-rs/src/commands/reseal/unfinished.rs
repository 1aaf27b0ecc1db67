//! What ends a run after which not every file is sealed with the newest key.

use crate::error::{Hinted, Kind};
use crate::typed::Typed;

/// What came of a file that was not begun.
pub(super) const LEFT: &str = "left";

/// Ctrl-C was pressed before all files were begun. Each file is the old or the new one.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: {0} of the files are left as they were")]
pub(super) struct Interrupted(pub(super) usize);

impl Hinted for Interrupted {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(format!("{} goes on with them", typed.without(&[])))
    }

    fn kind(&self) -> Kind {
        Kind::Interrupted
    }
}

/// Files in which something is not sealed with the newest key, or in the format that is wanted.
#[derive(Debug, thiserror::Error)]
#[error("{files} of the files are not sealed with the newest key{}", if *.raised { " in format v2" } else { "" })]
pub(super) struct Due {
    pub(super) files: usize,
    /// Whether format v2 is wanted of some file.
    pub(super) raised: bool,
}

impl Hinted for Due {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(format!("{} seals them again", typed.without(&["check", "diff"])))
    }
}

/// Objects that by their key hint are sealed with the newest key, without which nothing shows that the hint is right.
#[derive(Debug, thiserror::Error)]
#[error("not opened: {objects}: by the key hint sealed with the newest key, whose private key was not given")]
pub(super) struct NewestNotGiven {
    pub(super) objects: String,
    /// The fingerprint of that key.
    pub(super) key: String,
}

impl Hinted for NewestNotGiven {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(format!(
            "give the private key of {} too: --recovery-private-key FILE (a new kubeseal keys backup has it)",
            self.key
        ))
    }
}
