//! Kustomization files: what they include, what of it they rename, and which files they name as patches.

mod namespaces;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manifest::{Document, Place};
use serde_json::Value;

use crate::files;
use crate::git::{normal, work_tree};
use crate::repository::Found;
pub(crate) use namespaces::{Namespaces, Purpose};

/// The names under which kustomize looks for one.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file is a kustomization by its name.
pub(crate) fn is_one(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| FILES.iter().any(|file| name == *file))
}

/// The patches (absolute paths) that kustomizations name in the folders of `files` and above them, as far as their work tree
/// reaches; outside one, in their own folders. A kustomization that cannot be read names none.
pub(crate) fn patches<'p>(files: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for file in files {
        let Some(folder) = absolute(file).parent().map(Path::to_owned) else {
            continue;
        };
        if folders.contains(&folder) {
            continue;
        }
        let root = work_tree(&folder).unwrap_or_else(|| folder.clone());
        folders.extend(
            folder
                .ancestors()
                .take_while(|above| above.starts_with(&root))
                .map(Path::to_owned),
        );
    }
    let named = folders.iter().flat_map(|folder| {
        let found = FILES.iter().find_map(|name| files::read_small(&folder.join(name)).ok());
        let documents = found.and_then(|bytes| manifest::read(&bytes).ok());
        let first = documents.and_then(|documents| documents.into_iter().next());
        first
            .map(|document| patches_of(&document.value, folder))
            .unwrap_or_default()
    });
    named.collect()
}

/// The path from the root, without `.` and `..`.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// The files that a kustomization names as patches, and not also as resources.
fn patches_of(kustomization: &Value, folder: &Path) -> Vec<PathBuf> {
    let entries = ["patches", "patchesJson6902"].into_iter().flat_map(|field| {
        let list = kustomization.get(field).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|entry| entry.get("path")?.as_str())
    });
    let named = entries.chain(texts(kustomization, "patchesStrategicMerge"));
    let included: BTreeSet<_> = included(kustomization, folder).collect();
    // One that stands in the kustomization itself gives a path that no file has.
    named
        .map(|entry| joined(folder, entry))
        .filter(|path| !included.contains(path))
        .collect()
}

fn included<'v>(kustomization: &'v Value, folder: &Path) -> impl Iterator<Item = PathBuf> + use<'v> {
    let folder = folder.to_owned();
    let fields = ["resources", "bases", "components"].into_iter();
    fields
        .flat_map(|field| texts(kustomization, field))
        .map(move |entry| joined(&folder, entry))
}

/// One kustomization file. Remote resources and transformers of one's own are not followed, and patches are not applied.
#[derive(Debug)]
pub(crate) struct Kustomization {
    pub(super) file: Arc<Found>,
    folder: PathBuf,
    /// Files and folders that it includes, absolute.
    includes: HashSet<PathBuf>,
    /// Files that it names as patches, absolute.
    pub(super) patches: Vec<PathBuf>,
    pub(super) name_prefix: Option<Setting>,
    pub(super) name_suffix: Option<Setting>,
    pub(super) namespace: Option<Setting>,
    pub(super) labels: Option<Place>,
    /// Whether it configures transformers, which may say what refers to SealedSecrets.
    pub(super) configures: bool,
    /// `commonAnnotations`: names, values and places.
    pub(super) annotations: Vec<(String, Setting)>,
    pub(super) secret_generators: Vec<Generator>,
}

/// Which kustomizations include a file, or the folder of a kustomization.
pub(super) struct Including<'k>(HashMap<&'k Path, Vec<&'k Kustomization>>);

impl<'k> Including<'k> {
    pub(super) fn new(kustomizations: &'k [Kustomization]) -> Self {
        let mut including: HashMap<_, Vec<_>> = HashMap::new();
        for kustomization in kustomizations {
            for path in &kustomization.includes {
                including.entry(path.as_path()).or_default().push(kustomization);
            }
        }
        Self(including)
    }

    pub(super) fn of(&self, path: &Path) -> &[&'k Kustomization] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }
}

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) text: String,
    pub(super) place: Place,
}

/// One entry of `secretGenerator`.
#[derive(Debug)]
pub(super) struct Generator {
    pub(super) name: String,
    pub(super) place: Place,
    /// Whether it has literals.
    pub(super) literals: bool,
    /// The files that it reads, as named and absolute.
    pub(super) files: Vec<(String, PathBuf)>,
}

impl Kustomization {
    /// The kustomization that a file with these bytes is, if it is one that can be read.
    pub(crate) fn of(file: &Arc<Found>, bytes: &[u8]) -> Option<Self> {
        if !is_one(&file.path) {
            return None;
        }
        let documents = manifest::read(bytes).ok()?;
        let document = documents.first()?;
        let folder = file.path.parent()?.to_owned();
        let labels = ["commonLabels", "labels"]
            .into_iter()
            .find(|field| is_filled(document, field));
        Some(Self {
            file: Arc::clone(file),
            includes: included(&document.value, &folder).collect(),
            patches: patches_of(&document.value, &folder),
            name_prefix: setting(document, &["namePrefix"]),
            name_suffix: setting(document, &["nameSuffix"]),
            namespace: setting(document, &["namespace"]),
            configures: is_filled(document, "configurations"),
            labels: labels.map(|field| document.place_of(&[field])),
            annotations: annotations(document),
            secret_generators: generators(document, &folder),
            folder,
        })
    }

    /// The folder by which another kustomization includes this one.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it makes of a name and a namespace.
    pub(super) fn renamed(&self, name: &str, namespace: &str) -> (String, String) {
        let text = |setting: &Option<Setting>| setting.as_ref().map(|one| one.text.clone()).unwrap_or_default();
        let namespace = self.namespace.as_ref().map_or(namespace, |one| one.text.as_str());
        let name = format!("{}{name}{}", text(&self.name_prefix), text(&self.name_suffix));
        (name, namespace.to_owned())
    }
}

fn texts<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v str> {
    let list = value.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn is_filled(document: &Document, field: &str) -> bool {
    match document.value.get(field) {
        Some(Value::Object(entries)) => !entries.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

fn setting(document: &Document, path: &[&str]) -> Option<Setting> {
    let value = path.iter().try_fold(&document.value, |value, step| value.get(step))?;
    let text = value.as_str().filter(|text| !text.is_empty())?.to_owned();
    Some(Setting {
        text,
        place: document.place_of(path),
    })
}

fn annotations(document: &Document) -> Vec<(String, Setting)> {
    let there = document.value.get("commonAnnotations").and_then(Value::as_object);
    let names = there.into_iter().flat_map(|entries| entries.keys());
    names
        .filter_map(|name| Some((name.clone(), setting(document, &["commonAnnotations", name])?)))
        .collect()
}

fn generators(document: &Document, folder: &Path) -> Vec<Generator> {
    let list = document.value.get("secretGenerator").and_then(Value::as_array);
    let entries = list.into_iter().flatten().enumerate();
    entries
        .map(|(index, entry)| {
            let files = ["files", "envs"].into_iter().flat_map(|field| texts(entry, field));
            // `key=file` names the item and the file.
            let files = files.map(|file| {
                let file = file.split_once('=').map_or(file, |(_, file)| file);
                (file.to_owned(), joined(folder, file))
            });
            Generator {
                name: entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                place: document.place_of(&["secretGenerator", &index.to_string()]),
                literals: texts(entry, "literals").next().is_some(),
                files: files.collect(),
            }
        })
        .collect()
}

/// `entry` seen from `folder`, without `.` and `..`. A URL gives a path that no file has.
pub(super) fn joined(folder: &Path, entry: &str) -> PathBuf {
    normal(&folder.join(entry))
}
