//! Files of a tree, of which most hold something else than what is looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crds::names;
use manifest::Document;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::files::{self, Input};
use crate::objects::InputName;
use crate::report::FileReport;
use crate::repository::is_chart_template;
use crate::tree::{Meant, TreeFile};

/// A file as it was read: the bytes, and what they mean.
pub(crate) struct Manifest {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What messages call it.
    pub(crate) name: InputName,
    /// All of it. Wiped when dropped.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Its objects, of any kind.
    pub(crate) documents: Vec<Document>,
}

impl Manifest {
    /// Reads a file in which there may be objects of `kind`. None: there are none; a file that is not a manifest (a Helm
    /// template, a values file) is skipped unless it was typed, or says that it holds one.
    ///
    /// # Errors
    /// That it cannot be read; the first thing that is wrong in a file of which objects of that kind must be expected.
    pub(crate) fn read(file: &TreeFile, kind: &str) -> Result<Option<Self>, Error> {
        let mut manifest = Self::unread(
            &file.path,
            files::read(&Input::of(&file.path), "json/yaml k8s resources")?,
        );
        manifest.read_documents(file, kind)?;
        Ok(Some(manifest).filter(|manifest| manifest.of_kind(kind).next().is_some()))
    }

    /// The bytes of a file, of which no object is known yet.
    pub(crate) fn unread(path: &Path, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            path: path.to_owned(),
            name: InputName::of(&Input::of(path)),
            bytes,
            documents: Vec::new(),
        }
    }

    /// Reads its objects, where some of `kind` may be among them.
    ///
    /// # Errors
    /// The first thing that is wrong in a file of which objects of that kind must be expected.
    pub(crate) fn read_documents(&mut self, file: &TreeFile, kind: &str) -> Result<(), Error> {
        self.documents = documents(&self.name, file, &self.bytes, kind)?.unwrap_or_default();
        Ok(())
    }

    /// Its objects of that kind.
    pub(crate) fn of_kind(&self, wanted: &str) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| kind(document) == wanted)
    }
}

/// A report of each symlink that was passed over and leads to objects of `kind`, in a file that is not meant itself.
pub(crate) fn passed_over(meant: &Meant, kind: &str) -> Vec<FileReport> {
    if meant.links.is_empty() {
        return Vec::new();
    }
    let real = |path: &PathBuf| dunce::canonicalize(path).ok();
    let seen: BTreeSet<_> = meant.files.iter().filter_map(|file| real(&file.path)).collect();
    let leads_elsewhere = |link: &&PathBuf| real(link).is_some_and(|end| !seen.contains(&end));
    let reports = meant.links.iter().filter(leads_elsewhere).filter_map(|link| {
        let file = TreeFile {
            path: link.clone(),
            below: link.clone(),
            typed: false,
        };
        // What cannot be read would not be sealed either.
        let mut manifest = Manifest::unread(link, files::read_found(link).ok()?);
        manifest.read_documents(&file, kind).ok()?;
        let objects = manifest.of_kind(kind).count();
        let told = "it is a symlink: name it, or the file that it leads to".to_owned();
        (objects > 0).then(|| FileReport::done(link, "skipped", objects).with(vec![told]))
    });
    reports.collect()
}

/// Those of a file that may hold objects of `kind`.
fn documents(name: &InputName, file: &TreeFile, bytes: &[u8], kind: &str) -> Result<Option<Vec<Document>>, Error> {
    let text = manifest::text_lossy(bytes);
    let is_spoken_of = manifest::may_hold_kind(&text, &[kind]);
    if !is_spoken_of || !file.typed && is_chart_template(&file.path, &text) {
        return Ok(None);
    }
    match manifest::read_mixed(bytes) {
        Ok(documents) => Ok(Some(documents)),
        Err(_) if !file.typed && !says(&text, kind) => Ok(None),
        Err(error) => Err(name.unreadable(bytes, error).into()),
    }
}

/// The ciphertexts of all SealedSecrets, without line breaks.
pub(crate) fn ciphertexts(documents: &[Document]) -> BTreeSet<String> {
    let sealed = documents.iter().filter(|document| kind(document) == names::KIND);
    let texts = sealed.flat_map(|document| {
        let items = document.value.pointer("/spec/encryptedData").and_then(Value::as_object);
        let deprecated = document.value.pointer("/spec/data");
        items.into_iter().flat_map(|items| items.values()).chain(deprecated)
    });
    texts
        .filter_map(Value::as_str)
        .map(|text| text.split_whitespace().collect())
        .collect()
}

/// The kind of an object; `document without kind` if it says none.
pub(crate) fn kind(document: &Document) -> &str {
    let said = document.value.get("kind").and_then(Value::as_str);
    said.unwrap_or("document without kind")
}

/// Whether a text that cannot be read says `kind: KIND` somewhere, in YAML or JSON.
pub(crate) fn says(text: &str, kind: &str) -> bool {
    let plain = text.replace([' ', '\t', '"', '\''], "");
    let mut after = plain
        .split("kind:")
        .skip(1)
        .filter_map(|after| after.strip_prefix(kind));
    after.any(|after| !after.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn a_broken_text_says_its_kind() {
        for text in [
            "kind: Secret\nx: [",
            "{\"kind\": \"Secret\", ",
            "a: {{ x }}\n  kind:   'Secret'\r\n",
            "kind: Secret",
        ] {
            assert!(says(text, "Secret"), "{text}");
        }
        for text in ["kind: SecretStore\n", "kind: SealedSecret\n", "a Secret of kind: x", ""] {
            assert!(!says(text, "Secret"), "{text}");
        }
    }
}
