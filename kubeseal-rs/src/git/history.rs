//! Earlier versions of a text: what Git's history holds of it, whatever its file was called.

use std::path::Path;
use std::time::Duration;

use super::index::{answer_within, git};
use super::work_tree;

/// Commits at most whose versions are read.
const MOST_COMMITS: &str = "--max-count=8";
/// How long the search may take: a large history is read in seconds.
const LONGEST: Duration = Duration::from_secs(10);
/// Letters of a commit's hash in messages.
const SHORT: usize = 12;

/// A file as a commit has it, or had it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// The abbreviated commit.
    pub(crate) commit: String,
    /// The whole text.
    pub(crate) bytes: Vec<u8>,
}

/// Versions of files in the history of the work tree around `folder` (absolute) in which commits added or removed `text`,
/// the oldest first. None outside a work tree, and where Git does not answer in time.
pub(crate) fn versions_with(folder: &Path, text: &str) -> Vec<Version> {
    let versions = work_tree(folder).and_then(|root| {
        let mut log = git(&root)?;
        log.args([
            "log",
            "--no-show-signature",
            "--no-textconv",
            "--no-ext-diff",
            "--no-renames",
            "--raw",
            "--no-abbrev",
        ]);
        log.args(["-z", "--format=%x00%H", MOST_COMMITS])
            .arg(format!("-S{text}"));
        let said = answer_within(LONGEST, &mut log)?;
        let mut versions = Vec::new();
        for (commit, blob) in changes(&String::from_utf8_lossy(&said)) {
            let mut asked = git(&root)?;
            asked.args(["cat-file", "blob", blob]);
            let Some(bytes) = answer_within(LONGEST, &mut asked) else {
                continue;
            };
            let commit = commit.chars().take(SHORT).collect();
            versions.push(Version { commit, bytes });
        }
        Some(versions)
    });
    let mut versions = versions.unwrap_or_default();
    versions.reverse();
    versions
}

/// Commits and the blobs that they add or remove, as `git log --raw` lists them. Names of files are left out.
fn changes(log: &str) -> Vec<(&str, &str)> {
    let is_hash = |word: &&str| word.len() >= 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let exists = |hash: &&str| is_hash(hash) && hash.bytes().any(|byte| byte != b'0');
    let mut commit = "";
    let mut changes = Vec::new();
    for field in log.split('\0').map(str::trim) {
        if is_hash(&field) {
            commit = field;
        } else if let Some(change) = field.strip_prefix(':') {
            let blobs = change.split(' ').filter(exists);
            changes.extend(blobs.map(|blob| (commit, blob)));
        }
    }
    changes
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::git::run_for_test;

    const TEXT: &str = "AgBunmistakable";

    #[test]
    fn versions_of_a_moved_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let run = |words: &[&str]| run_for_test(&root, words);
        run(&["init", "--quiet"]);
        run(&["config", "user.name", "a"]);
        run(&["config", "user.email", "a@example.com"]);
        run(&["config", "commit.gpgsign", "false"]);
        for (name, text) in [("shop db.yaml", "one"), ("other.yaml", "two")] {
            std::fs::write(root.join(name), format!("{text}: {TEXT}\n")).unwrap();
            run(&["add", "--force", "--", name]);
            run(&["commit", "--quiet", "--message", name]);
        }
        std::fs::write(root.join("unrelated.yaml"), "three\n").unwrap();
        run(&["add", "--force", "--", "unrelated.yaml"]);
        run(&["rm", "--quiet", "--", "shop db.yaml"]);
        run(&["commit", "--quiet", "--message", "removed"]);
        let versions = versions_with(&root, TEXT);
        let texts: Vec<_> = versions.iter().map(|one| String::from_utf8_lossy(&one.bytes)).collect();
        assert_eq!(
            texts,
            [
                format!("one: {TEXT}\n"),
                format!("two: {TEXT}\n"),
                format!("one: {TEXT}\n")
            ]
        );
        assert!(versions.iter().all(|one| one.commit.len() == SHORT));
        assert!(versions_with(&root, "AgBnowhere").is_empty());
    }
}
