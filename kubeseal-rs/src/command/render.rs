//! `kubeseal render`: flags → what to do.

use std::path::PathBuf;

use super::items::Target;
use super::{CommandError, set};
use crate::args::verb::render::RenderFlags;

/// Show what templates make of sample values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Render {
    /// The object.
    pub target: Target,
    /// A value for each sealed item that has one; the last counts.
    pub samples: Vec<(String, Sample)>,
    /// The one item to write, byte for byte.
    pub item: Option<String>,
}

/// A sample value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample {
    /// As it was typed.
    Text(String),
    /// The content of a file.
    File(PathBuf),
}

impl Render {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: RenderFlags) -> Result<Self, CommandError> {
        let pair = |typed: &String| {
            let pair = typed
                .split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
            // The value itself is not told: some use real ones.
            pair.ok_or(CommandError::SampleWithoutKey)
        };
        let mut samples = Vec::new();
        for typed in &flags.data {
            let (key, value) = pair(typed)?;
            samples.push((key, Sample::Text(value)));
        }
        for typed in &flags.data_file {
            let (key, path) = pair(typed)?;
            samples.push((key, Sample::File(path.into())));
        }
        Ok(Self {
            target: Target::of(flags.file, flags.object),
            samples,
            item: set(flags.item),
        })
    }
}
