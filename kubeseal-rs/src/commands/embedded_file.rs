//! `kubeseal set` and `unset` in a file whose sealed values stand outside SealedSecrets: a chart's values, a Helm template. Everything
//! but the value stays byte for byte.

use std::fs::File;
use std::path::{Path, PathBuf};

use crds::names;
use sealing::binding::{Binding, Scope};
use sealing::merge::MergeError;
use sealing::sealer::{Format, SealItemError};
use zeroize::Zeroizing;

use super::read::check_unchanged;
use super::target::{Target, ToChange};
use crate::embedded::{self, BoundTo, Embedded};
use crate::error::Error;
use crate::files::{self, Output, is_stream};
use crate::manifest_file;
use crate::note;
use crate::objects::{Fault, InputError, InputName};

/// The file.
pub(super) struct EmbeddedFile {
    path: PathBuf,
    name: InputName,
    bytes: Zeroizing<Vec<u8>>,
    values: Vec<Embedded>,
}

impl EmbeddedFile {
    /// Reads a file; none when it holds SealedSecrets, or no sealed value.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        if is_stream(path) {
            return Ok(None);
        }
        let bytes = files::read_file(path).map_err(ToChange)?;
        let values = embedded::find(&bytes);
        let has_no_objects = match manifest::read_mixed(&bytes) {
            Ok(documents) => !documents.iter().any(|one| manifest_file::kind(one) == names::KIND),
            Err(_) => embedded::is_template(&bytes),
        };
        Ok((has_no_objects && !values.is_empty()).then(|| Self {
            path: path.to_owned(),
            name: InputName(path.display().to_string()),
            bytes,
            values,
        }))
    }

    /// The only value of that key.
    fn value(&self, key: &str) -> Result<&Embedded, InputError> {
        let mut found = self.values.iter().filter(|value| value.key.as_deref() == Some(key));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(self.name.fault(Fault::NoSealedValue {
                key: sealing::merge::check_item_name(key).is_ok().then(|| key.to_owned()),
                bound: self.values.iter().any(|value| value.format() == Some(Format::V2)),
                found: self.values.iter().map(Embedded::name).collect(),
            })),
            (Some(one), Some(other)) => {
                let lines = [one, other].into_iter().chain(found).map(|value| value.line).collect();
                Err(self.name.fault(Fault::SeveralSealedValues { lines }))
            }
        }
    }

    /// Puts what `seal` makes in place of a value, of which it gets the version of the format.
    ///
    /// # Errors
    /// There is no such value, or several, or it is not known what it is bound to; what `seal` says.
    pub(super) fn replace(
        &self,
        item: &str,
        (target, scope): (&Target, Option<Scope>),
        seal: impl FnOnce(Option<Format>, &Binding) -> Result<String, SealItemError>,
    ) -> Result<(), Error> {
        let (_held, file) = self.held()?;
        let (old, binding) = file.bound(item, (target, scope))?;
        let sealed = seal(old.format(), &binding).map_err(|error| file.name.fault(error))?;
        let raised = match (old.format(), Format::of(&sealed)) {
            (Some(old), Some(new)) if old != new => format!(" (format {old} → {new}, bound to item {item})"),
            (Some(Format::V2), Some(Format::V2)) => format!(" (bound to item {item})"),
            _ => String::new(),
        };
        file.write(embedded::replaced(
            &embedded::as_utf8(&file.bytes),
            &[(old.range.clone(), sealed)],
        ))?;
        note::told(&format!("changed {item} in {}{raised}", file.name.0));
        Ok(())
    }

    /// The value that is meant, and what a new one is to be bound to.
    ///
    /// # Errors
    /// There is no such value, or several, or it is not known what it is bound to.
    pub(super) fn bound(
        &self,
        item: &str,
        (target, scope): (&Target, Option<Scope>),
    ) -> Result<(&Embedded, Binding), InputError> {
        let old = self.value(item)?;
        let binding = embedded::binding(&bound_to(target), scope);
        let binding = binding.ok_or_else(|| self.name.fault(Fault::Unbound { line: old.line }))?;
        let of = binding.scope();
        if scope.is_none() && of != Scope::Strict {
            return Err(self.name.fault(MergeError::WiderUnasked(of)));
        }
        Ok((old, binding))
    }

    /// Removes the lines of values.
    ///
    /// # Errors
    /// There is no such value, or several, or something else stands in its line.
    pub(super) fn remove(&self, items: &[String]) -> Result<(), Error> {
        let (_held, file) = self.held()?;
        let mut values = Vec::new();
        for item in items {
            let value = file.value(item)?;
            if !values.contains(&value) {
                values.push(value);
            }
        }
        // From the end, so that the places before stay what they are.
        values.sort_by_key(|value| std::cmp::Reverse(value.range.start));
        let mut text = embedded::as_utf8(&file.bytes).into_owned();
        for value in values {
            text =
                embedded::without(&text, value).ok_or_else(|| file.name.fault(Fault::NotAlone { line: value.line }))?;
        }
        file.write(text)?;
        note::told(&format!("removed {} in {}", items.join(", "), file.name.0));
        Ok(())
    }

    /// The file as it is now, held against other runs of this program.
    fn held(&self) -> Result<(Option<File>, Self), Error> {
        let held = files::hold(&self.path)?;
        let now = Self::read(&self.path)?;
        Ok((held, now.ok_or_else(|| self.name.fault(Fault::ChangedMeanwhile))?))
    }

    /// Why nothing is typed into it in an editor.
    pub(super) fn not_edited(&self) -> Error {
        let found = self.values.iter().map(Embedded::name).collect();
        self.name.fault(Fault::NotEdited { found }).into()
    }

    /// Why no value gets another key: nothing says what else in the file, or in other files, names it.
    ///
    /// # Errors
    /// There is no such value, or several.
    pub(super) fn not_renamed(&self, key: &str, new: &str) -> Result<Error, Error> {
        let value = self.value(key)?;
        let (line, new) = (value.line, new.to_owned());
        let bound = (value.format() == Some(Format::V2)).then(|| key.to_owned());
        Ok(self.name.fault(Fault::NotRenamed { line, new, bound }).into())
    }

    /// Writes what was made of the file as UTF-8.
    fn write(&self, text: Vec<u8>) -> Result<(), Error> {
        let text = embedded::encoded_as(&self.bytes, text).map_err(|error| self.name.fault(error))?;
        check_unchanged(&self.path, &self.bytes)?;
        Ok(files::write(&Output::File(self.path.clone()), &text)?)
    }
}

fn bound_to(target: &Target) -> BoundTo {
    BoundTo {
        name: target.name.clone(),
        namespace: target.namespace.clone(),
    }
}
