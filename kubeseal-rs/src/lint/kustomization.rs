//! Kustomization files: what they include, and what of it they rename.

use std::path::{Path, PathBuf};

use sealing::document::{self, Document, Place};
use serde_json::Value;

use super::Source;
use crate::repository::normal;

/// The names under which kustomize looks for one.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file is a kustomization by its name.
pub(crate) fn is_one(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| FILES.iter().any(|file| name == *file))
}

/// One kustomization file. Remote resources, patches and transformers of one's own are not followed.
#[derive(Debug)]
pub(super) struct Kustomization<'a> {
    pub(super) source: &'a Source,
    folder: PathBuf,
    /// Files and folders that it includes, absolute.
    includes: Vec<PathBuf>,
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

impl<'a> Kustomization<'a> {
    /// The kustomization that a source is, if it is one that can be read.
    pub(super) fn of(source: &'a Source) -> Option<Self> {
        if !is_one(&source.path) {
            return None;
        }
        let documents = document::read(&source.bytes).ok()?;
        let document = documents.first()?;
        let folder = source.path.parent()?.to_owned();
        let includes = ["resources", "bases", "components"].into_iter();
        let includes = includes
            .flat_map(|field| texts(&document.value, field))
            .map(|entry| joined(&folder, entry));
        let labels = ["commonLabels", "labels"]
            .into_iter()
            .find(|field| is_filled(document, field));
        Some(Self {
            source,
            includes: includes.collect(),
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

    /// Whether it includes the file itself, or the folder of the kustomization that does.
    pub(super) fn includes(&self, path: &Path) -> bool {
        self.includes.iter().any(|included| included == path)
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
