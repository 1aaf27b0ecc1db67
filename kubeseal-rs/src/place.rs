//! Where a path leads: without symlinks, whether there is something yet or not.

use std::io;
use std::path::{Path, PathBuf};

use crds::names;
use manifest::Document;

use crate::git::{self, normal};

/// As many symlinks as Linux follows.
const LONGEST_CHAIN: usize = 40;

/// The folder of `file` without symlinks, and the file's own name. Folders that are not there yet are taken as typed.
///
/// # Errors
/// The current folder cannot be found.
pub(crate) fn real_place(file: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(file)?;
    let name = absolute.file_name().unwrap_or_default();
    let folder = absolute.parent().unwrap_or(&absolute);
    let mut missing = PathBuf::new();
    for above in folder.ancestors() {
        if let Ok(real) = dunce::canonicalize(above) {
            // What is not there is no symlink, so its text says where it would be.
            return Ok(normal(&real.join(missing)).join(name));
        }
        missing = above
            .components()
            .next_back()
            .map(|step| Path::new(&step).join(&missing))
            .unwrap_or_default();
    }
    Ok(absolute.clone())
}

/// The place whose content reading and writing `file` means: that at the end of its chain of symlinks.
///
/// # Errors
/// As [`real_place`], and that the chain has no end.
pub(crate) fn end_of_links(file: &Path) -> io::Result<PathBuf> {
    let (_, end) = chain_of_links(file)?;
    Ok(end)
}

/// The symlinks that lead from `file` on, each in its [`real_place`], and what the last one leads to.
fn chain_of_links(file: &Path) -> io::Result<(Vec<PathBuf>, PathBuf)> {
    let mut links = Vec::new();
    let mut end = real_place(file)?;
    for _ in 0..LONGEST_CHAIN {
        match std::fs::read_link(&end) {
            Ok(next) => {
                let next = real_place(&end.parent().unwrap_or(&end).join(next))?;
                links.push(std::mem::replace(&mut end, next));
            }
            Err(_) => return Ok((links, end)),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// The chains of symlinks that begin with the file or a folder above it, as they are typed; see [`chain_of_links`].
fn chains_on_the_way(file: &Path) -> io::Result<Vec<(Vec<PathBuf>, PathBuf)>> {
    let typed = std::path::absolute(file)?;
    let links = typed.ancestors().filter(|step| step.is_symlink());
    links.map(chain_of_links).collect()
}

/// Whether what is written to `file` could be committed: it, or what it is a symlink to, lies in a Git work tree, and is not
/// ignored there, or tracked all the same.
///
/// # Errors
/// As [`end_of_links`].
pub(crate) fn comes_under_git(file: &Path) -> io::Result<bool> {
    let place = end_of_links(file)?;
    let is_in_work_tree = git::work_tree(&place).is_some();
    Ok(is_in_work_tree && (!git::is_ignored(&place) || git::is_tracked(&place)))
}

/// Checks that no symlink of a Git work tree leads `file` out of it, to what a program has open, or to a file that is there and
/// that is neither tracked nor sealed: a commit could otherwise choose what is overwritten.
///
/// # Errors
/// That one does; as [`end_of_links`].
pub(crate) fn check_in_work_tree(file: &Path) -> io::Result<()> {
    match leads(file)? {
        None => Ok(()),
        Some(Leads::Out) => Err(io::Error::other(
            "a symlink leads it out of its Git work tree (name the file that it leads to)",
        )),
        Some(Leads::Over) => Err(io::Error::other(
            "a symlink of its Git work tree leads it to a file that Git does not track (name that file)",
        )),
    }
}

/// Checks that no symlink of a Git work tree leads `file`, which is read for its content, out of it, into Git's own directory or to
/// what Git does not track, unless Git says that the symlink is the user's own: whoever may commit would choose what of whoever runs
/// this is sealed. (`/proc/self/environ` is all variables.)
///
/// # Errors
/// That one does; as [`end_of_links`].
pub(crate) fn check_read(file: &Path) -> io::Result<()> {
    let last = end_of_links(file)?;
    for (links, end) in chains_on_the_way(file)? {
        for link in &links {
            let Some(root) = link.parent().and_then(git::work_tree) else {
                continue;
            };
            let leaves = !end.starts_with(root) || is_of_git(&end) || !git::is_tracked(&last);
            if leaves && git::may_be_tracked(link) {
                return Err(io::Error::other(
                    "a symlink that may be committed leads it to what is not (name the file that it leads to)",
                ));
            }
        }
    }
    Ok(())
}

/// Whether a path leads through Git's own directory.
fn is_of_git(path: &Path) -> bool {
    path.iter().any(|step| step.eq_ignore_ascii_case(".git"))
}

/// Where symlinks of a work tree must not lead.
#[derive(Debug, PartialEq)]
enum Leads {
    /// Out of it, or to what a program has open.
    Out,
    /// To a file that is the user's alone: neither tracked nor sealed.
    Over,
}

/// Looks at the file and at each folder above it as they are typed. Git's own directory is not part of the work tree.
fn leads(file: &Path) -> io::Result<Option<Leads>> {
    let typed = std::path::absolute(file)?;
    let git_is_typed = is_of_git(&normal(&typed));
    let mut is_led = false;
    for (links, end) in chains_on_the_way(file)? {
        let mut is_open = is_descriptor(&end);
        for link in links.iter().rev() {
            let leaves = |root: PathBuf| is_open || !end.starts_with(root) || is_of_git(&end) && !git_is_typed;
            let root = link.parent().and_then(git::work_tree);
            is_led |= root.is_some();
            if root.is_some_and(leaves) {
                return Ok(Some(Leads::Out));
            }
            is_open |= is_descriptor(link);
        }
    }
    let end = end_of_links(file)?;
    let is_over = is_led && end.is_file() && !git::is_tracked(&end) && !is_sealed(&end);
    Ok(is_over.then_some(Leads::Over))
}

/// Whether a file holds SealedSecrets and nothing else: there is no clear text in it that would be lost.
fn is_sealed(file: &Path) -> bool {
    let documents = std::fs::read(file)
        .ok()
        .and_then(|bytes| manifest::read_mixed(&bytes).ok());
    let is_sealed = |document: &Document| {
        let is = |field: &str, wanted: &str| document.value.get(field).is_some_and(|found| found == wanted);
        is("apiVersion", names::API_VERSION) && is("kind", names::KIND)
    };
    documents.is_some_and(|documents| documents.iter().all(is_sealed))
}

/// Whether this names a file descriptor. What else `/proc` holds leads to any file: `/proc/self/root/home`.
pub(crate) fn is_descriptor(path: &Path) -> bool {
    let Some(path) = path.to_str() else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_process = || path.strip_prefix("/proc/")?.split_once("/fd/");
    path.strip_prefix("/dev/fd/").is_some_and(is_number)
        || of_process().is_some_and(|(process, number)| (process == "self" || is_number(process)) && is_number(number))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_folders_that_are_not_there_yet_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("repo/sub")).unwrap();
        git::run_for_test(&root.join("repo"), &["init", "--quiet"]);
        // Nothing that whoever runs the tests has told Git to ignore everywhere.
        fs::write(root.join("repo/.gitignore"), "!*\nclear\n").unwrap();
        symlink("repo/sub", root.join("link")).unwrap();
        symlink("link/file", root.join("direct")).unwrap();
        symlink("direct", root.join("chain")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let cases = [
            ("a", "a", "a", false),
            ("link/a", "repo/sub/a", "repo/sub/a", true),
            ("link/new/deep/a", "repo/sub/new/deep/a", "repo/sub/new/deep/a", true),
            ("link/../a", "repo/a", "repo/a", true),
            ("link/../new/../a", "repo/a", "repo/a", true),
            ("link/clear/a", "repo/sub/clear/a", "repo/sub/clear/a", false),
            ("chain", "chain", "repo/sub/file", true),
        ];
        for (path, real, end, taken) in cases {
            let path = root.join(path);
            assert_eq!(real_place(&path).unwrap(), root.join(real), "{path:?}");
            assert_eq!(end_of_links(&path).unwrap(), root.join(end), "{path:?}");
            assert_eq!(comes_under_git(&path).unwrap(), taken, "{path:?}");
        }
        assert!(end_of_links(&root.join("loop")).is_err());
    }

    #[test]
    fn symlinks_that_lead_out_of_a_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("repo/.git/hooks")).unwrap();
        fs::create_dir_all(root.join("repo/sub")).unwrap();
        symlink("../.git/hooks/post-commit", root.join("repo/sub/hook")).unwrap();
        symlink(".git", root.join("repo/git")).unwrap();
        fs::create_dir(root.join("out")).unwrap();
        symlink("repo", root.join("to-repo")).unwrap();
        symlink("../out", root.join("repo/folder")).unwrap();
        symlink("../out/file", root.join("repo/file")).unwrap();
        symlink("file", root.join("repo/chain")).unwrap();
        symlink("../sub/real", root.join("repo/sub/inside")).unwrap();
        symlink("../repo/sub", root.join("out/into")).unwrap();
        symlink("sub", root.join("repo/within")).unwrap();
        // Another work tree, whose root the link is.
        fs::create_dir_all(root.join("other/.git")).unwrap();
        symlink("../other", root.join("repo/other")).unwrap();
        symlink("repo/other", root.join("through")).unwrap();
        for (path, leaves) in [
            ("repo/new", false),
            ("repo/sub/inside", false),
            ("repo/file", true),
            ("repo/chain", true),
            ("repo/folder/new", true),
            ("repo/folder/deep/new", true),
            ("repo/sub/hook", true),
            ("repo/git/index.lock", true),
            ("repo/.git/typed", false),
            ("to-repo/new", false),
            ("to-repo/file", true),
            ("out/new", false),
            ("out/into/new", false),
            ("repo/within/new", false),
            ("repo/other/new", true),
            ("repo/other/deep/new", true),
            ("repo/sub/../other/new", true),
            ("through/new", true),
            ("other/new", false),
        ] {
            let out = leads(&root.join(path)).unwrap() == Some(Leads::Out);
            assert_eq!(out, leaves, "{path}");
        }
    }

    const SEALED: &str =
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {}}\n";

    #[test]
    fn symlinks_of_a_work_tree_lead_to_no_file_that_git_does_not_track() {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        git::run_for_test(&root, &["init", "--quiet"]);
        for (file, text) in [
            ("tracked", "x"),
            ("clear", "x"),
            ("sealed", SEALED),
            (
                "both",
                &format!("{SEALED}---\nkind: Secret # becomes encryptedData\ndata: {{a: b}}\n"),
            ),
            ("env", "PASSWORD=abc\n# goes to encryptedData\n"),
            ("json", r#"{"data": {"encryptedData": ""}, "kind":"Secret"}"#),
        ] {
            fs::write(root.join(file), text).unwrap();
        }
        git::run_for_test(&root, &["add", "--force", "tracked"]);
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/clear"), "x").unwrap();
        for (link, to) in [
            ("to-tracked", "tracked"),
            ("to-clear", "clear"),
            ("to-new", "new"),
            ("to-folder", "folder"),
            ("to-sealed", "sealed"),
            ("to-both", "both"),
            ("to-env", "env"),
            ("to-json", "json"),
        ] {
            symlink(to, root.join(link)).unwrap();
        }
        for (path, wanted) in [
            ("clear", None),
            ("to-tracked", None),
            ("to-new", None),
            ("to-sealed", None),
            ("to-both", Some(Leads::Over)),
            ("to-env", Some(Leads::Over)),
            ("to-json", Some(Leads::Over)),
            ("to-clear", Some(Leads::Over)),
            ("to-folder/clear", Some(Leads::Over)),
            ("to-folder/new", None),
        ] {
            assert_eq!(leads(&root.join(path)).unwrap(), wanted, "{path}");
        }
    }

    /// What a shell has redirected to a file of the work tree is not the file that is meant.
    #[test]
    fn symlinks_of_a_work_tree_lead_to_nothing_open() {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("repo/.git")).unwrap();
        let log = fs::File::create(root.join("repo/log")).unwrap();
        let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&log));
        symlink(&open, root.join("repo/direct")).unwrap();
        symlink("direct", root.join("repo/chain")).unwrap();
        symlink(&open, root.join("typed")).unwrap();
        for (path, leaves) in [
            ("repo/direct", true),
            ("repo/chain", true),
            ("typed", false),
            ("repo/log", false),
        ] {
            let out = leads(&root.join(path)).unwrap() == Some(Leads::Out);
            assert_eq!(out, leaves, "{path}");
        }
    }
}
