//! One item of an object, in either version of the format.

use thiserror::Error;

use super::{Held, KeyRing, OpenError, Opened};
use crate::binding::Binding;
use crate::key::Fingerprint;
use crate::sealed_value::SealedValue;
use crate::v2;

/// Why an item gave no plaintext.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenItemError {
    /// The bytes are no sealed value, or one of version 1 that does not open.
    #[error(transparent)]
    V1(#[from] OpenError),
    /// A value of version 2 that does not open.
    #[error(transparent)]
    V2(#[from] v2::OpenError),
    /// A name cannot be bound in version 2.
    #[error(transparent)]
    Name(#[from] v2::NameTooLong),
}

impl KeyRing {
    /// Opens one item of an object, in either version. In version 1 the `preferred` keys are tried first, then the others, as in
    /// [`Self::open`]; the item's name is not bound. In version 2 the key ids in the value say which keys are tried.
    ///
    /// # Errors
    /// [`OpenItemError`]. A value of version 2 is never tried as one of version 1.
    pub fn open_item(
        &self,
        bytes: &[u8],
        binding: &Binding,
        item: &str,
        preferred: &[Fingerprint],
    ) -> Result<Opened, OpenItemError> {
        match SealedValue::parse(bytes).map_err(OpenError::from)? {
            SealedValue::V1(_) => Ok(self.open(bytes, &binding.label(), preferred)?),
            SealedValue::V2(envelope) => self.open_v2(&envelope, binding, item),
        }
    }

    fn open_v2(&self, envelope: &v2::Envelope<'_>, binding: &Binding, item: &str) -> Result<Opened, OpenItemError> {
        let context = v2::Context::new(binding, item)?;
        let hybrid = self.keys.iter().filter_map(|held| held.hybrid.as_deref());
        let (plaintext, by) = v2::open(envelope, &context, hybrid, || self.before_operation())?;
        let opened = |held: &&Held| held.hybrid.as_deref().is_some_and(|key| std::ptr::eq(key, by));
        let held = self.keys.iter().find(opened).ok_or(v2::OpenError::NoSuchKey)?;
        let key = held.key.public().fingerprint().clone();
        Ok(Opened { plaintext, key })
    }
}
