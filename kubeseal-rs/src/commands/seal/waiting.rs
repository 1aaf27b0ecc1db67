//! A clear file whose turn comes later. It is read again then: of thousands, none is held until then.

use std::path::Path;

use sealing::seal::SealParameters;

use super::clear::ClearFile;
use crate::commands::namespace::DefaultNamespace;
use crate::error::Error;
use crate::tree::TreeFile;

/// How clear files are read.
pub(super) struct Reading<'a> {
    /// What sealing them needs, but for the default namespace.
    pub(super) parameters: &'a SealParameters,
    pub(super) namespace: &'a DefaultNamespace<'a>,
    /// Whether values that something fills in later are faults.
    pub(super) strict: bool,
}

impl Reading<'_> {
    /// Reads a file; none when there is no Secret in it.
    ///
    /// # Errors
    /// As those of [`ClearFile::read`] and [`ClearFile::judge_placeholders`].
    fn file(&self, file: &TreeFile) -> Result<Option<ClearFile>, Error> {
        let clear = ClearFile::read(file, self.parameters, self.namespace)?;
        clear.map(|clear| clear.judge_placeholders(self.strict)).transpose()
    }
}

/// The file, or what was put together from others.
pub(super) enum Waiting {
    /// A file that can be read again, and the namespaces and names of its Secrets.
    File(TreeFile, Vec<(String, String)>),
    /// What cannot.
    Held(Box<ClearFile>),
}

impl Waiting {
    /// Reads a file to see whether there is a Secret in it.
    ///
    /// # Errors
    /// As those of [`Reading::file`].
    pub(super) fn of(file: &TreeFile, reading: &Reading<'_>) -> Result<Option<Self>, Error> {
        Ok(reading.file(file)?.map(|clear| match file.path.is_file() {
            true => Waiting::File(file.clone(), clear.names().collect()),
            false => Waiting::Held(Box::new(clear)),
        }))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Waiting::File(file, _) => &file.path,
            Waiting::Held(clear) => &clear.path,
        }
    }

    /// Its path below the folder that was typed.
    pub(super) fn below(&self) -> &Path {
        match self {
            Waiting::File(file, _) => &file.below,
            Waiting::Held(clear) => &clear.below,
        }
    }

    /// Whether it was found in a folder, or by a pattern, and not typed itself.
    pub(super) fn is_found(&self) -> bool {
        matches!(self, Waiting::File(file, _) if !file.typed)
    }

    /// The files that it is read from.
    pub(super) fn read_from(&self) -> Vec<&Path> {
        match self {
            Waiting::File(file, _) => vec![&file.path],
            Waiting::Held(clear) => clear.read_from(),
        }
    }

    /// The namespaces and names of its Secrets.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        match self {
            Waiting::File(_, names) => names.clone(),
            Waiting::Held(clear) => clear.names().collect(),
        }
    }

    /// Does `one` with what is in the file now; none when there is no Secret in it any more.
    ///
    /// # Errors
    /// As those of [`Reading::file`] and of `one`.
    pub(super) fn with<T>(
        &self,
        reading: &Reading<'_>,
        one: impl FnOnce(&ClearFile) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Waiting::File(file, _) => reading.file(file)?.as_ref().map(one).transpose(),
            Waiting::Held(clear) => one(clear).map(Some),
        }
    }
}
