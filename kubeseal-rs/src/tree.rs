//! The files that are meant by the paths on the command line: files, folders, patterns.

mod pattern;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use thiserror::Error;

use crate::error::Hinted;
use crate::files::{FileError, Input};
use crate::typed::Typed;
use crate::walk::{self, Found, shown};
pub(crate) use pattern::Pattern;
use pattern::glob_set;

/// A file that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeFile {
    /// Its path, beginning as it was typed.
    pub(crate) path: PathBuf,
    /// Its path below the folder that was typed; the name of a file that was typed itself.
    pub(crate) below: PathBuf,
    /// Whether the file itself was typed, and not a folder or a pattern: then it must hold what is looked for.
    pub(crate) typed: bool,
}

/// What the paths on the command line mean.
#[derive(Debug, Default)]
pub(crate) struct Meant {
    /// The files.
    pub(crate) files: Vec<TreeFile>,
    /// Symlinks that would be files, were they not passed over.
    pub(crate) links: Vec<PathBuf>,
}

/// The paths mean no files.
#[derive(Debug, Error)]
pub(crate) enum TreeError {
    /// A path that is not there, or cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A pattern that cannot be understood.
    #[error("the pattern {pattern:?}: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern that fits nothing.
    #[error("no manifest (.yaml, .yml, .json) fits the pattern {0:?}")]
    NothingFits(String),
}

/// All files that `paths` mean, each once: files as they are; of folders, and of patterns (`*`, `?`, `[ab]`, `{a,b}`, `**`),
/// the manifests below them, also those that Git ignores, as clear files mostly are. `.git` folders and symlinks that are
/// found are passed over (and named), and so is what a pattern of `exclude` fits.
///
/// # Errors
/// [`TreeError`].
pub(crate) fn files(paths: &[PathBuf], exclude: &[String]) -> Result<Meant, TreeError> {
    meant(paths, exclude, walk::has_manifest_ending)
}

/// The same, with files of every ending.
///
/// # Errors
/// [`TreeError`].
pub(crate) fn all_files(paths: &[PathBuf], exclude: &[String]) -> Result<Meant, TreeError> {
    meant(paths, exclude, |_| true)
}

fn meant(paths: &[PathBuf], exclude: &[String], fits: fn(&Path) -> bool) -> Result<Meant, TreeError> {
    let excluded = anywhere(exclude)?;
    let mut seen = BTreeSet::new();
    let mut meant = Meant::default();
    for path in paths {
        let Meant { files, links } = meant_by(path, fits)?;
        meant
            .links
            .extend(links.into_iter().filter(|link| !excluded.is_match(link)));
        for file in files {
            let is_excluded = excluded.is_match(shown(&file.path)) || excluded.is_match(&file.below);
            let resolved = || dunce::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
            // One path alone means no file twice, and to resolve thousands takes a while.
            if !is_excluded && (paths.len() == 1 || seen.insert(resolved())) {
                meant.files.push(file);
            }
        }
    }
    Ok(meant)
}

fn meant_by(path: &Path, fits: fn(&Path) -> bool) -> Result<Meant, TreeError> {
    if Input::of(path) == Input::Stdin {
        return Ok(Meant::typed(path, path));
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => below(path, fits),
        Ok(_) => Ok(Meant::typed(path, path.file_name().unwrap_or_default().as_ref())),
        Err(reason) => match Pattern::of(path)? {
            Some(pattern) => fitting(pattern, fits),
            None => {
                let path = path.to_owned();
                Err(FileError::Open { path, reason }.into())
            }
        },
    }
}

impl Meant {
    fn typed(path: &Path, below: &Path) -> Self {
        let file = TreeFile {
            path: path.to_owned(),
            below: below.to_owned(),
            typed: true,
        };
        Self {
            files: vec![file],
            links: Vec::new(),
        }
    }
}

/// The files that a pattern fits, and those below the folders that it fits.
fn fitting(pattern: Pattern, fits: fn(&Path) -> bool) -> Result<Meant, TreeError> {
    let found = below(&pattern.base, |path| fits(path) && pattern.fits(path))?;
    if found.files.is_empty() && found.links.is_empty() {
        return Err(TreeError::NothingFits(pattern.text));
    }
    Ok(found)
}

fn below(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Meant, TreeError> {
    let mut meant = Meant::default();
    for found in walk::all(&walk::through(folder), folder) {
        match found? {
            Found::File(path) if wanted(&path) => meant.files.push(TreeFile {
                path: shown(&path).to_owned(),
                below: path.strip_prefix(folder).unwrap_or(&path).to_owned(),
                typed: false,
            }),
            Found::Link(path) if walk::has_manifest_ending(&path) && wanted(&path) => {
                meant.links.push(shown(&path).to_owned());
            }
            Found::File(_) | Found::Link(_) => {}
        }
    }
    Ok(meant)
}

/// Patterns that fit at any depth, and everything below what they fit.
fn anywhere(patterns: &[String]) -> Result<GlobSet, TreeError> {
    let all: Vec<_> = patterns
        .iter()
        .map(|pattern| pattern.trim_start_matches("./").trim_end_matches('/'))
        .flat_map(|pattern| {
            [
                pattern.to_owned(),
                format!("{pattern}/**"),
                format!("**/{pattern}"),
                format!("**/{pattern}/**"),
            ]
        })
        .collect();
    glob_set(&all)
}

impl Hinted for TreeError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        match self {
            TreeError::NothingFits(_) => Some("in quotes, so that the shell leaves it: 'apps/*/prod'".to_owned()),
            TreeError::File(_) | TreeError::Pattern { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, path: &str, exclude: &[&str]) -> Vec<String> {
        let exclude: Vec<_> = exclude.iter().map(|text| (*text).to_owned()).collect();
        let paths = [folder.path().join(path)];
        let name = |file: &TreeFile| file.path.strip_prefix(folder.path()).unwrap().display().to_string();
        let name = |file: &TreeFile| name(file).replace('\\', "/");
        files(&paths, &exclude).unwrap().files.iter().map(name).collect()
    }

    #[test]
    fn folders_and_patterns_mean_the_manifests_below_them() {
        let folder = folder(&[
            "a/x.yaml",
            "a/b/y.yml",
            "a/b/z.JSON",
            "a/readme.md",
            "a/.git/q.yaml",
            ".gitignore",
            "c/x.yaml",
        ]);
        fs::write(folder.path().join(".gitignore"), "*").unwrap();
        assert_eq!(
            found(&folder, "", &[]),
            ["a/b/y.yml", "a/b/z.JSON", "a/x.yaml", "c/x.yaml"]
        );
        assert_eq!(found(&folder, "a", &["b"]), ["a/x.yaml"]);
        assert_eq!(found(&folder, "", &["a/b/*.yml", "c/"]), ["a/b/z.JSON", "a/x.yaml"]);
        assert_eq!(found(&folder, "*/x.yaml", &[]), ["a/x.yaml", "c/x.yaml"]);
        assert_eq!(found(&folder, "a/*", &[]), ["a/b/y.yml", "a/b/z.JSON", "a/x.yaml"]);
        assert_eq!(found(&folder, "**/y.{yml,yaml}", &[]), ["a/b/y.yml"]);
        assert_eq!(found(&folder, "a/readme.md", &[]), ["a/readme.md"]);
    }

    #[test]
    fn a_file_is_meant_once_and_below_its_folder() {
        let folder = folder(&["a/b/x.yaml"]);
        let (root, file) = (folder.path().to_owned(), folder.path().join("a/b/x.yaml"));
        let found = files(&[root, file.clone()], &[]).unwrap().files;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].below.as_path(), found[0].typed),
            (Path::new("a/b/x.yaml"), false)
        );
        let found = files(&[file], &[]).unwrap().files;
        assert_eq!((found[0].below.as_path(), found[0].typed), (Path::new("x.yaml"), true));
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let folder = folder(&["a.txt"]);
        let error = |path: &str| files(&[folder.path().join(path)], &[]).unwrap_err().to_string();
        let told = crate::files::plain(&fs::metadata(folder.path().join("none.yaml")).unwrap_err());
        assert!(error("none.yaml").ends_with(&format!("none.yaml: {told}")));
        assert!(error("*.yaml").starts_with("no manifest (.yaml, .yml, .json) fits the pattern"));
        assert!(files(&[folder.path().into()], &["a[".to_owned()]).is_err());
    }
}
