//! The sealed file that is there already, which sealing changes in place.

mod formats;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use crds::{SealedSecret, names};
use manifest::{Document, EmitError, Place};
use sealing::SystemRandom;
use sealing::diff::{Difference, differences};
use sealing::key::Fingerprint;
use sealing::key_hint::KeyHint;
use sealing::merge::{Held, MergeError, NoTarget, follow, target};
use sealing::sealer::Sealer;
use sealing::unseal::fill_namespace;

use super::clear::{ClearFile, One};
use super::fault::ClearFileFault;
use super::values::Values;
use super::{SealFiles, lost};
use crate::commands::sealed_file::{SealedFile, full_name, left_in_v1, refuse_if_used};
use crate::error::Error;
use crate::files::{self, FileError};
use crate::manifest_file;
use crate::objects::{Fault, InputName};
use formats::is_raised;

/// The sealed file of a clear one, as it is.
pub(super) struct Existing {
    file: SealedFile,
    /// What it has for each Secret of the clear file, in their order.
    counterparts: Vec<Counterpart>,
    /// The SealedSecrets that are of no Secret of the clear file: their positions and names.
    others: Vec<(usize, String)>,
    /// Whether they stay without a word of a person.
    keeps: bool,
    /// The first of its documents that is something else: its place and kind.
    other_kind: Option<(Place, String)>,
    /// Whether it was written after the clear file.
    newer: bool,
}

/// What a sealed file has for one Secret.
#[derive(Default)]
struct Counterpart {
    /// The position of the SealedSecret in the file; none: it is not sealed yet.
    at: Option<usize>,
    /// Items that only the sealed file has, and that stay without a word of a person.
    staying: Vec<String>,
    differences: Vec<Difference>,
    /// What its items hold, where values are compared; of some it may not be known.
    held: Option<BTreeMap<String, Held>>,
}

impl Existing {
    /// Looks at `to`, which is to be the sealed file of `clear`; `values` are what is known of what is in it, and with `keeps`
    /// an item that is not in the clear file stays.
    /// None: there is nothing, or an empty file.
    ///
    /// # Errors
    /// It cannot be read, holds no SealedSecret at all, or it is not clear which of them is meant.
    pub(super) fn at(to: &Path, clear: &ClearFile, keeps: bool, values: &Values) -> Result<Option<Self>, Error> {
        let found = match std::fs::metadata(to) {
            Ok(found) => found,
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
            Err(reason) => {
                let path = to.to_owned();
                return Err(FileError::Open { path, reason }.into());
            }
        };
        let name = InputName(to.display().to_string());
        let bytes = files::read_found(to)?;
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        let documents = name.documents(&bytes)?;
        let is_other = |document: &Document| manifest_file::kind(document) != names::KIND;
        let other = documents.iter().find(|document| is_other(document));
        let other_kind = other.map(|other| (other.place(), manifest_file::kind(other).to_owned()));
        if let Some((place, kind)) = other_kind.clone().filter(|_| documents.iter().all(is_other)) {
            return Err(name.fault_at(place, ClearFileFault::NotSealed(kind)).into());
        }
        let mut file = SealedFile::of(to, bytes, documents)?.placed(None);
        let counterparts = counterparts(clear, &mut file, keeps, values)?;
        let is_counterpart = |at: usize| counterparts.iter().any(|one| one.at == Some(at));
        let others = file.sealed.iter().enumerate().filter(|(at, _)| !is_counterpart(*at));
        let others = others.map(|(at, sealed)| (at, full_name(sealed))).collect();
        // A time that is not known counts as old: sealing once too often does no harm.
        let newer = matches!((found.modified(), clear.modified), (Ok(sealed), Some(clear)) if sealed > clear);
        Ok(Some(Self {
            file,
            counterparts,
            others,
            keeps,
            other_kind,
            newer,
        }))
    }

    fn pairs<'a>(&'a self, clear: &'a ClearFile) -> impl Iterator<Item = (&'a One, &'a Counterpart)> {
        clear.secrets.iter().zip(&self.counterparts)
    }

    /// A line for each thing that sealing would change, or cannot.
    pub(super) fn differences(&self, clear: &ClearFile) -> Vec<String> {
        let mut told = Vec::new();
        for (secret, counterpart) in self.pairs(clear) {
            let name = full_name(&secret.outline);
            if counterpart.at.is_none() {
                told.push(format!("{name}: it is not sealed"));
            }
            told.extend(counterpart.differences.iter().map(|one| match one {
                Difference::ItemTooMany(_) => format!("{name}: {one} (--prune removes it)"),
                _ => format!("{name}: {one}"),
            }));
            for (item, held) in counterpart.held.iter().flatten() {
                match held {
                    Held::Same(..) => {}
                    Held::Other => told.push(format!("{name}: item {item} has another value in it")),
                    Held::Unopened => told.push(format!("{name}: item {item} in it is opened by none of the keys")),
                }
            }
        }
        let others = self.others.iter().filter(|_| !self.keeps);
        told.extend(
            others.map(|(_, name)| format!("{name}: it is sealed, and not {} (--prune removes it)", clear.given())),
        );
        told
    }

    /// A line for each SealedSecret that is of no Secret of the clear file, and for each item that stays without one.
    pub(super) fn left_alone(&self, clear: &ClearFile) -> Vec<String> {
        let line = |(_, name): &(usize, String)| format!("left alone: {name} is sealed, and not {}", clear.given());
        let mut left: Vec<_> = self.others.iter().filter(|_| self.keeps).map(line).collect();
        for (secret, counterpart) in self.pairs(clear) {
            let name = full_name(&secret.outline);
            left.extend(counterpart.staying.iter().map(|item| {
                format!(
                    "left alone: item {item} of {name}, which is not {} (kubeseal unset removes items)",
                    clear.given()
                )
            }));
        }
        left
    }

    /// A line for each SealedSecret of a Secret of the clear file whose key hint does not name this key.
    pub(super) fn of_other_keys(&self, clear: &ClearFile, key: &Fingerprint) -> Vec<String> {
        let line = |(secret, counterpart): (&One, &Counterpart)| {
            let sealed = self.file.sealed.get(counterpart.at?)?;
            let hint = KeyHint::from_metadata(&sealed.metadata)?;
            hint.keys().all(|hinted| hinted != key).then(|| {
                format!(
                    "{}: by its key hint not sealed with the certificate's key: with an older one of the cluster (kubeseal reseal), or \
                     for another cluster",
                    full_name(&secret.outline)
                )
            })
        };
        self.pairs(clear).filter_map(line).collect()
    }

    /// That clear and sealed file do not contradict each other.
    ///
    /// # Errors
    /// [`ClearFileFault::Contradicts`].
    pub(super) fn check_no_contradiction(&self, clear: &ClearFile) -> Result<(), Error> {
        let mut all = Vec::new();
        for (secret, counterpart) in self.pairs(clear) {
            let name = full_name(&secret.outline);
            let contradictions = counterpart.differences.iter().filter(|one| one.is_contradiction());
            all.extend(contradictions.map(|one| format!("{name}: {one}")));
        }
        if all.is_empty() {
            return Ok(());
        }
        let clear = clear.path.clone();
        Err(self
            .file
            .name()
            .fault(ClearFileFault::Contradicts { all, clear })
            .into())
    }

    /// That the clear file has all objects and items of its sealed one: it may be a new one with some of them, of which the others are
    /// nowhere else, or one from which a credential was taken that must not live on. Only a person knows.
    ///
    /// # Errors
    /// [`ClearFileFault::WouldRemove`].
    pub(super) fn check_removes_nothing(&self, clear: &ClearFile) -> Result<(), Error> {
        let of = |(secret, counterpart): (&One, &Counterpart)| {
            let name = full_name(&secret.outline);
            let removed = counterpart.differences.iter().filter_map(|one| match one {
                Difference::ItemTooMany(item) => Some(format!("{item} of {name}")),
                _ => None,
            });
            removed.collect::<Vec<_>>()
        };
        let mut all: Vec<_> = self.pairs(clear).flat_map(of).collect();
        let items = all.len();
        let others = self.others.iter().filter(|_| !self.keeps);
        all.extend(others.map(|(_, name)| name.clone()));
        if all.is_empty() {
            return Ok(());
        }
        let fault = ClearFileFault::WouldRemove {
            items,
            objects: all.len() - items,
            all: all.join(", "),
            clear: clear.path.clone(),
            sealed: self.file.path().to_owned(),
        };
        Err(self.file.name().fault(fault).into())
    }

    /// That the file can be rewritten: it holds only SealedSecrets.
    ///
    /// # Errors
    /// [`ClearFileFault::NotSealed`].
    pub(super) fn check_replaceable(&self) -> Result<(), Error> {
        match &self.other_kind {
            Some((place, kind)) => Err(self
                .file
                .name()
                .fault_at(*place, ClearFileFault::NotSealed(kind.clone()))
                .into()),
            None => Ok(()),
        }
    }

    /// A line for each thing that only the sealed file holds, which rewriting it loses.
    ///
    /// # Errors
    /// That the Secrets cannot be written.
    pub(super) fn lost(&self, clear: &ClearFile) -> Result<Vec<String>, Error> {
        let mut lost = Vec::new();
        for (secret, counterpart) in self.pairs(clear) {
            let Some(old) = counterpart.at.and_then(|at| self.file.value(at)) else {
                continue;
            };
            let new = serde_json::to_value(&secret.outline).map_err(|_| clear.name.fault(EmitError))?;
            lost.extend(lost::between(old, &new, &full_name(&secret.outline)));
        }
        lost.extend(self.others.iter().map(|(_, name)| format!("lost: {name}")));
        let comments = self.file.comments();
        lost.extend(comments.into_iter().map(|line| format!("lost: comment in line {line}")));
        Ok(lost)
    }

    /// Whether all that sealing with `sealer` would give is in it already; `hinted` is whether it would say so. Values are compared
    /// where they are known. Else it must have been written after the clear file, and say that it was sealed with the same key.
    /// (What it says may be a lie; then a file is sealed once too often, or again with the next change.)
    pub(super) fn is_current(&self, clear: &ClearFile, sealer: &Sealer<'_>, hinted: bool) -> bool {
        let key = sealer.fingerprint();
        let is_current = |(secret, counterpart): (&One, &Counterpart)| {
            let sealed = counterpart.at.and_then(|at| self.file.sealed.get(at));
            let Some(sealed) = sealed.filter(|_| counterpart.differences.is_empty()) else {
                return false;
            };
            if secret.clear.items.keys().any(|item| is_raised(sealed, item, sealer)) {
                return false;
            }
            match (&counterpart.held, KeyHint::from_metadata(&sealed.metadata)) {
                (Some(held), _) => secret.clear.items.keys().all(|item| is_same(held.get(item), sealer)),
                (None, Some(hint)) => self.newer && hint == KeyHint::of_key(key),
                // Without a hint, the key is not known.
                (None, None) => self.newer && !hinted,
            }
        };
        (self.keeps || self.others.is_empty()) && self.pairs(clear).all(is_current)
    }

    /// The file's text with the Secrets of the clear file sealed into it, and a line for each item that is gone, and for what
    /// stays in an earlier format.
    ///
    /// # Errors
    /// That something cannot be sealed or changed, that an item would go unasked, or that a template needs it.
    pub(super) fn followed(
        &self,
        clear: &ClearFile,
        command: &SealFiles,
        sealer: &Sealer<'_>,
    ) -> Result<(Vec<u8>, Vec<String>), Error> {
        if !command.prune {
            self.check_removes_nothing(clear)?;
        }
        let hinted = command.key_hint;
        let (mut changes, mut new, mut removed) = (BTreeMap::new(), Vec::new(), Vec::new());
        let gone = self.others.iter().filter(|_| !self.keeps);
        let (gone, names): (Vec<_>, Vec<_>) = gone.cloned().unzip();
        removed.extend(
            names
                .iter()
                .map(|name| format!("removed: {name}, which is not in the clear file")),
        );
        for (secret, counterpart) in self.pairs(clear) {
            let found = counterpart.at.and_then(|at| Some((at, self.file.sealed.get(at)?)));
            let Some((at, sealed)) = found else {
                new.push(secret.sealed(clear, hinted, sealer)?);
                continue;
            };
            for difference in &counterpart.differences {
                if let Difference::ItemTooMany(item) = difference {
                    let used = |fault: Fault| ClearFileFault::UsedByTemplates(fault.to_string());
                    refuse_if_used(item, sealed).map_err(|fault| self.file.fault(at, used(fault)))?;
                    removed.push(format!(
                        "removed: item {item} of {}, which is not in the clear file",
                        full_name(sealed)
                    ));
                }
            }
            let held = counterpart.held.iter().flatten();
            let unchanged: BTreeSet<_> = held
                .filter(|(item, held)| is_same(Some(held), sealer) && !is_raised(sealed, item, sealer))
                .map(|(item, _)| item.clone())
                .collect();
            let gone = counterpart.differences.iter().filter_map(|one| match one {
                Difference::ItemTooMany(item) => Some(item),
                _ => None,
            });
            let items: Vec<_> = secret.clear.items.keys().chain(gone).collect();
            removed.extend(left_in_v1(sealed, &items, sealer));
            let mut random = SystemRandom::default();
            let made = follow(
                sealed,
                &wanted(secret, &counterpart.staying, sealed),
                &secret.clear,
                &unchanged,
                hinted,
                sealer,
                &mut random,
            );
            changes.insert(at, made.map_err(|error| self.file.fault(at, error))?);
        }
        Ok((self.file.changed(changes, &gone, &new)?, removed))
    }

    /// Holds the file, which no other program may have changed since it was read.
    ///
    /// # Errors
    /// As [`SealedFile::hold_unchanged`].
    pub(super) fn hold_unchanged(&self) -> Result<Option<File>, Error> {
        self.file.hold_unchanged()
    }
}

/// Whether an item holds the same value, sealed with the certificate.
fn is_same(held: Option<&Held>, sealer: &Sealer<'_>) -> bool {
    matches!(held, Some(Held::Same(key, hybrid)) if sealer.seals_with(key, *hybrid))
}

/// What sealing the Secret gives beside the items that stay.
fn wanted(secret: &One, staying: &[String], sealed: &SealedSecret) -> SealedSecret {
    let mut wanted = secret.outline.clone();
    let items = sealed.spec.encrypted_data.iter();
    let items = items.filter(|(item, _)| staying.contains(item));
    let items = items.map(|(item, value)| (item.clone(), value.clone()));
    wanted.spec.encrypted_data.extend(items);
    wanted
}

/// What the file has for each Secret of the clear one.
fn counterparts(
    clear: &ClearFile,
    file: &mut SealedFile,
    keeps: bool,
    values: &Values,
) -> Result<Vec<Counterpart>, Error> {
    let mut taken = BTreeSet::new();
    let of = |secret: &One| {
        let metadata = &secret.outline.metadata;
        let (name, namespace) = (metadata.name.as_deref(), metadata.namespace.as_deref());
        let at = match target(&file.sealed, name, namespace, true) {
            Ok(at) => at,
            Err(several @ NoTarget::Several { .. }) => return Err(file.name().fault(several).into()),
            Err(_) => return Ok(Counterpart::default()),
        };
        if !taken.insert(at) {
            let twice = ClearFileFault::Twice(full_name(&secret.outline));
            return Err(clear.name.fault_at(secret.place, twice).into());
        }
        let Some(sealed) = file.sealed.get_mut(at) else {
            return Ok(Counterpart::default());
        };
        fill_namespace(sealed, namespace);
        let held = values.held(sealed, &secret.clear.items);
        let staying: Vec<_> = match keeps {
            false => Vec::new(),
            true => sealed
                .spec
                .encrypted_data
                .keys()
                .filter(|item| !secret.clear.items.contains_key(*item))
                .cloned()
                .collect(),
        };
        Ok(Counterpart {
            at: Some(at),
            differences: differences(&wanted(secret, &staying, sealed), sealed),
            staying,
            held: held.map_err(|error| file.fault(at, MergeError::from(error)))?,
        })
    };
    clear.secrets.iter().map(of).collect()
}
