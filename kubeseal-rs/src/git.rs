//! What Git knows of a path: its work tree, whether it ignores it, whether its index holds it.

mod index;

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use ignore::Match;
use ignore::gitignore::Gitignore;

use crate::patterns;
pub(crate) use index::{is_tracked, tracked};

/// How much of a file of rules is read.
const LARGEST_RULES: u64 = 1 << 20;

pub(crate) fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    Ok(normal(&std::path::absolute(path)?))
}

/// The root of the Git work tree that holds `path` (absolute), if there is one.
pub(crate) fn work_tree(path: &Path) -> Option<PathBuf> {
    let root = path.ancestors().find(|folder| folder.join(".git").exists())?;
    Some(root.to_owned())
}

/// Whether Git ignores `path` (absolute, whether it exists or not), by the `.gitignore` files of its work tree, by
/// `.git/info/exclude` and by the user's own excludes. `false` outside a work tree.
pub(crate) fn is_ignored(path: &Path) -> bool {
    let Some(root) = work_tree(path) else { return false };
    let Ok(inner) = path.strip_prefix(&root) else {
        return false;
    };
    // From the weakest to the strongest.
    let mut rules = vec![Gitignore::global().0];
    rules.push(rules_of(&git_folder(&root).join("info/exclude"), &root));
    let mut current = root.clone();
    let steps: Vec<_> = inner.components().collect();
    for (index, step) in steps.iter().enumerate() {
        rules.push(rules_of(&current.join(".gitignore"), &current));
        current.push(step);
        let is_folder = index + 1 < steps.len() || current.is_dir();
        let verdict = rules.iter().rev().map(|rules| rules.matched(&current, is_folder));
        // What is below an ignored folder cannot be taken back in (gitignore(5)).
        if matches!(
            verdict.into_iter().find(|verdict| !verdict.is_none()),
            Some(Match::Ignore(_))
        ) {
            return true;
        }
    }
    false
}

/// The folder in which Git keeps what all work trees of a repository share (gitrepository-layout(5)): `.git`; in a linked work
/// tree or a submodule `.git` is a file that leads to it.
fn git_folder(root: &Path) -> PathBuf {
    let own = root.join(".git");
    let line = |file: &Path| std::fs::read_to_string(file).map(|text| text.trim().to_owned());
    let Some(leads) = line(&own)
        .ok()
        .and_then(|text| Some(root.join(text.strip_prefix("gitdir:")?.trim())))
    else {
        return own;
    };
    match line(&leads.join("commondir")) {
        Ok(common) => leads.join(common),
        Err(_) => leads,
    }
}

/// The rules of one file, whose patterns are relative to `folder`; none when there is no such file.
fn rules_of(file: &Path, folder: &Path) -> Gitignore {
    let mut builder = ignore::gitignore::GitignoreBuilder::new(folder);
    if !file.is_file() {
        return Gitignore::empty();
    }
    // What cannot be read, or is no pattern, ignores nothing: no clear text is written for it.
    let mut text = Vec::new();
    let _ = File::open(file).and_then(|file| file.take(LARGEST_RULES).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let lines = text.trim_start_matches('\u{feff}').lines();
    for line in lines.filter(|line| patterns::is_bounded(line)) {
        let _ = builder.add_line(Some(file.to_owned()), line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
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
