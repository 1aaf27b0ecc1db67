//! The namespace that kustomizations give the objects of a file which name none.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{absolute, included, is_one};
use crate::files;
use crate::git::work_tree;
use crate::repository::around;

/// The kustomizations of the work trees that were asked about, each read once.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    read: Mutex<BTreeMap<PathBuf, Arc<Vec<Kustomization>>>>,
}

#[derive(Debug)]
struct Kustomization {
    folder: PathBuf,
    /// Files and folders, absolute.
    includes: HashSet<PathBuf>,
    namespace: Option<String>,
}

impl Kustomization {
    fn read(path: &Path) -> Option<Self> {
        let text = files::read_small(path).ok()?;
        let documents = manifest::read(&text).ok()?;
        let value = &documents.first()?.value;
        let folder = path.parent()?.to_owned();
        let namespace = value.get("namespace").and_then(Value::as_str);
        Some(Self {
            includes: included(value, &folder).collect(),
            namespace: namespace.filter(|text| !text.is_empty()).map(str::to_owned),
            folder,
        })
    }
}

/// Whether new values are sealed, or old ones opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A kustomization elsewhere in the work tree is of whoever may write there: it must not say where new values open.
    Sealing,
    /// Values open where they were sealed for and nowhere else: every kustomization may say it.
    Opening,
}

impl Namespaces {
    /// The namespaces that kustomizations in the work tree of `file` (outside one, in its folder) give its objects, and those
    /// that include them: which one is the last depends on what is built. None where for [`Purpose::Sealing`] no kustomization
    /// in the file's folder or above it gives one.
    pub(crate) fn of(&self, file: &Path, purpose: Purpose) -> BTreeSet<String> {
        let file = absolute(file);
        let folder = file.parent().unwrap_or(&file).to_owned();
        let root = work_tree(&folder).unwrap_or_else(|| folder.clone());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let all = read.entry(root).or_insert_with(|| {
            let found = around(&[folder], is_one);
            Arc::new(
                found
                    .iter()
                    .filter_map(|found| Kustomization::read(&found.path))
                    .collect(),
            )
        });
        let all = Arc::clone(all);
        drop(read);
        let including = including(&all, &file);
        let gives = |one: &&Kustomization| one.namespace.is_some();
        let is_own = |one: &Kustomization| file.starts_with(&one.folder);
        if purpose == Purpose::Sealing && !including.iter().copied().filter(gives).any(is_own) {
            return BTreeSet::new();
        }
        including.into_iter().filter_map(|one| one.namespace.clone()).collect()
    }
}

/// The kustomizations that include `file`, and those that include them, each once.
fn including<'k>(all: &'k [Kustomization], file: &Path) -> Vec<&'k Kustomization> {
    let mut found: Vec<&Kustomization> = Vec::new();
    let mut next = 0;
    let mut path = file;
    loop {
        let more = all.iter().filter(|one| one.includes.contains(path));
        for one in more {
            if !found.iter().any(|known| std::ptr::eq(*known, one)) {
                found.push(one);
            }
        }
        match found.get(next) {
            Some(one) => path = &one.folder,
            None => return found,
        }
        next += 1;
    }
}
