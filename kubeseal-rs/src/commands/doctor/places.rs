//! Names and namespaces that an object may have been sealed for: in the history of its ciphertexts and in the manifests around it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crds::SealedSecret;
use manifest::Document;
use serde_json::Value;

use crate::doctor::probe::{Origin, Place};
use crate::files;
use crate::git;
use crate::lint;
use crate::repository;
use crate::walk;

/// Letters of a ciphertext that identify it: it begins with the key's length, then it is random.
const IDENTIFYING: usize = 80;

/// A search in a history that took longer is not repeated for other objects.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the work trees of the files hold, each read once.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    places: HashMap<PathBuf, Vec<Place>>,
    history_is_slow: bool,
}

impl Surroundings {
    /// The places in the work tree of `file`, or in its folder outside a work tree.
    pub(super) fn of(&mut self, file: &Path) -> &[Place] {
        let folder = folder_of(file).unwrap_or_default();
        let root = git::work_tree(&folder).unwrap_or_else(|| folder.clone());
        self.places.entry(root).or_insert_with(|| around(folder))
    }

    /// Where commits had the object's ciphertexts, the oldest first: it was sealed for one of these places.
    pub(super) fn in_history(&mut self, file: &Path, object: &SealedSecret) -> Vec<Place> {
        if self.history_is_slow {
            return Vec::new();
        }
        let start = Instant::now();
        let found = in_history(file, object);
        self.history_is_slow = start.elapsed() > PATIENCE;
        found
    }
}

/// The folder of a file, absolute.
fn folder_of(file: &Path) -> Option<PathBuf> {
    Some(std::path::absolute(file).ok()?.parent()?.to_owned())
}

fn around(folder: PathBuf) -> Vec<Place> {
    let mut all = Distinct::default();
    for found in repository::around(&[folder], walk::has_manifest_ending) {
        let Ok(bytes) = files::read_found(&found.path) else {
            continue;
        };
        if lint::is_relevant(&found.path, &bytes) {
            let documents = manifest::read_mixed(&bytes);
            documents
                .iter()
                .flatten()
                .for_each(|document| all.add(document, &Origin::File(found.name.clone())));
        }
    }
    all.places
}

/// The places in the documents of one file.
pub(super) fn of_documents(documents: &[Document], file: &str) -> Vec<Place> {
    let mut all = Distinct::default();
    for document in documents {
        all.add(document, &Origin::File(file.to_owned()));
    }
    all.places
}

fn in_history(file: &Path, object: &SealedSecret) -> Vec<Place> {
    let items = &object.spec.encrypted_data;
    let text = items.values().find_map(|text| text.get(..IDENTIFYING));
    let Some((folder, text)) = folder_of(file).zip(text) else {
        return Vec::new();
    };
    let mut all = Distinct::default();
    for version in git::versions_with(&folder, text) {
        let has_text = |document: &&Document| {
            let items = document.value.pointer("/spec/encryptedData").and_then(Value::as_object);
            let mut texts = items.into_iter().flatten().filter_map(|(_, text)| text.as_str());
            texts.any(|one| one.starts_with(text))
        };
        let documents = manifest::read_mixed(&version.bytes).unwrap_or_default();
        for document in documents.iter().filter(has_text) {
            all.add(document, &Origin::Commit(version.commit.clone()));
        }
    }
    all.places
}

/// Places, each once, with the origin where it was found first.
#[derive(Default)]
struct Distinct {
    seen: HashSet<(String, String)>,
    places: Vec<Place>,
}

impl Distinct {
    fn add(&mut self, document: &Document, origin: &Origin) {
        let text = |pointer: &str| {
            let text = document.value.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        for metadata in ["/metadata", "/spec/template/metadata"] {
            let (namespace, name) = (
                text(&format!("{metadata}/namespace")),
                text(&format!("{metadata}/name")),
            );
            self.insert(namespace, name, origin);
        }
        // That of a kustomization.
        self.insert(text("/namespace"), String::new(), origin);
    }

    fn insert(&mut self, namespace: String, name: String, origin: &Origin) {
        if !namespace.is_empty() && self.seen.insert((namespace.clone(), name.clone())) {
            let origin = origin.clone();
            self.places.push(Place {
                namespace,
                name,
                origin,
            });
        }
    }
}
