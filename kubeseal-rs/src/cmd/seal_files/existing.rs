//! The sealed file that is there already.

use std::path::Path;

use crds::SealedSecret;
use sealing::compare::differences;
use sealing::hint::KeyHint;
use sealing::key::Fingerprint;

use super::clear::{ClearFile, ClearFileFault};
use crate::error::Error;
use crate::files;
use crate::manifest;
use crate::objects::InputName;

/// What stands where the sealed file is to be.
pub(super) enum Existing {
    /// Nothing.
    Missing,
    /// A sealed file with the same names, items, types, labels and scopes.
    Same {
        /// Whether it was written after the clear file, and says of no other key that it was sealed with it. (What it says
        /// may be a lie; then a file is sealed once too often, or again with the next change.)
        current: bool,
    },
    /// A sealed file that differs. A line for each difference.
    Differs(Vec<String>),
}

impl Existing {
    /// Looks at `to`, which is to be the sealed file of `clear`, sealed with `key` if that is known.
    ///
    /// # Errors
    /// It cannot be read, or holds something else than SealedSecrets.
    pub(super) fn at(to: &Path, clear: &ClearFile, key: Option<&Fingerprint>) -> Result<Self, Error> {
        let Ok(found) = std::fs::metadata(to) else {
            return Ok(Existing::Missing);
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
        let differences = compared(clear, &sealed);
        if !differences.is_empty() {
            return Ok(Existing::Differs(differences));
        }
        // A time that is not known counts as old: sealing once too often does no harm.
        let clear_time = std::fs::metadata(&clear.path).and_then(|clear| clear.modified());
        let newer = matches!((found.modified(), clear_time), (Ok(sealed), Ok(clear)) if sealed > clear);
        let of_another_key = |sealed: &SealedSecret| {
            let hint = KeyHint::of(&sealed.metadata);
            key.zip(hint).is_some_and(|(key, hint)| hint != KeyHint::one(key))
        };
        Ok(Existing::Same {
            current: newer && !sealed.iter().any(of_another_key),
        })
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

/// A line for each difference between the Secrets of a file and the sealed ones.
fn compared(clear: &ClearFile, sealed: &[SealedSecret]) -> Vec<String> {
    let mut lines = Vec::new();
    for wanted in clear.secrets.iter().map(|secret| &secret.outline) {
        let name = full_name(wanted);
        match sealed.iter().find(|found| full_name(found) == name) {
            None => lines.push(format!("{name}: it is not sealed")),
            Some(found) => lines.extend(differences(wanted, found).iter().map(|one| format!("{name}: {one}"))),
        }
    }
    for found in sealed {
        let name = full_name(found);
        if !clear.secrets.iter().any(|secret| full_name(&secret.outline) == name) {
            lines.push(format!("{name}: it is sealed, and no longer in the clear file"));
        }
    }
    lines
}
