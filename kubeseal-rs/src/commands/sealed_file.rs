//! A file of SealedSecrets that is changed in place: read, found one's way in, and written once.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crds::{SealedSecret, names};
use jiff::Zoned;
use manifest::edit::{Change, Edit, append, edit, remove};
use manifest::{Document, Format, Place};
use sealing::binding::Scope;
use sealing::key_hint::KeyHint;
use sealing::render::depending_on;
use sealing::sealer::{self, Sealer};
use sealing::size::{self, Obstacle};
use sealing::unseal::{binding, fill_namespace};
use sealing::{SystemRandom, merge};
use serde_json::Value;
use zeroize::Zeroizing;

use super::read::{check_unchanged, hold_unchanged, place_by_kustomization};
use super::seal::fault::ClearFileFault;
use super::target::{Target, ToChange};
use crate::error::Error;
use crate::files::{self, Input, Output, is_stream};
use crate::lint::{Namespaces, Purpose};
use crate::manifest_file;
use crate::note;
use crate::objects::{self, Fault, InputError, InputName};
use crate::quoting;

/// The file, and the SealedSecrets that it holds among whatever else.
pub(super) struct SealedFile {
    path: PathBuf,
    name: InputName,
    bytes: Zeroizing<Vec<u8>>,
    /// The documents that are SealedSecrets.
    documents: Vec<Document>,
    /// The SealedSecrets themselves, in the same order.
    pub(super) sealed: Vec<SealedSecret>,
}

impl SealedFile {
    /// Reads the file. Documents of other kinds are left alone.
    ///
    /// # Errors
    /// That it cannot be read, holds no SealedSecret, or one that is none after all.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let input = Input::of(path);
        let bytes = files::read(&input, "json/yaml k8s resources").map_err(ToChange)?;
        let name = InputName::of(&input);
        let documents = name.documents(&bytes)?;
        if documents.iter().all(|one| one.value.get("kind").is_none()) {
            return Err(name.fault(Fault::NothingSealed).into());
        }
        Self::of(path, bytes, documents)
    }

    /// The file of these bytes, which hold these documents.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn of(path: &Path, bytes: Zeroizing<Vec<u8>>, documents: Vec<Document>) -> Result<Self, Error> {
        let name = InputName::of(&Input::of(path));
        let (documents, sealed) = name.sealed_secrets(documents)?.into_iter().unzip();
        Ok(Self {
            path: path.to_owned(),
            name,
            bytes,
            documents,
            sealed,
        })
    }

    /// The file, whose objects without a namespace are in the `given` one, else in that of their template.
    pub(super) fn placed(mut self, given: Option<&str>) -> Self {
        self.sealed.iter_mut().for_each(|sealed| fill_namespace(sealed, given));
        self
    }

    /// The same; those that neither says are in the one that kustomizations give the file's objects.
    ///
    /// # Errors
    /// [`Fault::SeveralNamespaces`].
    pub(super) fn in_namespaces(self, given: Option<&str>) -> Result<Self, InputError> {
        let mut file = self.placed(given);
        let namespaces = Namespaces::default();
        for (document, sealed) in file.documents.iter().zip(&mut file.sealed) {
            place_by_kustomization(&file.path, sealed, &namespaces, Purpose::Sealing)
                .map_err(|fault| file.name.fault_at(document.place(), fault))?;
        }
        Ok(file)
    }

    /// The position among [`Self::sealed`] of the object that is meant; see [`merge::target`].
    ///
    /// # Errors
    /// That none or several are meant.
    pub(super) fn target(
        &self,
        name: Option<&str>,
        namespace: Option<&str>,
        strictly: bool,
    ) -> Result<usize, InputError> {
        merge::target(&self.sealed, name, namespace, strictly).map_err(|error| self.name.fault(error))
    }

    /// The one object that is meant, with its position among [`Self::sealed`]: name and namespace that are given must match.
    ///
    /// # Errors
    /// As [`Self::target`].
    pub(super) fn meant(&self, target: &Target) -> Result<(usize, &SealedSecret), InputError> {
        let (name, namespace) = (target.name.as_deref(), target.namespace.as_deref());
        let at = self.target(name, namespace, name.is_some() || namespace.is_some())?;
        let sealed = self.sealed.get(at).map(|sealed| (at, sealed));
        sealed.ok_or_else(|| self.name.fault(merge::NoTarget::None))
    }

    /// That the file is JSON: what is changed in place keeps its form.
    ///
    /// # Errors
    /// [`Fault::StaysYaml`].
    pub(super) fn check_json(&self) -> Result<(), InputError> {
        let is_yaml = |document: &&Document| document.format == Format::Yaml;
        match self.documents.iter().find(is_yaml) {
            Some(document) => Err(self.name.fault_at(document.place(), Fault::StaysYaml)),
            None => Ok(()),
        }
    }

    /// Whether new values can be sealed into the object at this position: it is of the scope that was asked for, and has the names
    /// that this binds.
    ///
    /// # Errors
    /// It cannot.
    pub(super) fn check_sealable(
        &self,
        at: usize,
        sealed: &SealedSecret,
        scope: Option<Scope>,
    ) -> Result<(), InputError> {
        let checked = merge::check_scope(sealed, scope).and_then(|()| Ok(binding(sealed).map(drop)?));
        checked.map_err(|error| self.fault(at, error))
    }

    /// A fault of the object at this position among [`Self::sealed`].
    pub(super) fn fault(&self, at: usize, fault: impl Into<Fault>) -> InputError {
        match self.documents.get(at) {
            Some(document) => self.name.fault_at(document.place(), fault),
            None => self.name.fault(fault),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All that the file says of the object at this position among [`Self::sealed`].
    pub(super) fn value(&self, at: usize) -> Option<&Value> {
        Some(&self.documents.get(at)?.value)
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &InputName {
        &self.name
    }

    /// The numbers of the lines that seem to have a comment.
    pub(super) fn comments(&self) -> Vec<usize> {
        let is_yaml = self.documents.iter().any(|document| document.format == Format::Yaml);
        let lines = self.bytes.split(|byte| *byte == b'\n').enumerate();
        let commented = lines
            .filter(|(_, line)| line.starts_with(b"#") || line.windows(2).any(|two| matches!(two, b" #" | b"\t#")));
        commented.map(|(number, _)| number + 1).filter(|_| is_yaml).collect()
    }

    /// Makes changes in what the file holds now, which other runs of this program may have changed since it was read, and none
    /// changes meanwhile; `changes` gives them by position among [`Self::sealed`]. Without any it is not touched. What came
    /// from a stream goes to stdout. Gives the file as it was before.
    ///
    /// # Errors
    /// Those of `changes`, as [`Self::changed`] and [`Fault::ChangedMeanwhile`], or that it cannot be written. Nothing has changed
    /// then.
    pub(super) fn change(
        mut self,
        namespace: Option<&str>,
        changes: impl FnOnce(&Self) -> Result<BTreeMap<usize, Vec<Change>>, Error>,
    ) -> Result<Self, Error> {
        let _held = files::hold(&self.path)?;
        if !is_stream(&self.path) {
            let bytes = files::read_file(&self.path)?;
            if bytes != self.bytes {
                let documents = self.name.documents(&bytes)?;
                self = Self::of(&self.path, bytes, documents)?.in_namespaces(namespace)?;
            }
        }
        let changes = changes(&self)?;
        self.write(changes)?;
        Ok(self)
    }

    fn write(&self, changes: BTreeMap<usize, Vec<Change>>) -> Result<(), Error> {
        if changes.values().all(Vec::is_empty) && !is_stream(&self.path) {
            return Ok(());
        }
        let text = self.changed(changes, &[], &[])?;
        if is_stream(&self.path) {
            files::write(&Output::Stdout, &text)?;
        } else {
            check_unchanged(&self.path, &self.bytes)?;
            files::write(&Output::File(self.path.clone()), &text)?;
        }
        for (place, obstacle) in obstacles(&text) {
            note::obstacle(&format!("{}, {place}", self.name.0), obstacle);
        }
        Ok(())
    }

    /// The text of the file with the changes, by position among [`Self::sealed`], without the objects at the positions `removed`,
    /// and with further ones at its end.
    ///
    /// # Errors
    /// That a change would reach further than it should.
    pub(super) fn changed(
        &self,
        changes: BTreeMap<usize, Vec<Change>>,
        removed: &[usize],
        further: &[Value],
    ) -> Result<Vec<u8>, Error> {
        let edits: Vec<_> = changes
            .into_iter()
            .filter(|(_, changes)| !changes.is_empty())
            .filter_map(|(at, changes)| self.documents.get(at).map(|document| Edit { document, changes }))
            .collect();
        let mut text = edit(&self.bytes, &edits).map_err(|error| self.name.fault(error))?;
        if let Some(first) = removed.first() {
            let documents: Vec<_> = removed.iter().filter_map(|at| self.documents.get(*at)).collect();
            let left = remove(&text, &documents).map_err(|error| self.name.fault(error))?;
            text = left.ok_or_else(|| self.fault(*first, ClearFileFault::NotAlone))?;
        }
        if further.is_empty() {
            return Ok(text);
        }
        let format = self.documents.first().map_or(Format::Yaml, |document| document.format);
        let further = objects::text(further, format).map_err(|error| self.name.fault(error))?;
        let whole = append(&text, &further).map_err(|error| self.name.fault(error))?;
        Ok(whole.ok_or_else(|| self.name.fault(Fault::NoEnd))?)
    }

    /// Holds the file, which must still hold what was read from it.
    ///
    /// # Errors
    /// [`Fault::ChangedMeanwhile`], or that it cannot be read any more.
    pub(super) fn hold_unchanged(&self) -> Result<Option<File>, Error> {
        hold_unchanged(&self.path, &self.bytes)
    }
}

/// `namespace/name` of an object.
pub(super) fn full_name(sealed: &SealedSecret) -> String {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    quoting::full_name(&of(&sealed.metadata.namespace), &of(&sealed.metadata.name))
}

/// What sealing these items into an object does: `changed a, added b of shop/db`, and which other item one that is new may have
/// been meant for.
pub(super) fn told(sealed: &SealedSecret, items: &[&String], file: &str) -> String {
    let there = &sealed.spec.encrypted_data;
    let (changed, added): (Vec<&String>, Vec<_>) = items.iter().partition(|item| there.contains_key(**item));
    let list = |word: &str, items: &[&String]| {
        let names: Vec<_> = items.iter().map(|item| item.as_str()).collect();
        (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
    };
    let done: Vec<_> = [list("changed", &changed), list("added", &added)]
        .into_iter()
        .flatten()
        .collect();
    let mut told = format!("{} of {} in {file}", done.join(", "), full_name(sealed));
    for item in added {
        if let Some(near) = note::near(item, there.keys().filter(|other| !items.contains(other))) {
            told.push_str(&format!(" (there is {near} too, which stays as it is)"));
        }
    }
    told
}

/// That items of an object stay in format v1 beside those that are sealed, where these get format v2.
pub(super) fn left_in_v1(sealed: &SealedSecret, items: &[&String], sealer: &Sealer<'_>) -> Option<String> {
    if sealer.format_after(sealer::Format::latest_of(sealed)) == sealer::Format::V1 {
        return None;
    }
    let is_left = |(item, text): &(&String, &String)| {
        !items.contains(item) && sealer::Format::of(text) == Some(sealer::Format::V1)
    };
    let left = sealed.spec.encrypted_data.iter().filter(is_left);
    let left: Vec<_> = left.map(|(item, _)| item.as_str()).collect();
    (!left.is_empty()).then(|| {
        format!(
            "left in format v1: {} of {} (kubeseal reseal --format-version 2 raises it)",
            left.join(", "),
            full_name(sealed)
        )
    })
}

/// That items of an object stay sealed with other keys, by its former key hint, beside those that are sealed now.
pub(super) fn left_with_other_key(former: &SealedSecret, items: &[&String], sealer: &Sealer<'_>) -> Option<String> {
    let hint = KeyHint::from_metadata(&former.metadata)?;
    let left = former.spec.encrypted_data.keys().filter(|item| !items.contains(item));
    let left: Vec<_> = left.map(String::as_str).collect();
    (!left.is_empty() && hint.keys().all(|key| key != sealer.fingerprint())).then(|| {
        format!(
            "left with another key, by the key hint: {} of {}; is this the same cluster's certificate? (kubeseal lint says \
             so where a project file names it; kubeseal reseal moves all items to one key)",
            left.join(", "),
            full_name(former)
        )
    })
}

/// The SealedSecrets of `text` that are too large, each with its place.
pub(super) fn obstacles(text: &[u8]) -> Vec<(Place, Obstacle)> {
    // What has no such copy to make is not read again.
    if text.len() < size::LARGEST_ANNOTATIONS / 2 {
        return Vec::new();
    }
    let documents = manifest::read_mixed(text).unwrap_or_default();
    let sealed = documents.iter().filter(|one| manifest_file::kind(one) == names::KIND);
    sealed
        .filter_map(|one| Some((one.place(), Obstacle::of(&one.value)?)))
        .collect()
}

/// A template that uses an item would go on without its value, and without a word.
pub(super) fn refuse_if_used(item: &str, sealed: &SealedSecret) -> Result<(), Fault> {
    let Some(template) = &sealed.spec.template else {
        return Ok(());
    };
    let items: Vec<_> = sealed.spec.encrypted_data.keys().map(String::as_str).collect();
    let templates = depending_on(item, &items, template, &Zoned::now(), &mut SystemRandom::default());
    if templates.is_empty() {
        return Ok(());
    }
    Err(Fault::UsedByTemplates {
        item: item.to_owned(),
        templates,
    })
}
