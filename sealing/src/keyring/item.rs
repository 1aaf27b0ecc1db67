//! One item of an object, in either version of the format.

use super::{Held, KeyRing, OpenError, Opened};
use crate::binding::Binding;
use crate::key::Fingerprint;
use crate::sealed_value::SealedValue;
use crate::sealer::Format;
use crate::v2;

impl KeyRing {
    /// Opens one item of an object, in either version. In format v1 the `preferred` keys are tried first in their order, then
    /// the others, newest first, and the item's name is not bound: a wrong key costs a whole private-key operation, so a caller
    /// that knows the likely ones should say so; a wrong preference costs time, never correctness. In format v2 the key ids in
    /// the value say which keys are tried.
    ///
    /// # Errors
    /// [`OpenError`], which tells a broken value from one that no held key opens as far as the format allows. A value of version
    /// 2 is never tried as one of format v1.
    pub fn open(
        &self,
        bytes: &[u8],
        binding: &Binding,
        item: &str,
        preferred: &[Fingerprint],
    ) -> Result<Opened, OpenError> {
        match SealedValue::parse(bytes)? {
            SealedValue::V1(_) if self.least > Format::V1 => Err(OpenError::NotAccepted(Format::V1)),
            SealedValue::V1(envelope) => self.open_v1(&envelope, &binding.label(), preferred),
            SealedValue::V2(envelope) => self.open_v2(&envelope, binding, item),
        }
    }

    fn open_v2(&self, envelope: &v2::Envelope<'_>, binding: &Binding, item: &str) -> Result<Opened, OpenError> {
        let context = v2::Context::new(binding, item)?;
        let hybrid = self.keys.iter().flat_map(|held| held.hybrid.iter().map(AsRef::as_ref));
        let opened = v2::open(envelope, &context, hybrid, || self.before_operation());
        let (plaintext, by) = opened.map_err(|error| match error {
            v2::OpenError::NoSuchKey => OpenError::NoSuchKey {
                ids: envelope.recipients().iter().map(|recipient| recipient.key).collect(),
            },
            v2::OpenError::NotBound { key } => OpenError::NotBound { key },
            v2::OpenError::Damaged { key } => OpenError::BodyDamaged { key },
            v2::OpenError::Interrupted => OpenError::Interrupted,
        })?;
        let is_by = |held: &&Held| held.hybrid.iter().any(|key| std::ptr::eq(key.as_ref(), by));
        // It is one of them.
        let held = self.keys.iter().find(is_by).ok_or(OpenError::Interrupted)?;
        Ok(Opened {
            plaintext,
            key: held.key.public().fingerprint().clone(),
            hybrid: Some(by.public().id()),
            format: Format::V2,
        })
    }
}
