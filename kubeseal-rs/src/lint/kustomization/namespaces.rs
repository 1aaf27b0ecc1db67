//! The namespace that kustomizations give the objects of a file which name none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{absolute, included, is_one};
use crate::files;
use crate::repository::{around, work_tree};

/// Overlays of overlays of …; more is a circle.
const DEEPEST: usize = 32;

/// The kustomizations of the work trees that were asked about, each read once.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    read: Mutex<BTreeMap<PathBuf, Arc<Vec<Kustomization>>>>,
}

#[derive(Debug)]
struct Kustomization {
    folder: PathBuf,
    /// Files and folders, absolute.
    includes: Vec<PathBuf>,
    namespace: Option<String>,
}

impl Kustomization {
    fn read(path: &Path) -> Option<Self> {
        let documents = manifest::read(&files::read_found(path).ok()?).ok()?;
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

impl Namespaces {
    /// The namespaces that kustomizations in the work tree of `file` (outside one, in its folder) give its objects: of those that
    /// include each other, the outermost one's, as in kustomize.
    pub(crate) fn of(&self, file: &Path) -> BTreeSet<String> {
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
        let mut namespaces = BTreeSet::new();
        outermost(&all, &file, None, DEEPEST, &mut namespaces);
        namespaces
    }
}

/// Follows the kustomizations that include `path`, whose objects are in `namespace` so far.
fn outermost(all: &[Kustomization], path: &Path, namespace: Option<&str>, depth: usize, found: &mut BTreeSet<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut including = all
        .iter()
        .filter(|one| one.includes.iter().any(|included| included == path))
        .peekable();
    if including.peek().is_none() {
        found.extend(namespace.map(str::to_owned));
    }
    for one in including {
        outermost(all, &one.folder, one.namespace.as_deref().or(namespace), depth, found);
    }
}
