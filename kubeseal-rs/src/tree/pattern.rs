//! A pattern for files: `*` and `?` stand for a part of one name, `[ab]`, `{a,b}`, `**` for any folders.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::TreeError;
use crate::patterns;
use crate::walk::shown;

/// The signs that make a pattern of a path.
const SIGNS: [char; 4] = ['*', '?', '[', '{'];

/// A pattern that was typed in place of a path.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// As typed.
    pub(crate) text: String,
    /// The folder that all it fits is in.
    pub(crate) base: PathBuf,
    set: GlobSet,
}

impl Pattern {
    /// The pattern that `typed` is, unless it is a path.
    ///
    /// # Errors
    /// [`TreeError::Pattern`].
    pub(crate) fn of(typed: &Path) -> Result<Option<Self>, TreeError> {
        let text = typed.to_string_lossy().into_owned();
        if !text.contains(SIGNS) {
            return Ok(None);
        }
        let plain = shown(typed).to_string_lossy();
        let set = glob_set(&[plain.to_string(), format!("{plain}/**")])?;
        let is_plain = |step: &&std::ffi::OsStr| !step.to_string_lossy().contains(SIGNS);
        let mut base: PathBuf = typed.iter().take_while(is_plain).collect();
        if base.as_os_str().is_empty() {
            base.push(".");
        }
        Ok(Some(Self { text, base, set }))
    }

    /// Whether it fits a path below its base, or a folder that the path is in.
    pub(crate) fn fits(&self, path: &Path) -> bool {
        self.set.is_match(shown(path))
    }
}

/// Patterns of which one must fit.
///
/// # Errors
/// [`TreeError::Pattern`].
pub(super) fn glob_set(patterns: &[String]) -> Result<GlobSet, TreeError> {
    let mut set = GlobSetBuilder::new();
    let wrong = |pattern: &str, error: &globset::Error| TreeError::Pattern {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    };
    for pattern in patterns {
        if !patterns::is_bounded(pattern) {
            return Err(TreeError::Pattern {
                pattern: pattern.clone(),
                reason: patterns::UNBOUNDED.to_owned(),
            });
        }
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|error| wrong(pattern, &error))?);
    }
    set.build().map_err(|error| wrong(&patterns.join(" "), &error))
}
