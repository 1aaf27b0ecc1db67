//! Which files a verb works on: flags → what is meant.

use std::path::PathBuf;

use super::{CommandError, set};
use crate::args::verb::shared::TreeFlags;
use crate::report::ReportFormat;

/// Which files a verb works on, and how it tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Files, folders and patterns as typed; at least one.
    pub paths: Vec<PathBuf>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// How to tell what was done.
    pub report: ReportFormat,
}

impl Tree {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError::UnknownReport`]; [`CommandError::EmptyPath`].
    pub(super) fn of(flags: TreeFlags) -> Result<Self, CommandError> {
        let report = match set(flags.output.as_deref()) {
            None | Some("text") => ReportFormat::Text,
            Some("json") => ReportFormat::Json,
            Some(other) => return Err(CommandError::UnknownReport(other.to_owned())),
        };
        let path = |path| set(Some(path)).map(PathBuf::from).ok_or(CommandError::EmptyPath);
        Ok(Self {
            paths: flags.paths.into_iter().map(path).collect::<Result<_, _>>()?,
            exclude: flags
                .exclude
                .into_iter()
                .filter(|pattern| !pattern.is_empty())
                .collect(),
            report,
        })
    }
}
