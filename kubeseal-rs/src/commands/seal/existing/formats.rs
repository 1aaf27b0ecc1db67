//! Which versions of the format the values of the sealed file have, and which they get.

use crds::SealedSecret;
use sealing::sealer::{Format, Sealer};

use super::{Counterpart, Existing};
use crate::commands::seal::clear::{ClearFile, One};
use crate::commands::seal::fault::ClearFileFault;
use crate::commands::sealed_file::full_name;
use crate::error::Error;

impl Existing {
    /// The latest version of the format of all values in it.
    pub(in crate::commands::seal) fn latest(&self) -> Option<Format> {
        self.file.sealed.iter().filter_map(Format::latest_of).max()
    }

    /// A line for each object with values that get another version of the format, which `after` says of the object's latest one.
    pub(in crate::commands::seal) fn raised(&self, clear: &ClearFile, after: impl Fn(Format) -> Format) -> Vec<String> {
        let line = |(secret, counterpart): (&One, &Counterpart)| {
            let sealed = self.file.sealed.get(counterpart.at?)?;
            let new = after(Format::latest_of(sealed)?);
            let all = &sealed.spec.encrypted_data;
            let sealed_again = all.iter().filter(|(item, _)| secret.clear.items.contains_key(*item));
            let changed = sealed_again.filter_map(|(item, text)| Some((item.as_str(), Format::of(text)?)));
            let changed: Vec<_> = changed.filter(|(_, former)| *former != new).collect();
            let (_, former) = changed.first()?;
            let named: Vec<_> = changed.iter().map(|(item, _)| *item).collect();
            let items = match named.len() == all.len() {
                true => String::new(),
                false => format!(" ({})", named.join(", ")),
            };
            Some(format!(
                "{}: format {former} → {new}{items}",
                full_name(&secret.outline)
            ))
        };
        self.pairs(clear).filter_map(line).collect()
    }

    /// That no object has format v2 where format v1 alone is `asked` for: sealing would take nothing back.
    ///
    /// # Errors
    /// [`ClearFileFault::Lowered`].
    pub(in crate::commands::seal) fn check_not_lowered(&self, asked: Option<Format>) -> Result<(), Error> {
        let mut objects = self.counterparts.iter().filter_map(|one| self.file.sealed.get(one.at?));
        if asked == Some(Format::V1) && objects.any(|sealed| Format::latest_of(sealed) == Some(Format::V2)) {
            let fault = ClearFileFault::Lowered(self.file.path().to_owned());
            return Err(self.file.name().fault(fault).into());
        }
        Ok(())
    }
}

/// Whether sealing gives an item a later version of the format than it has.
pub(super) fn is_raised(sealed: &SealedSecret, item: &str, sealer: &Sealer<'_>) -> bool {
    let has = sealed.spec.encrypted_data.get(item).and_then(|text| Format::of(text));
    has.is_some_and(|has| has < sealer.format_after(Format::latest_of(sealed)))
}
