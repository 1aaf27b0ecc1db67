//! A Secret from plain files, as `kubectl create secret generic` makes one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use sealing::SecretBytes;
use sealing::merge::check_item_name;
use thiserror::Error as ThisError;

use super::given::Sources;
use crate::error::Error;
use crate::error::Hinted;
use crate::files::{self, FileError};
use crate::objects::InputName;
use crate::typed::Typed;

/// What is wrong with a plain file. Never holds a value, nor a word that may be one.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum SourceFault {
    /// What stands before `=` in a line cannot be the name of a variable.
    #[error("line {0}: what stands before = is not a name (letters, digits, '-', '_' and '.', no digit first)")]
    EnvName(usize),
    /// A name alone.
    #[error("line {0}: there is no =; variables of the environment are not sealed")]
    NoValue(usize),
    /// A line is not text.
    #[error("line {0}: it is not UTF-8")]
    NotUtf8(usize),
    /// A line holds a NUL, which no variable of an environment does.
    #[error("line {0}: it holds a NUL, so this is not a file of KEY=VALUE lines")]
    Nul(usize),
    /// Two sources of one item.
    #[error("item {0} is there already")]
    Twice(String),
    /// The file's name cannot be that of an item.
    #[error("its name cannot be the name of an item")]
    FileName,
    /// A directory with the name of an item.
    #[error("it is a directory, which takes no KEY=")]
    KeyOfDirectory,
}

impl SourceFault {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            SourceFault::EnvName(_) => {
                "each line is KEY=VALUE or begins with #, without export; a value of several lines takes --from-file KEY=FILE"
            }
            SourceFault::NoValue(_) => "write KEY=VALUE (KEY= is an empty value), or type --from-literal KEY=\"$KEY\"",
            SourceFault::NotUtf8(_) | SourceFault::Nul(_) => "bytes that are no text take --from-file KEY=FILE",
            SourceFault::Twice(_) => "leave one of them out",
            SourceFault::FileName => "say the item's name: --from-file KEY=FILE",
            SourceFault::KeyOfDirectory => "leave KEY= out: the files in it are items of their own names",
        }
        .to_owned()
    }
}

/// What the sources hold.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) items: BTreeMap<String, SecretBytes>,
    /// When the last of the files was written; `None` where something has no time.
    pub(super) modified: Option<SystemTime>,
    /// What a person should know, a line each.
    pub(super) remarks: Vec<String>,
}

/// Reads all sources.
///
/// # Errors
/// That one cannot be read, a [`SourceFault`], or that two are for one item.
pub(super) fn gather(sources: &Sources) -> Result<Gathered, Error> {
    let mut all = Gathered {
        modified: Some(SystemTime::UNIX_EPOCH),
        ..Gathered::default()
    };
    for path in &sources.env_files {
        let name = InputName(path.display().to_string());
        let bytes = files::read_to_seal(path)?;
        all.read_at(path);
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let Some((key, value)) = variable(line, number).map_err(|fault| name.fault(fault))? else {
                continue;
            };
            if [b'"', b'\'']
                .iter()
                .any(|quote| matches!(value.expose(), [first, .., last] if first == quote && last == quote))
            {
                all.remarks.push(format!(
                    "{key}: the quotes around its value are sealed with it, as kubectl does"
                ));
            }
            all.add(key, value).map_err(|fault| name.fault(fault))?;
        }
    }
    for (key, path) in &sources.files {
        all.file(key.as_deref(), path)?;
    }
    for (key, value) in &sources.literals {
        all.modified = None;
        let name = InputName("--from-literal".to_owned());
        all.add(key.clone(), value.clone()).map_err(|fault| name.fault(fault))?;
    }
    Ok(all)
}

impl Gathered {
    fn add(&mut self, key: String, value: SecretBytes) -> Result<(), SourceFault> {
        match self.items.insert(key.clone(), value) {
            None => Ok(()),
            Some(_) => Err(SourceFault::Twice(key)),
        }
    }

    fn read_at(&mut self, path: &Path) {
        let modified = std::fs::metadata(path).and_then(|file| file.modified()).ok();
        self.modified = self.modified.zip(modified).map(|(one, other)| one.max(other));
    }

    /// One file, or all of a directory.
    fn file(&mut self, key: Option<&str>, path: &Path) -> Result<(), Error> {
        let name = InputName(path.display().to_string());
        if !path.is_dir() {
            let own = path.file_name().and_then(|own| own.to_str()).unwrap_or_default();
            return self.one(&name, key.unwrap_or(own), path);
        }
        if key.is_some() {
            return Err(name.fault(SourceFault::KeyOfDirectory).into());
        }
        let failed = |reason| FileError::Open {
            path: path.to_owned(),
            reason,
        };
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).and_then(Iterator::collect).map_err(failed);
        let mut entries = entries?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = InputName(path.display().to_string());
            if entry.file_type().map_err(failed)?.is_file() {
                self.one(&name, entry.file_name().to_str().unwrap_or_default(), &path)?;
            } else {
                self.remarks.push(format!("left alone: {} is no file", name.0));
            }
        }
        Ok(())
    }

    fn one(&mut self, name: &InputName, key: &str, path: &Path) -> Result<(), Error> {
        check_item_name(key).map_err(|_| name.fault(SourceFault::FileName))?;
        let mut bytes = files::read_to_seal(path)?;
        self.read_at(path);
        let value = SecretBytes::new(std::mem::take(&mut *bytes));
        Ok(self.add(key.to_owned(), value).map_err(|fault| name.fault(fault))?)
    }
}

/// The variable that a line of an environment file sets, by kubectl's rules: blanks before it do not count, and quotes are part of
/// the value. Of a name alone kubectl takes the value from the environment; that is refused, as whoever wrote the file would choose
/// which variable of whoever runs this is sealed. None: the line is empty or a comment. `number` is counted from 0.
fn variable(line: &[u8], number: usize) -> Result<Option<(String, SecretBytes)>, SourceFault> {
    let line = std::str::from_utf8(line).map_err(|_| SourceFault::NotUtf8(number + 1))?;
    if line.contains('\0') {
        return Err(SourceFault::Nul(number + 1));
    }
    let line = line.strip_suffix('\r').unwrap_or(line);
    let line = if number == 0 {
        line.trim_start_matches('\u{feff}')
    } else {
        line
    };
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (key, value) = match line.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (line, None),
    };
    if check_item_name(key).is_err() || key.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(SourceFault::EnvName(number + 1));
    }
    let value = value.ok_or(SourceFault::NoValue(number + 1))?;
    Ok(Some((key.to_owned(), SecretBytes::new(value.as_bytes().to_vec()))))
}

impl Hinted for SourceFault {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(self.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_environment_file_are_read_as_kubectl_reads_them() {
        let read = |line: &str, number| {
            let read = variable(line.as_bytes(), number)?;
            Ok(read.map(|(key, value)| format!("{key}>{}<", std::str::from_utf8(value.expose()).unwrap())))
        };
        for (line, expected) in [
            ("A=b", "A>b<"),
            ("  A=b c ", "A>b c <"),
            ("A=", "A><"),
            ("A=\"b\" # no comment\r", "A>\"b\" # no comment<"),
            ("a.b-c_D=x=y", "a.b-c_D>x=y<"),
            ("\u{feff}A=b", "A>b<"),
        ] {
            assert_eq!(read(line, 0), Ok(Some(expected.to_owned())), "{line}");
        }
        for line in ["", "   ", "# A=b", " #A", "\r"] {
            assert_eq!(read(line, 0), Ok(None), "{line}");
        }
        for line in [
            "export A=b",
            "A =b",
            "1A=b",
            "=b",
            "\u{feff}A=b",
            "-----END KEY-----x+/",
        ] {
            assert_eq!(read(line, 6), Err(SourceFault::EnvName(7)), "{line}");
        }
        assert_eq!(read("NOT_THERE", 6), Err(SourceFault::NoValue(7)));
        assert_eq!(variable(b"A=\xff", 6), Err(SourceFault::NotUtf8(7)));
    }
}
