//! What annotations ask for: exactly `"true"`, as in the reference.

use crds::{SealedSecret, names};
use kube::core::ObjectMeta;
use sealing::binding;

/// Whether an annotation is exactly `"true"`.
pub(crate) fn says_true(metadata: &ObjectMeta, annotation: &str) -> bool {
    binding::says_true(metadata.annotations.as_ref(), annotation)
}

/// What was given last as the reason for comparing a SealedSecret with its Secret once more.
pub(crate) fn force_sync(sealed: &SealedSecret) -> Option<&str> {
    let annotations = sealed.metadata.annotations.as_ref()?;
    annotations.get(names::ANNOTATION_FORCE_SYNC).map(String::as_str)
}

/// What the annotations of a SealedSecret ask of the controller (its scope is told elsewhere).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Leave the Secret as others make it.
    pub skip_recreate: bool,
    /// Delete and make anew a Secret that cannot be changed.
    pub replace_immutable: bool,
}

impl Options {
    /// Those of a SealedSecret.
    pub(crate) fn of(sealed: &SealedSecret) -> Self {
        Self {
            skip_recreate: says_true(&sealed.metadata, names::ANNOTATION_SKIP_RECREATE),
            replace_immutable: says_true(&sealed.metadata, names::ANNOTATION_REPLACE_IMMUTABLE),
        }
    }
}
