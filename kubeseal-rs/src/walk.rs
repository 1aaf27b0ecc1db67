//! Walks through folders: what all of them have in common.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::WalkBuilder;

use crate::files::{self, FileError};
use crate::git;

/// The endings of manifests.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A walk through `folder`, sorted by name, through everything but `.git` folders and what killed runs left.
pub(crate) fn through(folder: &Path) -> WalkBuilder {
    filtered(folder, |_| true)
}

/// As [`through`], without what Git ignores.
pub(crate) fn as_git_does(folder: &Path) -> WalkBuilder {
    let ignored = Mutex::new(git::Ignored::default());
    filtered(folder, move |path| {
        let mut ignored = ignored.lock().unwrap_or_else(PoisonError::into_inner);
        git::absolute(path).is_ok_and(|path| !ignored.holds(&path))
    })
}

fn filtered(folder: &Path, wanted: impl Fn(&Path) -> bool + Send + Sync + 'static) -> WalkBuilder {
    let mut walk = WalkBuilder::new(folder);
    walk.standard_filters(false)
        .sort_by_file_name(std::cmp::Ord::cmp)
        .filter_entry(move |entry| entry.file_name() != ".git" && wanted(entry.path()) && !is_left(entry));
    walk
}

/// Whether a killed run left it. What Git tracks, and folders, others have named so.
fn is_left(entry: &ignore::DirEntry) -> bool {
    let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
    is_file && files::is_unfinished(entry.file_name()) && !git::may_be_tracked(entry.path())
}

/// The regular files that the walk through `folder` comes to, and what keeps it from going on.
pub(crate) fn files(walk: &WalkBuilder, folder: &Path) -> impl Iterator<Item = Result<PathBuf, FileError>> {
    let is_file = |found: Found| match found {
        Found::File(path) => Some(path),
        Found::Link(_) => None,
    };
    all(walk, folder).filter_map(move |found| found.map(is_file).transpose())
}

/// What a walk comes to.
pub(crate) enum Found {
    /// A regular file.
    File(PathBuf),
    /// A symlink, which is not followed.
    Link(PathBuf),
}

/// The same, and symlinks.
pub(crate) fn all(walk: &WalkBuilder, folder: &Path) -> impl Iterator<Item = Result<Found, FileError>> {
    walk.build().filter_map(move |entry| match entry {
        Ok(entry) => match entry.file_type() {
            Some(kind) if kind.is_file() => Some(Ok(Found::File(entry.into_path()))),
            Some(kind) if kind.is_symlink() => Some(Ok(Found::Link(entry.into_path()))),
            _ => None,
        },
        Err(found) => Some(Err(error(found, folder))),
    })
}

/// What keeps a walk through `folder` from going on, and where: in the words of the system, not of the walk.
fn error(error: ignore::Error, folder: &Path) -> FileError {
    let path = place_of(&error).unwrap_or(folder).to_owned();
    let text = error.to_string();
    let reason = error.into_io_error().unwrap_or_else(|| std::io::Error::other(text));
    FileError::Open {
        path,
        reason: files::without_path(reason),
    }
}

fn place_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place_of(err),
        _ => None,
    }
}

/// Whether a file is a manifest by its ending, in upper or lower case.
pub(crate) fn has_manifest_ending(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// A path for messages: `./a` is `a`.
pub(crate) fn shown(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_named_as_unfinished_files_are_walked_through() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(".kubeseal-x.unfinished");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("clear.yaml"), "").unwrap();
        std::fs::write(root.path().join(".kubeseal-left.unfinished"), "").unwrap();
        let found: Vec<_> = files(&through(root.path()), root.path()).map(Result::unwrap).collect();
        assert_eq!(found, [folder.join("clear.yaml")]);
    }

    #[test]
    fn what_cannot_be_read_below_a_folder_is_named_itself() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let error = files(&through(&gone), Path::new("folder"))
            .find_map(Result::err)
            .unwrap();
        let told = error.to_string();
        let reason = files::plain(&std::fs::metadata(&gone).unwrap_err());
        assert_eq!(told, format!("open {}: {reason}", gone.display()));
    }
}
