//! `spec.template.data`: items made of the opened values.
//!
//! A template without an action is its own result, as in Go. Templates with actions need the template engine; until
//! it is there they are refused, never passed on unrendered.

use thiserror::Error;

/// Why a template gave no item. Never carries a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// The template holds `{{`.
    #[error("template: actions ({{{{ … }}}}) are not supported yet")]
    ActionsNotSupported,
}

/// Renders one template.
///
/// # Errors
/// [`RenderError`].
pub(crate) fn render(template: &str) -> Result<Vec<u8>, RenderError> {
    if template.contains("{{") {
        return Err(RenderError::ActionsNotSupported);
    }
    Ok(template.as_bytes().to_vec())
}
