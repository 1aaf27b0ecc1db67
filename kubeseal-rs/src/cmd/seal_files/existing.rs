//! The sealed file that is there already.

use std::io::ErrorKind;
use std::path::Path;

use crds::SealedSecret;
use sealing::compare::{Difference, differences};
use sealing::hint::KeyHint;
use sealing::key::Fingerprint;

use super::clear::{ClearFile, ClearFileFault};
use crate::error::Error;
use crate::files::{self, FileError};
use crate::manifest;
use crate::objects::InputName;

/// The sealed file of a clear one, as it is.
pub(super) struct Existing {
    /// A line for each difference in names, items, types, labels and scopes.
    pub(super) differences: Vec<String>,
    /// What it holds that the clear file does not, which sealing that over it would lose.
    pub(super) more: Vec<String>,
    /// Whether all that sealing would give is in it already: it differs in no more than what it holds beyond, was written
    /// after the clear file, and says that it was sealed with the same key. (What it says may be a lie; then a file is
    /// sealed once too often, or again with the next change.)
    pub(super) current: bool,
}

impl Existing {
    /// Looks at `to`, which is to be the sealed file of `clear`, sealed with `key` if that is known; `hinted` is whether it
    /// would say so. None: there is nothing.
    ///
    /// # Errors
    /// It cannot be read, or holds something else than SealedSecrets.
    pub(super) fn at(
        to: &Path,
        clear: &ClearFile,
        key: Option<&Fingerprint>,
        hinted: bool,
    ) -> Result<Option<Self>, Error> {
        let found = match std::fs::metadata(to) {
            Ok(found) => found,
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
            Err(reason) => {
                let path = to.to_owned();
                return Err(FileError::Open { path, reason }.into());
            }
        };
        let name = InputName(to.display().to_string());
        let mut sealed = Vec::new();
        for document in name.documents(&files::read_file(to)?)? {
            if manifest::kind(&document) != crds::names::KIND {
                let fault = ClearFileFault::NotSealed(manifest::kind(&document).to_owned());
                return Err(name.fault_at(document.place(), fault).into());
            }
            sealed.push(name.sealed_secret(&document)?);
        }
        let Compared {
            differences,
            more,
            holds_all,
        } = compared(clear, &sealed);
        // A time that is not known counts as old: sealing once too often does no harm.
        let clear_time = std::fs::metadata(&clear.path).and_then(|clear| clear.modified());
        let newer = matches!((found.modified(), clear_time), (Ok(sealed), Ok(clear)) if sealed > clear);
        let of_another_key = |sealed: &SealedSecret| match (key, KeyHint::of(&sealed.metadata)) {
            (Some(key), Some(hint)) => hint != KeyHint::one(key),
            // Whoever wants no hint does without knowing.
            (Some(_), None) => hinted,
            (None, _) => false,
        };
        Ok(Some(Self {
            differences,
            more,
            current: holds_all && newer && !sealed.iter().any(of_another_key),
        }))
    }
}

fn full_name(sealed: &SealedSecret) -> String {
    let metadata = &sealed.metadata;
    let name = metadata.name.as_deref().unwrap_or_default();
    match metadata.namespace.as_deref().unwrap_or_default() {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

/// How a sealed file differs.
#[derive(Default)]
struct Compared {
    differences: Vec<String>,
    more: Vec<String>,
    /// Whether there is no other difference than that it holds more.
    holds_all: bool,
}

/// Compares the Secrets of a file with the sealed ones.
fn compared(clear: &ClearFile, sealed: &[SealedSecret]) -> Compared {
    let mut told = Compared {
        holds_all: true,
        ..Compared::default()
    };
    for wanted in clear.secrets.iter().map(|secret| &secret.outline) {
        let name = full_name(wanted);
        let Some(found) = sealed.iter().find(|found| full_name(found) == name) else {
            told.holds_all = false;
            told.differences.push(format!("{name}: it is not sealed"));
            continue;
        };
        for one in differences(wanted, found) {
            told.differences.push(format!("{name}: {one}"));
            match one {
                Difference::ItemTooMany(item) => told.more.push(format!("item {item} of {name}")),
                _ => told.holds_all = false,
            }
        }
        let templates = found.spec.template.iter().filter_map(|template| template.data.as_ref());
        let templates = templates.flat_map(|data| data.keys());
        told.more
            .extend(templates.map(|item| format!("template {item} of {name}")));
    }
    for found in sealed {
        let name = full_name(found);
        if !clear.secrets.iter().any(|secret| full_name(&secret.outline) == name) {
            told.differences
                .push(format!("{name}: it is sealed, and no longer in the clear file"));
            told.more.push(name);
        }
    }
    told
}
