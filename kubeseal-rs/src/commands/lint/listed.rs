//! Which files are judged, and the kustomizations of the same repositories, which say what becomes of them.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::source;
use crate::embedded;
use crate::error::Error;
use crate::files::{self, FileError, Input};
use crate::lint::{self, Asked, Kustomization, Source};
use crate::repository::{self, Found, Meant, is_chart_template};
use crate::walk::has_manifest_ending;

/// The files, none of which has been read.
pub(super) struct Listed {
    /// In their order.
    pub(super) files: Vec<ListedFile>,
}

/// One of them.
pub(super) struct ListedFile {
    pub(super) file: Arc<Found>,
    asked: Asked,
    from: Origin,
}

/// How a file is read.
enum Origin {
    /// Standard input, as this input says.
    Stdin(Input),
    /// A manifest by its name, or a file that was typed.
    Manifest,
    /// A file that is not a manifest, and may hold sealed values all the same.
    Other,
    /// A kustomization around the named files.
    Around,
    /// Not at all: a walk says why.
    Unreadable(String),
}

/// What reading a file comes to.
pub(super) enum Read {
    /// It is worth judging.
    Source(Source),
    /// It cannot be read, which is a finding.
    Unread(Source),
    /// There is nothing to judge in it.
    Passed,
}

impl Listed {
    /// The files that `inputs` mean.
    ///
    /// # Errors
    /// There is no such file or folder, or a pattern fits nothing.
    pub(super) fn of(inputs: &[Input]) -> Result<Self, Error> {
        let mut files = Vec::new();
        for input in inputs {
            match input {
                Input::Stdin | Input::StdinOr(_) => {
                    files.push(ListedFile::new(
                        Found::stdin(),
                        Asked::Piped,
                        Origin::Stdin(input.clone()),
                    ));
                }
                Input::File(path) => {
                    match repository::manifests(path)? {
                        Meant::File(found) => files.push(ListedFile::new(found, Asked::Named, Origin::Manifest)),
                        Meant::Several(all) => {
                            for found in all {
                                files.push(ListedFile::below(found)?);
                            }
                        }
                    }
                    let others = repository::other_files(path).into_iter();
                    files.extend(others.map(|found| ListedFile::new(found, Asked::Below, Origin::Other)));
                }
            }
        }
        let manifests = files.iter().filter(|one| matches!(one.from, Origin::Manifest));
        let folders: BTreeSet<_> = manifests.filter_map(|one| one.file.path.parent()).collect();
        let folders: Vec<_> = folders.into_iter().map(Path::to_owned).collect();
        let around = repository::around(&folders, lint::is_kustomization).into_iter();
        files.extend(around.map(|found| ListedFile::new(found, Asked::No, Origin::Around)));
        Ok(Self { files })
    }

    /// All kustomizations among the files, each once. They are read again when they are judged themselves.
    pub(super) fn kustomizations(&self) -> Vec<Kustomization> {
        let mut seen = HashSet::new();
        let named = self.files.iter().filter(|one| lint::is_kustomization(&one.file.path));
        let each = named.filter(|one| seen.insert(one.file.path.as_path()));
        let read = each.filter_map(|one| {
            let bytes = files::read_small(&one.file.path).ok()?;
            let is_template = is_chart_template(&one.file.path, &manifest::text_lossy(&bytes));
            let is_judged = !is_template || !embedded::find(&bytes).is_empty();
            is_judged.then(|| Kustomization::of(&one.file, &bytes)).flatten()
        });
        read.collect()
    }
}

impl ListedFile {
    fn new(file: Found, asked: Asked, from: Origin) -> Self {
        Self {
            file: Arc::new(file),
            asked,
            from,
        }
    }

    /// What a walk through a folder has found.
    fn below(found: Result<Found, FileError>) -> Result<Self, FileError> {
        match found {
            Ok(found) => Ok(Self::new(found, Asked::Below, Origin::Manifest)),
            Err(FileError::Open { path, reason }) => {
                let reason = Origin::Unreadable(files::plain(&reason));
                Ok(Self::new(Found::unread(&path), Asked::Below, reason))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Standard input cannot be read.
    pub(super) fn read(&self) -> Result<Read, Error> {
        let path = &self.file.path;
        let reason = match &self.from {
            Origin::Stdin(input) => {
                let bytes = files::read(input, "json/yaml k8s resources")?;
                return Ok(self.worth_judging(bytes));
            }
            Origin::Manifest => match files::read_file(path) {
                Ok(bytes) => return Ok(self.worth_judging(bytes)),
                Err(FileError::Open { reason, .. }) => files::plain(&reason),
                Err(other) => other.to_string(),
            },
            Origin::Around => {
                // It was not named.
                let read = files::read_small(path);
                return Ok(read.map_or(Read::Passed, |bytes| self.worth_judging(bytes)));
            }
            Origin::Other => return Ok(self.values_alone()),
            Origin::Unreadable(reason) => reason.clone(),
        };
        Ok(Read::Unread(Source {
            unread: Some(reason),
            ..source(&self.file, Zeroizing::default(), self.asked)
        }))
    }

    fn values_alone(&self) -> Read {
        match files::read_if_text(&self.file.path) {
            Ok(Some(bytes)) if !embedded::find(&bytes).is_empty() => {
                // SealedSecrets are objects whatever the file's ending, as for reseal.
                let is_manifest = lint::is_relevant(&self.file.path, &bytes) && manifest::read_mixed(&bytes).is_ok();
                self.source(bytes, !is_manifest)
            }
            Ok(_) | Err(_) => Read::Passed,
        }
    }

    fn worth_judging(&self, bytes: Zeroizing<Vec<u8>>) -> Read {
        let path = &self.file.path;
        let is_template = is_chart_template(path, &manifest::text_lossy(&bytes));
        let speaks_of_secrets = !is_template && lint::is_relevant(path, &bytes);
        if speaks_of_secrets || lint::is_wanting(self.asked, &bytes) || !embedded::find(&bytes).is_empty() {
            // A script or a note need not be YAML.
            let is_other_text =
                !speaks_of_secrets && !has_manifest_ending(path) && manifest::read_mixed(&bytes).is_err();
            return self.source(bytes, is_template || is_other_text && self.asked == Asked::Named);
        }
        Read::Passed
    }

    fn source(&self, bytes: Zeroizing<Vec<u8>>, values_only: bool) -> Read {
        Read::Source(Source {
            values_only,
            ..source(&self.file, bytes, self.asked)
        })
    }
}
