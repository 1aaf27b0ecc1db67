//! What Git itself says: what its index holds, and what it ignores.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{absolute, work_tree};

/// Most paths that Git is asked about at once.
const MOST_ASKED: usize = 500;
/// How long it may take to answer: the index of a large work tree is read in seconds.
const LONGEST: Duration = Duration::from_secs(60);

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
            let listed = listed(root, some, Case::Kept, |path| path.to_vec());
            let (held, others): (Vec<_>, _) = some
                .iter()
                .partition(|(inner, _)| listed.contains(&as_git_writes(inner)));
            tracked.extend(held.iter().map(|(_, path)| (*path).to_owned()));
            if others.is_empty() || !folds_case(root) {
                continue;
            }
            let lower = |path: &[u8]| path.to_ascii_lowercase();
            let listed = self::listed(root, some, Case::Folded, lower);
            let held = others
                .iter()
                .filter(|(inner, _)| listed.contains(&lower(&as_git_writes(inner))));
            tracked.extend(held.map(|(_, path)| (*path).to_owned()));
        }
    }
    tracked
}

/// Whether `A` and `a` are the same to Git.
#[derive(Debug, Clone, Copy)]
enum Case {
    Kept,
    Folded,
}

/// What Git's index holds of these paths, each as `shown` gives it.
fn listed(root: &Path, some: &[(PathBuf, &Path)], case: Case, shown: impl Fn(&[u8]) -> Vec<u8>) -> BTreeSet<Vec<u8>> {
    let inner = some.iter().map(|(inner, _)| inner.as_path());
    let answer = in_index(root, inner, case).unwrap_or_default();
    answer.split(|byte| *byte == 0).map(shown).collect()
}

/// Whether the file system of the work tree takes `A` for `a`, as Git found when it made or cloned it.
fn folds_case(root: &Path) -> bool {
    let asked = git(root).map(|mut asked| {
        asked.args(["config", "--type=bool", "--get", "core.ignorecase"]);
        asked
    });
    asked
        .and_then(|mut asked| answer(&mut asked))
        .is_some_and(|said| said.starts_with(b"true"))
}

/// A path below the root as Git writes it.
fn as_git_writes(inner: &Path) -> Vec<u8> {
    let parts: Vec<_> = inner.iter().map(OsStr::as_encoded_bytes).collect();
    parts.join(&b'/')
}

/// Those of the paths below `root` that Git's index holds, as Git writes them. `None`: it does not answer.
fn in_index<'p>(root: &Path, inner: impl Iterator<Item = &'p Path>, case: Case) -> Option<Vec<u8>> {
    let magic = match case {
        Case::Kept => ":(literal)",
        Case::Folded => ":(literal,icase)",
    };
    let mut asked = git(root)?;
    asked.args(["ls-files", "-z", "--"]);
    asked.args(inner.map(|inner| {
        let mut word = OsString::from(magic);
        word.push(inner);
        word
    }));
    answer(&mut asked)
}

/// What Git says, if it succeeds, and in time: what it starts, or the file system, may not answer.
fn answer(asked: &mut Command) -> Option<Vec<u8>> {
    answer_within(LONGEST, asked)
}

pub(super) fn answer_within(longest: Duration, asked: &mut Command) -> Option<Vec<u8>> {
    let deadline = Instant::now() + longest;
    let mut git = asked.stdout(Stdio::piped()).spawn().ok()?;
    let mut stdout = git.stdout.take()?;
    let (sender, said) = mpsc::channel();
    // It may stay behind, with whatever holds the other end open.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let said = stdout.read_to_end(&mut bytes).map(|_| bytes);
        // Nobody waits any more where it took too long.
        sender.send(said).ok();
    });
    let said = said.recv_timeout(longest).ok().and_then(Result::ok);
    let ended = said.is_some().then(|| ends_by(deadline, &mut git)).flatten();
    if ended.is_none() {
        git.kill().ok();
        git.wait().ok();
    }
    said.filter(|_| ended.is_some_and(|status| status.success()))
}

/// How it ends, if it does until then.
fn ends_by(deadline: Instant, git: &mut Child) -> Option<ExitStatus> {
    loop {
        match git.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Whether Git's index holds `path`.
pub(crate) fn is_tracked(path: &Path) -> bool {
    !tracked(std::iter::once(path)).is_empty()
}

/// Whether Git's index may hold `path`: it lies in a work tree, and Git does not say that it is untracked.
pub(crate) fn may_be_tracked(path: &Path) -> bool {
    let untracked = || {
        let place = absolute(path).ok()?;
        let Some(root) = work_tree(&place) else {
            return Some(true);
        };
        let inner = place.strip_prefix(&root).ok()?;
        // Where the file system takes it for another one that is tracked, it may be that.
        Some(in_index(&root, std::iter::once(inner), Case::Folded)?.is_empty())
    };
    !untracked().unwrap_or_default()
}

/// Whether Git ignores `inner`, a path below the root of a work tree, whether it is tracked or not. `false` where it does not answer.
pub(super) fn says_ignored(root: &Path, inner: &Path) -> bool {
    // `*` fits the root too, and nothing is ignored for it.
    if inner.as_os_str().is_empty() {
        return false;
    }
    let Some(mut asked) = git(root) else { return false };
    asked.args(["check-ignore", "--quiet", "--no-index", "--"]);
    // Else a colon at its beginning would mean something.
    asked.arg(Path::new(".").join(inner));
    answer(&mut asked).is_some()
}

/// What Git ignores and does not track in the work tree at `root`: files, and folders of which it ignores all. Nothing where it does
/// not answer.
pub(super) fn all_ignored(root: &Path) -> HashSet<PathBuf> {
    let Some(mut asked) = git(root) else {
        return HashSet::new();
    };
    asked.args([
        "ls-files",
        "-z",
        "--others",
        "--ignored",
        "--exclude-standard",
        "--directory",
    ]);
    let listed = answer(&mut asked).unwrap_or_default();
    let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    paths.filter_map(|path| Some(root.join(path_of(path)?))).collect()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<&Path> {
    Some(Path::new(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<&Path> {
    std::str::from_utf8(bytes).ok().map(Path::new)
}

/// Git, to be asked about the work tree at `root`. It starts programs that the configuration of a repository names, and it
/// takes a committed directory that looks like a bare repository for one. So it starts in `root`, where `.git` is, and
/// searches for no other repository. `None`: it would find another one.
pub(super) fn git(root: &Path) -> Option<Command> {
    /// What stands between two folders where the search ends; none of them can have it in its name.
    const BETWEEN: u8 = if cfg!(windows) { b';' } else { b':' };
    let above = root.parent().unwrap_or(root);
    let is_bounded = !above.as_os_str().as_encoded_bytes().contains(&BETWEEN);
    let is_at_root = || {
        let mut asked = unbounded(root);
        asked.args(["rev-parse", "--show-cdup"]);
        answer(&mut asked).is_some_and(|said| said.trim_ascii().is_empty())
    };
    let mut git = (is_bounded || is_at_root()).then(|| unbounded(root))?;
    git.env("GIT_CEILING_DIRECTORIES", above);
    Some(git)
}

fn unbounded(root: &Path) -> Command {
    let mut git = Command::new("git");
    // A hook that runs this program may have set them for another repository.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            git.env_remove(name);
        }
    }
    git.env("GIT_NO_LAZY_FETCH", "1")
        .arg("-C")
        .arg(root)
        .args(["-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"])
        .arg("--no-optional-locks")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    git
}

/// Runs Git at `root`, whatever this process was told of other repositories.
#[cfg(test)]
#[cfg(unix)]
pub(crate) fn run_for_test(root: &Path, words: &[&str]) {
    assert!(
        git(root).unwrap().args(words).status().unwrap().success(),
        "git {words:?}"
    );
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn work_tree_with(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("work");
        std::fs::create_dir(&root).unwrap();
        run_for_test(&root, &["init", "--quiet"]);
        for file in files {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "").unwrap();
            run_for_test(&root, &["add", "--force", "--", file]);
        }
        (folder, root)
    }

    #[test]
    fn the_index_is_asked_by_the_letter_unless_the_file_system_folds_case() {
        let (_folder, root) = work_tree_with(&["a/Db.yaml", "*.yaml"]);
        let [same, other, none] = ["a/Db.yaml", "A/db.YAML", "a/d.yaml"].map(|file| root.join(file));
        let all = || tracked([&same, &other, &none].map(PathBuf::as_path).into_iter());
        for folds in ["false", "true"] {
            run_for_test(&root, &["config", "core.ignorecase", folds]);
            let expected = [vec![same.clone()], vec![other.clone(), same.clone()]];
            assert_eq!(
                all(),
                expected[usize::from(folds == "true")].iter().cloned().collect(),
                "{folds}"
            );
            assert!(may_be_tracked(&same) && may_be_tracked(&other) && !may_be_tracked(&none));
        }
        assert!(is_tracked(&root.join("*.yaml")) && !is_tracked(&root.join("b.yaml")));
    }

    #[test]
    fn a_colon_in_the_path_leads_to_no_other_repository() {
        let (folder, root) = work_tree_with(&["a.yaml"]);
        let inner = root.join("b:c").join("inner");
        std::fs::create_dir_all(inner.join(".git")).unwrap();
        std::fs::write(inner.join("a.yaml"), "").unwrap();
        run_for_test(&root, &["add", "--force", "b:c/inner/a.yaml"]);
        assert!(!is_tracked(&inner.join("a.yaml")), "what is no repository is none");
        std::fs::remove_dir(inner.join(".git")).unwrap();
        let other = root.join("d:e").join("other");
        std::fs::create_dir_all(&other).unwrap();
        run_for_test(&root, &["init", "--quiet", "d:e/other"]);
        std::fs::write(other.join("a.yaml"), "").unwrap();
        run_for_test(&other, &["add", "--force", "a.yaml"]);
        assert!(is_tracked(&other.join("a.yaml")), "one of its own");
        drop(folder);
    }

    #[cfg(unix)]
    #[test]
    fn what_does_not_answer_is_not_waited_for() {
        let short = Duration::from_millis(200);
        let say = |script: &str| answer_within(short, Command::new("sh").args(["-c", script]));
        let start = Instant::now();
        assert_eq!(say("exec sleep 600"), None);
        assert_eq!(say("sleep 20 & exit 0"), None, "something holds the other end");
        assert_eq!(say("exec >&-; exec sleep 600"), None, "it says nothing more, and stays");
        assert!(start.elapsed() < Duration::from_secs(300));
        let said = answer_within(LONGEST, Command::new("sh").args(["-c", "echo a"]));
        assert_eq!(said.as_deref(), Some(&b"a\n"[..]));
        assert_eq!(
            answer_within(LONGEST, Command::new("sh").args(["-c", "echo a; exit 1"])),
            None
        );
    }
}
