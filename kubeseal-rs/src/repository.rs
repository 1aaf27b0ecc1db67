//! The files of a repository: which there are, and which of them Git would take.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::git::{absolute, is_ignored, is_tracked, tracked, work_tree};
use crate::tree::{Pattern, TreeError};
use crate::walk;

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Absolute and without `.` and `..`.
    pub(crate) path: PathBuf,
    /// As it was typed, or below the folder that was typed.
    pub(crate) name: String,
    /// Whether Git would take it: it does not ignore it. Outside a work tree nothing is ignored.
    pub(crate) tracked: bool,
}

impl Found {
    /// Standard input, which is not a file of any repository.
    pub(crate) fn stdin() -> Self {
        Self {
            path: PathBuf::from("/dev/stdin"),
            name: "stdin".to_owned(),
            tracked: false,
        }
    }

    /// A file or folder that cannot be read, so that nothing is known of it but its path.
    pub(crate) fn unread(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            name: walk::shown(path).display().to_string(),
            tracked: false,
        }
    }
}

/// What is meant by a path that was typed.
#[derive(Debug)]
pub(crate) enum Meant {
    /// The file itself.
    File(Found),
    /// What there is in a folder, or what a pattern fits. What cannot be read leaves the others.
    Several(Vec<Result<Found, FileError>>),
}

/// The file `path`, or the manifests (`.yaml`, `.yml`, `.json`, kustomizations) below the folder `path`, or those that the
/// pattern `path` fits, without what Git ignores; everything below a folder that Git ignores itself.
///
/// # Errors
/// There is no such file or folder, or the pattern fits nothing.
pub(crate) fn manifests(path: &Path) -> Result<Meant, TreeError> {
    meant(path, is_manifest)
}

/// The files below the folder `path`, or that the pattern `path` fits, that are no manifests. What cannot be read is left out,
/// as it was not named.
pub(crate) fn other_files(path: &Path) -> Vec<Found> {
    match meant(path, |path| !is_manifest(path)) {
        Ok(Meant::Several(found)) => found.into_iter().filter_map(Result::ok).collect(),
        Ok(Meant::File(_)) | Err(_) => Vec::new(),
    }
}

fn meant(path: &Path, is_meant: fn(&Path) -> bool) -> Result<Meant, TreeError> {
    let failed = |reason| FileError::Open {
        path: path.to_owned(),
        reason,
    };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(Meant::Several(below(path, is_meant))),
        Ok(_) => {
            let absolute = absolute(path).map_err(failed)?;
            Ok(Meant::File(Found {
                tracked: !is_ignored(&absolute) || is_tracked(&absolute),
                name: path.display().to_string(),
                path: absolute,
            }))
        }
        Err(reason) => {
            let pattern = Pattern::of(path)?.ok_or(failed(reason))?;
            let found = below(&pattern.base, |path| is_meant(path) && pattern.fits(path));
            if found.is_empty() {
                return Err(TreeError::NothingFits(pattern.text));
            }
            Ok(Meant::Several(found))
        }
    }
}

fn below(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<Result<Found, FileError>> {
    let is_taken = absolute(folder).is_ok_and(|folder| !is_ignored(&folder));
    let walk = match is_taken {
        true => walk::as_git_does(folder),
        false => walk::through(folder),
    };
    let paths: Vec<_> = walk::files(&walk, folder)
        .filter(|path| path.as_ref().map_or(true, |path| wanted(path)))
        .collect();
    // What was added before goes on being taken.
    let in_index = match is_taken {
        true => BTreeSet::new(),
        false => tracked(paths.iter().flatten().map(PathBuf::as_path)),
    };
    let found = |path: PathBuf| {
        let name = walk::shown(&path).display().to_string();
        let tracked = is_taken || in_index.contains(&path);
        match absolute(&path) {
            Ok(path) => Ok(Found { path, name, tracked }),
            Err(reason) => Err(FileError::Open { path, reason }),
        }
    };
    paths.into_iter().map(|path| path.and_then(found)).collect()
}

/// The files that `wanted` accepts by their paths, in the work trees that `folders` belong to; outside a work tree, in the
/// folders themselves. What cannot be read is skipped: it was not named.
pub(crate) fn around(folders: &[PathBuf], wanted: impl Fn(&Path) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    let roots: BTreeSet<_> = folders
        .iter()
        .map(|folder| work_tree(folder).map_or((folder.clone(), Some(1)), |root| (root, None)))
        .collect();
    let here = std::env::current_dir().unwrap_or_default();
    for (root, depth) in roots {
        let mut walk = walk::as_git_does(&root);
        walk.max_depth(depth);
        let files = walk::files(&walk, &root).filter_map(Result::ok);
        for path in files.filter(|path| wanted(path)) {
            let name = walk::shown(path.strip_prefix(&here).unwrap_or(&path));
            found.push(Found {
                name: name.display().to_string(),
                path,
                tracked: true,
            });
        }
    }
    found
}

fn is_manifest(path: &Path) -> bool {
    // kustomize takes this name too.
    walk::has_manifest_ending(path) || path.ends_with("Kustomization")
}

/// Whether the file is a template of a Helm chart, which is not a manifest before Helm has filled it in.
pub(crate) fn is_chart_template(path: &Path, text: &str) -> bool {
    let in_chart = path.ancestors().any(|folder| {
        folder.file_name().is_some_and(|name| name == "templates")
            && folder.parent().is_some_and(|chart| chart.join("Chart.yaml").is_file())
    });
    in_chart && text.contains("{{")
}
// Git is asked, which Wine does not run.
#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;

    use super::*;

    /// Undoes the user's own excludes, which are weaker, so that these tests do not depend on them.
    const ONLY: &str = "!*\n";

    /// A work tree with these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        crate::git::run_for_test(root.path(), &["init", "--quiet"]);
        let own = (".git/info/exclude", "");
        for (name, text) in [own].iter().chain(files) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let before = if name.ends_with("info/exclude") { ONLY } else { "" };
            fs::write(path, format!("{before}{text}")).unwrap();
        }
        root
    }

    #[test]
    fn nested_braces_in_rules_are_passed_over() {
        let nested = format!("{}a{}", "{".repeat(60_000), "}".repeat(60_000));
        let root = tree(&[(".gitignore", &format!("{nested}\n*.key\n"))]);
        assert!(is_ignored(&root.path().join("x.key")));
        assert!(!is_ignored(&root.path().join("a")));
    }

    #[test]
    fn what_git_ignores_is_known_also_of_files_that_are_not_there_yet() {
        let root = tree(&[
            (".gitignore", "clear/\n*.key\n!public.key\n/top.yaml\n"),
            (".git/info/exclude", "excluded.yaml\n"),
            ("sub/.gitignore", "!kept.key\nx-*\n"),
        ]);
        let ignored = |name: &str| is_ignored(&root.path().join(name));
        for name in [
            "clear/db.yaml",
            "clear/public.key",
            "a.key",
            "deep/b.key",
            "top.yaml",
            "excluded.yaml",
            "sub/x-1",
        ] {
            assert!(ignored(name), "{name}");
        }
        for name in ["db.yaml", "public.key", "sub/top.yaml", "sub/kept.key", "x-1", "clear"] {
            assert!(!ignored(name), "{name}");
        }
        let outside = tempfile::tempdir().unwrap();
        assert!(!is_ignored(&outside.path().join("a.key")));
    }

    #[test]
    fn where_git_does_not_answer_nothing_is_ignored() {
        let root = tree(&[(".gitignore", "a\n"), (".git/HEAD", "no repository")]);
        assert!(!is_ignored(&root.path().join("a")));
        let root = tree(&[(".gitignore", "a\n")]);
        assert!(is_ignored(&root.path().join("a")));
    }

    #[test]
    fn a_folder_gives_its_manifests_without_what_git_ignores() {
        let root = tree(&[
            (".gitignore", "clear\n"),
            ("a/db.yaml", ""),
            ("a/.hidden/x.yml", ""),
            ("a/readme.md", ""),
            ("a/x.Yml", ""),
            ("a/Kustomization", ""),
            ("a/clear/db.yaml", ""),
            (".git/config.yaml", ""),
        ]);
        let names = |path: &Path| -> Vec<_> {
            let found: Vec<_> = match manifests(path).unwrap() {
                Meant::File(found) => vec![found],
                Meant::Several(found) => found.into_iter().map(Result::unwrap).collect(),
            };
            let name = |found: &Found| found.path.strip_prefix(root.path()).unwrap().display().to_string();
            found.iter().map(|found| (name(found), found.tracked)).collect()
        };
        let listed = |names: &[(&str, bool)]| {
            names
                .iter()
                .map(|(name, kept)| ((*name).to_owned(), *kept))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(root.path()),
            listed(&[
                ("a/.hidden/x.yml", true),
                ("a/Kustomization", true),
                ("a/db.yaml", true),
                ("a/x.Yml", true)
            ])
        );
        assert_eq!(
            names(&root.path().join("a/clear")),
            listed(&[("a/clear/db.yaml", false)])
        );
        assert_eq!(
            names(&root.path().join("a/clear/db.yaml")),
            listed(&[("a/clear/db.yaml", false)])
        );
        assert_eq!(
            names(&root.path().join("*/*.y*ml")),
            listed(&[("a/db.yaml", true)]),
            "a pattern is as particular as for all verbs, and no less than Git"
        );
        assert_eq!(
            names(&root.path().join("?/.hid*")),
            listed(&[("a/.hidden/x.yml", true)])
        );
        for nothing in ["nothing", "n*", "a/cl*"] {
            assert!(manifests(&root.path().join(nothing)).is_err(), "{nothing}");
        }
    }
}
