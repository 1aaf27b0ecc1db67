//! Files of a tree, of which most hold something else than what is looked for.

use std::path::PathBuf;

use sealing::document::{self, Document};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::files;
use crate::objects::InputName;
use crate::repository::is_chart_template;
use crate::tree::TreeFile;

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
    /// Reads a file in which there may be objects of `kind`. None: there are none; a file that is no manifest (a Helm
    /// template, a values file) is nobody's business unless it was typed, or says that it holds one.
    ///
    /// # Errors
    /// That it cannot be read; the first thing that is wrong in a file of which objects of that kind must be expected.
    pub(crate) fn read(file: &TreeFile, kind: &str) -> Result<Option<Self>, Error> {
        let manifest = Self {
            path: file.path.clone(),
            name: InputName(file.path.display().to_string()),
            bytes: files::read_file(&file.path)?,
            documents: Vec::new(),
        };
        let documents = documents(&manifest.name, file, &manifest.bytes, kind)?;
        let manifest = documents.map(|documents| Self { documents, ..manifest });
        Ok(manifest.filter(|manifest| manifest.of_kind(kind).next().is_some()))
    }

    /// Its objects of that kind.
    pub(crate) fn of_kind(&self, wanted: &str) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| kind(document) == wanted)
    }
}

/// Those of a file that may hold objects of `kind`.
fn documents(name: &InputName, file: &TreeFile, bytes: &[u8], kind: &str) -> Result<Option<Vec<Document>>, Error> {
    let text = document::text_lossy(bytes);
    if !text.contains(kind) || !file.typed && is_chart_template(&file.path, &text) {
        return Ok(None);
    }
    match document::read(bytes) {
        Ok(documents) => Ok(Some(documents)),
        Err(_) if !file.typed && !says(&text, kind) => Ok(None),
        Err(error) => Err(name.fault(error).into()),
    }
}

/// The kind of an object; `document without kind` if it says none.
pub(crate) fn kind(document: &Document) -> &str {
    let said = document.value.get("kind").and_then(Value::as_str);
    said.unwrap_or("document without kind")
}

/// Whether a text that cannot be read says `kind: KIND` somewhere, in YAML or JSON.
fn says(text: &str, kind: &str) -> bool {
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
