//! `--from-env-file`, `--from-file` and `--from-literal` of `kubeseal seal`: texts → what to read.

use std::path::{Path, PathBuf};

use sealing::SecretBytes;
use sealing::merge::check_item_name;

use super::SourceFlags;
use crate::commands::error::CommandError;
use crate::flags::{flattened, set};
use crate::names::fault_of_name;

/// A Secret that is put together from files and texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sources {
    /// The name of the Secret.
    pub name: String,
    /// Its type, if not `Opaque`.
    pub type_: Option<String>,
    /// Files of `KEY=VALUE` lines.
    pub env_files: Vec<PathBuf>,
    /// Files that are one item each, and directories of such; with the item's name where that is not the file's.
    pub files: Vec<(Option<String>, PathBuf)>,
    /// Items that were typed.
    pub literals: Vec<(String, SecretBytes)>,
}

impl Sources {
    /// Decides what the flags mean. None: there are no such flags.
    ///
    /// # Errors
    /// [`CommandError`]. None repeats a value.
    pub(super) fn of(flags: SourceFlags) -> Result<Option<Self>, CommandError> {
        let paths = |words: Vec<String>| words.into_iter().filter(|word| !word.is_empty());
        let env_files: Vec<_> = paths(flattened(&flags.from_env_file)).map(PathBuf::from).collect();
        let files: Vec<_> = paths(flattened(&flags.from_file))
            .map(|word| file(&word))
            .collect::<Result<_, _>>()?;
        let literals: Vec<_> = flags
            .from_literal
            .iter()
            .map(|text| literal(text))
            .collect::<Result<_, _>>()?;
        let (name, type_) = (set(flags.name), set(flags.type_));
        if env_files.is_empty() && files.is_empty() && literals.is_empty() {
            return match (name, type_) {
                (None, None) => Ok(None),
                (Some(_), _) => Err(CommandError::OnlyWithSources("--name")),
                (None, Some(_)) => Err(CommandError::OnlyWithSources("--type")),
            };
        }
        let name = name.ok_or(CommandError::SourcesNeedName)?;
        if fault_of_name(&name).is_some() {
            return Err(CommandError::ObjectName(name));
        }
        Ok(Some(Self {
            name,
            type_,
            env_files,
            files,
            literals,
        }))
    }

    /// The name of the sealed file.
    pub(crate) fn sealed_name(&self) -> PathBuf {
        PathBuf::from(format!("{}.sealed.yaml", self.name))
    }

    /// Where the first of the items comes from, for messages.
    pub(crate) fn first(&self) -> &Path {
        self.paths().next().unwrap_or(Path::new("--from-literal"))
    }

    /// The files that are read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = self.files.iter().map(|(_, path)| path);
        self.env_files.iter().chain(files).map(PathBuf::as_path)
    }
}

/// `FILE` or `KEY=FILE`.
fn file(word: &str) -> Result<(Option<String>, PathBuf), CommandError> {
    match word.split_once('=') {
        None => Ok((None, PathBuf::from(word))),
        Some((key, path)) if !path.is_empty() && !path.contains('=') && check_item_name(key).is_ok() => {
            Ok((Some(key.to_owned()), PathBuf::from(path)))
        }
        Some(_) => Err(CommandError::NotAFileSource),
    }
}

/// `KEY=VALUE`; what follows the first `=` is the value.
fn literal(text: &str) -> Result<(String, SecretBytes), CommandError> {
    let (key, value) = text.split_once('=').ok_or(CommandError::NotALiteral)?;
    check_item_name(key).map_err(|_| CommandError::NotALiteral)?;
    Ok((key.to_owned(), SecretBytes::new(value.as_bytes().to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_for_kubectl() {
        assert_eq!(file("a/b.txt"), Ok((None, PathBuf::from("a/b.txt"))));
        assert_eq!(file("k=a/b.txt"), Ok((Some("k".to_owned()), PathBuf::from("a/b.txt"))));
        for wrong in ["=a", "k=", "k=a=b", "k k=a"] {
            assert_eq!(file(wrong), Err(CommandError::NotAFileSource), "{wrong}");
        }
        let read = |text: &str| literal(text).map(|(key, value)| (key, value.expose().to_vec()));
        assert_eq!(read("k=a=\"b\""), Ok(("k".to_owned(), b"a=\"b\"".to_vec())));
        assert_eq!(read("k="), Ok(("k".to_owned(), Vec::new())));
        for wrong in ["k", "=v", "k k=v"] {
            assert_eq!(read(wrong), Err(CommandError::NotALiteral), "{wrong}");
        }
    }
}
