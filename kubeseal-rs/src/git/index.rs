//! What Git's index holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{absolute, work_tree};

/// Most paths that Git is asked about at once.
const MOST_ASKED: usize = 500;

/// Those of `paths` that Git's index holds. Git is asked once for many of them; without it, nothing is known.
pub(crate) fn tracked<'p>(paths: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    let mut by_root: BTreeMap<PathBuf, Vec<(PathBuf, &Path)>> = BTreeMap::new();
    for path in paths {
        let Ok(place) = absolute(path) else { continue };
        let Some(root) = work_tree(&place) else { continue };
        if let Ok(inner) = place.strip_prefix(&root) {
            by_root.entry(root.clone()).or_default().push((inner.to_owned(), path));
        }
    }
    let mut tracked = BTreeSet::new();
    for (root, paths) in &by_root {
        for some in paths.chunks(MOST_ASKED) {
            let inner = some.iter().map(|(inner, _)| inner);
            let asked = git(root)
                .args(["ls-files", "-z", "--"])
                .args(inner)
                .stdout(Stdio::piped())
                .output();
            let answer = asked.map(|asked| asked.stdout).unwrap_or_default();
            let listed: BTreeSet<&[u8]> = answer.split(|byte| *byte == 0).collect();
            let is_listed = |inner: &Path| listed.contains(inner.as_os_str().as_encoded_bytes());
            tracked.extend(
                some.iter()
                    .filter(|(inner, _)| is_listed(inner))
                    .map(|(_, path)| (*path).to_owned()),
            );
        }
    }
    tracked
}

/// Whether Git's index holds `path`.
pub(crate) fn is_tracked(path: &Path) -> bool {
    !tracked(std::iter::once(path)).is_empty()
}

/// Git, to be asked about the work tree at `root`. It starts programs that the configuration of a repository names, and it
/// takes a committed directory that looks like a bare repository for one. So it starts in `root`, where `.git` is, and
/// searches for no other repository.
fn git(root: &Path) -> Command {
    let mut git = Command::new("git");
    // A hook that runs this program may have set them for another repository.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            git.env_remove(name);
        }
    }
    git.env("GIT_CEILING_DIRECTORIES", root.parent().unwrap_or(root))
        .env("GIT_NO_LAZY_FETCH", "1")
        .arg("-C")
        .arg(root)
        .args(["-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"])
        .args(["--literal-pathspecs", "--no-optional-locks"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    git
}
