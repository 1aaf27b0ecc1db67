//! Which files a verb works on: flags → what is meant.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::CommandError;
use crate::error::Hinted;
use crate::files::is_stream;
use crate::flags::{TreeFlags, set};
use crate::quoting;
use crate::report::ReportFormat;
use crate::typed::Typed;

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

/// The stream that is meant, if one is: it must be the only path.
///
/// # Errors
/// [`CommandError::StreamAmongPaths`].
pub(super) fn stream_of(paths: &[OsString]) -> Result<Option<PathBuf>, CommandError> {
    match paths {
        [path] if is_stream(Path::new(path)) => Ok(Some(PathBuf::from(path))),
        paths if paths.iter().any(|path| is_stream(Path::new(path))) => Err(CommandError::StreamAmongPaths),
        _ => Ok(None),
    }
}

impl Tree {
    /// How to tell what was done.
    ///
    /// # Errors
    /// [`CommandError::UnknownReport`].
    pub(super) fn report(output: Option<&str>) -> Result<ReportFormat, CommandError> {
        match set(output) {
            None | Some("text") => Ok(ReportFormat::Text),
            Some("json") => Ok(ReportFormat::Json),
            Some(other) => Err(CommandError::UnknownReport(other.to_owned())),
        }
    }

    /// Whether it is a stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.paths.iter().any(|path| is_stream(path))
    }

    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError::UnknownReport`]; [`CommandError::EmptyPath`].
    pub(super) fn of(flags: TreeFlags) -> Result<Self, CommandError> {
        let report = Self::report(flags.output.as_deref())?;
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

/// The paths mean files, and none of them holds what is looked for.
#[derive(Debug, thiserror::Error)]
#[error("there is no {what} in {}", paths.iter().map(|path| quoting::path(path)).collect::<Vec<_>>().join(", "))]
pub(super) struct NothingFound {
    /// The kind.
    pub(super) what: &'static str,
    /// The paths as typed.
    pub(super) paths: Vec<PathBuf>,
}

impl Hinted for NothingFound {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some("name the folder or the files that hold them".to_owned())
    }
}

/// Two files would be written to one.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} and {} would both be written to {}",
    quoting::path(one),
    quoting::path(other),
    quoting::path(to)
)]
pub(super) struct CommonTarget {
    /// The file to write.
    pub(super) to: PathBuf,
    /// The one.
    pub(super) one: PathBuf,
    /// The other.
    pub(super) other: PathBuf,
}

impl Hinted for CommonTarget {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some("write one of them elsewhere: --out DIR".to_owned())
    }
}
