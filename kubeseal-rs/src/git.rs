//! What Git knows of a path: its work tree, whether it ignores it, whether its index holds it, and earlier versions of a text.

mod history;
mod index;

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

pub(crate) use history::versions_with;
#[cfg(test)]
#[cfg(unix)]
pub(crate) use index::run_for_test;
pub(crate) use index::{is_tracked, may_be_tracked, tracked};

pub(crate) fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    Ok(normal(&std::path::absolute(path)?))
}

/// The root of the Git work tree that holds `path` (absolute), if there is one.
pub(crate) fn work_tree(path: &Path) -> Option<PathBuf> {
    let root = path.ancestors().find(|folder| folder.join(".git").exists())?;
    Some(root.to_owned())
}

/// Whether Git ignores `path` (absolute, whether it exists or not). `false` outside a work tree, and where Git, which is asked, does
/// not answer.
pub(crate) fn is_ignored(path: &Path) -> bool {
    let Some(root) = work_tree(path) else { return false };
    let Ok(inner) = path.strip_prefix(&root) else {
        return false;
    };
    index::says_ignored(&root, inner)
}

/// What Git ignores, to be asked about many paths of a few work trees.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    /// By the roots of work trees.
    roots: HashMap<PathBuf, HashSet<PathBuf>>,
}

impl Ignored {
    /// Whether Git ignores `path` (absolute), which is there, and nothing above it.
    pub(crate) fn holds(&mut self, path: &Path) -> bool {
        let Some(root) = path.parent().and_then(work_tree) else {
            return false;
        };
        let known = self
            .roots
            .entry(root.clone())
            .or_insert_with(|| index::all_ignored(&root));
        known.contains(path)
    }
}

/// The path without `.` and `..`, by its text alone.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}
