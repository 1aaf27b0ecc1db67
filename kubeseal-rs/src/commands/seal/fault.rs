//! What keeps a clear file, or its sealed one, as it is.

use std::path::{Path, PathBuf};

use thiserror::Error as ThisError;

use crate::commands::file_names::clear_name;
use crate::error::Hinted;
use crate::quoting;
use crate::typed::Typed;

/// Why a clear file is not deleted, or its sealed one not written.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum ClearFileFault {
    /// It holds something that would be lost.
    #[error("there is a {0} here: a file that holds more than Secrets is not deleted")]
    MoreThanSecrets(String),
    /// Another program has written to it in the meantime.
    #[error("it was changed while it was sealed, so it is not deleted")]
    Changed,
    /// Deleting it would leave the clear text where it points to.
    #[error("it is a symlink: what it points to would stay in clear")]
    Symlink,
    /// The file at the place of the sealed one is something else.
    #[error("there is a {0} here: a file that holds more than SealedSecrets is not overwritten")]
    NotSealed(String),
    /// Values that something fills in later, which it cannot once they are sealed.
    #[error("{0}")]
    Placeholder(String),
    /// The sealed file has something that the clear file lacks, and that may be nowhere else.
    #[error("it has {} that {} lacks: {all}", kinds(*.items, *.objects), quoting::path(.clear))]
    WouldRemove {
        /// How many of them are items of a Secret.
        items: usize,
        /// How many of them are whole SealedSecrets.
        objects: usize,
        /// The items, with their objects, and the objects.
        all: String,
        /// The clear file.
        clear: PathBuf,
        /// The sealed one.
        sealed: PathBuf,
    },
    /// An object that the clear file has no more is part of another one.
    #[error("this SealedSecret cannot be removed alone")]
    NotAlone,
    /// Its name is that of a sealed file.
    #[error("its name says that it is sealed, and there is a Secret in clear in it")]
    NamedSealed(PathBuf),
    /// Templates of the sealed file need an item that the clear file has no more.
    #[error("{0}")]
    UsedByTemplates(String),
    /// A name that something fills in later.
    #[error("{0}")]
    PlaceholderName(String),
    /// No namespace can be called so.
    #[error("{0}")]
    Namespace(String),
    /// Two Secrets would be one SealedSecret.
    #[error("it holds two Secrets of the name {0}")]
    Twice(String),
    /// Rewriting it would lower it.
    #[error("it has values of format v2, which sealing does not take back to format v1")]
    Lowered(PathBuf),
    /// The sealed file says otherwise, and it cannot be known which of the two is right.
    #[error("the sealed file contradicts {}: {}", quoting::path(.clear), .all.join("; "))]
    Contradicts {
        /// In what, by name.
        all: Vec<String>,
        /// The clear file.
        clear: PathBuf,
    },
}

impl ClearFileFault {
    /// What to do about it.
    fn next(&self, typed: &Typed) -> String {
        match self {
            ClearFileFault::MoreThanSecrets(_) => "move the Secrets into a file of their own",
            ClearFileFault::Changed => "run the same command again",
            ClearFileFault::Symlink => "name the file that it points to",
            ClearFileFault::NotSealed(_) => "move it away, or write the sealed files elsewhere: --out DIR",
            ClearFileFault::NotAlone => "nothing was written: remove it by hand, then run the same command again",
            ClearFileFault::Placeholder(_) => "seal the value itself, or leave --strict out",
            ClearFileFault::UsedByTemplates(_) => {
                "nothing was written: put the item back into the clear file, or change spec.template.data of the sealed one \
                 first (kubeseal render FILE shows what it makes)"
            }
            ClearFileFault::WouldRemove { clear, sealed, .. } => {
                return format!(
                    "nothing was written: {} removes them; kubeseal --merge-into {} -f {}{} keeps them",
                    typed.with("--prune"),
                    quoting::path_word(sealed),
                    quoting::path_word(clear),
                    typed.sealing_flags()
                );
            }
            ClearFileFault::Lowered(sealed) => {
                return format!("nothing was written: {}", way_back(sealed, typed));
            }
            ClearFileFault::NamedSealed(path) => {
                let clear = clear_name(path);
                let [sealed, free] = [path, &clear].map(|path| quoting::path_word(path));
                // What stands there would be lost.
                if clear.symlink_metadata().is_ok() {
                    return format!("there is {free} too: move the Secrets of {sealed} that it lacks into it by hand");
                }
                // In PowerShell it replaces nothing, and has no such flag.
                let mv = if cfg!(windows) { "mv" } else { "mv -n" };
                return format!("{mv} {sealed} {free} && {}", typed.with_path(path, &clear));
            }
            ClearFileFault::PlaceholderName(_) => "write the name itself, or bind to none: --scope cluster-wide",
            ClearFileFault::Namespace(_) => "write another one",
            ClearFileFault::Twice(_) => "remove one of them",
            ClearFileFault::Contradicts { .. } => {
                "nothing was written: make the two files agree, or --force rewrites the sealed one and names what only it \
                 held, which is lost"
            }
        }
        .to_owned()
    }
}

/// What takes the values of a sealed file back to format v1.
pub(super) fn way_back(sealed: &Path, typed: &Typed) -> String {
    format!(
        "kubeseal reseal --format-version 1 --allow-downgrade --recovery-private-key FILE{} {}",
        typed.flags(|flag| matches!(flag, "cert" | "for-cluster")),
        quoting::path_word(sealed)
    )
}

fn kinds(items: usize, objects: usize) -> &'static str {
    match (items, objects) {
        (_, 0) => "items",
        (0, _) => "SealedSecrets",
        _ => "items and SealedSecrets",
    }
}

impl Hinted for ClearFileFault {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(self.next(typed))
    }
}
