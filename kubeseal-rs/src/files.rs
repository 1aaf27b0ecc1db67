//! Reading whole inputs and writing whole outputs.

mod hold;
#[cfg(windows)]
pub(crate) mod owner_only;
mod replace;

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::{Hinted, Kind};
use crate::place;
use crate::quoting;
use crate::typed::Typed;
pub(crate) use hold::hold;
pub(crate) use replace::is_unfinished;

/// Reading or writing failed. The texts are Go's, which scripts search for.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// A file could not be read.
    #[error("open {}: {}", quoting::path(path), plain(reason))]
    Open {
        /// Its name as typed.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// Standard input could not be read.
    #[error("read stdin: {}", plain(.0))]
    Stdin(io::Error),
    /// A file could not be written.
    #[error("write {}: {}", quoting::path(path), plain(reason))]
    Write {
        /// Its name as typed.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// Another run holds the file, and does not end.
    #[error("{}: another run of this program has held it for {} s; end that run, or try again", quoting::path(path), waited.as_secs())]
    Held {
        /// Its name as typed.
        path: PathBuf,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// Standard output could not be written.
    #[error("write stdout: {}", plain(.0))]
    Stdout(io::Error),
}

/// The operating system's reason in the words that Go uses: lower case, without a number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The operating system's error alone: crates put a path into theirs, and the one that was typed stands before it already.
pub(crate) fn without_path(error: io::Error) -> io::Error {
    let inner = error
        .get_ref()
        .and_then(|told| told.source()?.downcast_ref::<io::Error>());
    match inner.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error,
    }
}

/// The name of an input in messages.
pub(crate) fn name(input: &Input) -> String {
    match input {
        Input::Stdin | Input::StdinOr(_) => "stdin".to_owned(),
        Input::File(path) => path.display().to_string(),
    }
}

/// Reads everything; the bytes are wiped when dropped. On a terminal, `expected` is first asked for on stderr.
///
/// # Errors
/// [`FileError::Open`] or [`FileError::Stdin`].
pub(crate) fn read(input: &Input, expected: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
    match input {
        Input::File(path) => read_to_seal(path),
        Input::Stdin | Input::StdinOr(_) => {
            let mut stdin = io::stdin().lock();
            if stdin.is_terminal() {
                // Only a courtesy: a failure to print it does not matter.
                let _ = writeln!(io::stderr(), "(tty detected: expecting {expected} in stdin)");
            }
            let mut bytes = Zeroizing::new(Vec::new());
            stdin.read_to_end(&mut bytes).map_err(FileError::Stdin)?;
            Ok(bytes)
        }
    }
}

/// Reads a whole file, or a pipe under a file's name; the bytes are wiped when dropped.
///
/// # Errors
/// [`FileError::Open`].
pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |reason| FileError::Open {
        path: path.to_owned(),
        reason,
    };
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(failed)?;
    Ok(bytes)
}

/// As [`read_file`], what may be sealed: through no symlink of a repository that leads out of it.
///
/// # Errors
/// [`FileError::Open`].
pub(crate) fn read_to_seal(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    place::check_read(path).map_err(|reason| FileError::Open {
        path: path.to_owned(),
        reason,
    })?;
    read_file(path)
}

/// Most bytes of a file that was found, not typed.
const LARGEST_FOUND: u64 = 64 << 20;

/// Most bytes of a kustomization, a project file or a certificate that was found. Values take up to 75 times as much memory.
const LARGEST_SMALL: u64 = 1 << 20;

/// Reads a whole regular file that was found, not typed: a committed symlink can lead to a device, or to a pipe without a
/// writer. The bytes are wiped when dropped.
///
/// # Errors
/// [`FileError::Open`].
pub(crate) fn read_found(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_at_most(path, LARGEST_FOUND)
}

/// As [`read_found`], a kustomization, a project file or a certificate: everybody who runs a verb in the repository reads it.
///
/// # Errors
/// [`FileError::Open`].
pub(crate) fn read_small(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_at_most(path, LARGEST_SMALL)
}

fn read_at_most(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::Error::other(format!("larger than {} MiB", most >> 20)));
        }
        Ok(bytes)
    };
    read().map_err(|reason| FileError::Open {
        path: path.to_owned(),
        reason,
    })
}

/// Bytes at the beginning of a file that tell whether it is text, as Git tells it.
const TOLD_BY: u64 = 8000;

/// Reads a whole file unless it is binary: a NUL near its beginning. The bytes are wiped when dropped.
///
/// # Errors
/// [`FileError::Open`].
pub(crate) fn read_if_text(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let failed = |reason| FileError::Open {
        path: path.to_owned(),
        reason,
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let mut file = File::open(path).map_err(failed)?;
    (&file).take(TOLD_BY).read_to_end(&mut bytes).map_err(failed)?;
    // The second byte of a character in UTF-16 may be cut off.
    if manifest::text_lossy(&bytes).contains('\0') {
        return Ok(None);
    }
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Makes the folder that `file` is to be written to.
///
/// # Errors
/// [`FileError::Write`], also when a symlink leads it out of its Git work tree.
pub(crate) fn make_folder_of(file: &Path) -> Result<(), FileError> {
    let failed = |path: &Path, reason| FileError::Write {
        path: path.to_owned(),
        reason,
    };
    place::check_in_work_tree(file).map_err(|reason| failed(file, reason))?;
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder).map_err(|reason| failed(folder, reason))
}

/// Writes everything: to stdout, or to a file that is afterwards either the old or the new one, whole.
///
/// # Errors
/// [`FileError::Write`] or [`FileError::Stdout`].
pub(crate) fn write(output: &Output, bytes: &[u8]) -> Result<(), FileError> {
    match output {
        Output::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout
                .write_all(bytes)
                .and_then(|()| stdout.flush())
                .map_err(FileError::Stdout)
        }
        Output::File(path) => Writer::default().write(path, bytes),
    }
}

/// Writes clear text as [`write()`], but that a file is its owner's alone afterwards (mode 0600) whatever it was before.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_clear(output: &Output, bytes: &[u8]) -> Result<(), FileError> {
    match output {
        Output::Stdout => write(output, bytes),
        Output::File(path) => Writer::default().over(path, bytes, Over::Private),
    }
}

/// Whether stdout is a file that others than its owner may read.
pub(crate) fn others_read_stdout() -> bool {
    #[cfg(unix)]
    let stdout = std::os::fd::AsFd::as_fd(&io::stdout())
        .try_clone_to_owned()
        .map(File::from);
    #[cfg(windows)]
    let stdout = std::os::windows::io::AsHandle::as_handle(&io::stdout())
        .try_clone_to_owned()
        .map(File::from);
    let found = stdout.and_then(|stdout| stdout.metadata());
    found.is_ok_and(|found| others_read(&found))
}

/// Whether this is a file that others than its owner may read. On Windows no mode tells.
#[cfg_attr(windows, expect(unused_variables, reason = "no mode tells"))]
pub(crate) fn others_read(found: &Metadata) -> bool {
    #[cfg(unix)]
    return found.is_file() && std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0;
    #[cfg(windows)]
    false
}

/// What may happen to the file in whose place another one is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The new one has its owner and mode.
    Kept,
    /// The new one has its owner, and mode 0600.
    Private,
    /// There must be none.
    Nothing,
}

/// Writes files, each whole or not at all, and takes away what killed runs have left unfinished in the folders that it
/// writes to. One writer looks through each folder once, and has it reach the disk once, in the end.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    looked_through: Mutex<BTreeSet<PathBuf>>,
    unsynced: Mutex<BTreeSet<PathBuf>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sync();
    }
}

impl Writer {
    /// Writes a file. A new one gets mode 0600; an existing one keeps its owner and mode, and a symlink keeps pointing to it.
    /// What is not a regular file (a pipe), or is open already (`/dev/stdout`, wherever it leads), is written to, never replaced.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        self.over(path, bytes, Over::Kept)
    }

    /// Writes a file that is not there yet, with mode 0600.
    ///
    /// # Errors
    /// [`FileError::Write`], also when there is one.
    pub(crate) fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        self.over(path, bytes, Over::Nothing)
    }

    fn over(&self, path: &Path, bytes: &[u8], over: Over) -> Result<(), FileError> {
        let is_new = |folder: &Path| {
            let mut seen = self.looked_through.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(folder.to_owned())
        };
        let changed = replace::replace(path, bytes, over, is_new).map_err(|reason| FileError::Write {
            path: path.to_owned(),
            reason,
        })?;
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        unsynced.extend(changed);
        Ok(())
    }

    /// Has what was written so far reach the disk, to the last name.
    pub(crate) fn sync(&self) {
        // Held to the end: who comes meanwhile may have written to the same folders.
        let mut folders = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        folders.iter().for_each(|folder| replace::sync(folder));
        folders.clear();
    }
}

/// A word that is not a flag, and does not begin the line with the name of a verb. It is not repeated: it may be a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unexpected argument: only verbs take arguments, and the verb comes first")]
pub(crate) struct StrayWord {
    /// The verb that was probably meant.
    pub(crate) meant: Option<String>,
    /// Whether a bare value was to be sealed.
    pub(crate) raw: bool,
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Standard input.
    Stdin,
    /// Standard input; and what is wrong when nothing comes from there.
    StdinOr(StrayWord),
    /// A file.
    File(PathBuf),
}

impl Input {
    /// What a verb's FILE means: `-` is stdin.
    pub(crate) fn of(path: &Path) -> Self {
        if path == Path::new("-") {
            Input::Stdin
        } else {
            Input::File(path.to_owned())
        }
    }
}

/// Whether a path is a stream: `-`, or a pipe under the name of a file (process substitution). Nothing can be written in its place
/// or beside it, so the result goes to stdout.
pub(crate) fn is_stream(path: &Path) -> bool {
    path == Path::new("-") || path.starts_with("/dev") || path.starts_with("/proc")
}

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Hinted for FileError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        let list = if cfg!(windows) { "icacls" } else { "ls -ld" };
        match self {
            FileError::Open { path, reason } if reason.kind() == io::ErrorKind::PermissionDenied => {
                Some(format!("{list} {} shows who may", quoting::path_word(path)))
            }
            // What is written is put into the folder under its name, which the folder must allow.
            FileError::Write { path, reason } if reason.kind() == io::ErrorKind::PermissionDenied => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = quoting::path_word(folder.unwrap_or(Path::new(".")));
                let file = match path.symlink_metadata() {
                    Ok(_) => format!(" {}", quoting::path_word(path)),
                    Err(_) => String::new(),
                };
                Some(format!("{list} {folder}{file} shows who may write there"))
            }
            FileError::Write { path, reason } if reason.kind() == io::ErrorKind::NotFound => missing_folder(path),
            FileError::Write { reason, .. } if reason.kind() == io::ErrorKind::AlreadyExists => Some(
                "it was made meanwhile, by another run or for a file of another name that is the same to this file system".to_owned(),
            ),
            _ => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            // The reader that closed the pipe wants neither the rest nor a message.
            FileError::Stdout(reason) if reason.kind() == io::ErrorKind::BrokenPipe => Kind::Silent,
            _ => Kind::Failed,
        }
    }
}

/// What to type where the directory of a file that is to be written does not exist; the file may be a symlink into it.
fn missing_folder(path: &Path) -> Option<String> {
    let make = if cfg!(windows) { "mkdir" } else { "mkdir -p" };
    let end = match path.is_symlink() {
        true => place::end_of_links(path).ok()?,
        false => path.to_owned(),
    };
    let folder = end
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())?;
    let link = match path.is_symlink() {
        true => format!("it is a symlink to {}: ", quoting::path(&end)),
        false => String::new(),
    };
    Some(format!(
        "{link}there is no such directory: {make} {}",
        quoting::path_word(folder)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not with a folder that may not be written, which root may.
    #[test]
    fn the_folder_that_may_not_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let hint = |name: &str| {
            let path = folder.path().join(name);
            let reason = io::ErrorKind::PermissionDenied.into();
            FileError::Write { path, reason }.hint(&Typed::default()).unwrap()
        };
        let shown = quoting::path_word(folder.path());
        let list = if cfg!(windows) { "icacls" } else { "ls -ld" };
        assert_eq!(hint("new.yaml"), format!("{list} {shown} shows who may write there"));
        std::fs::write(folder.path().join("old.yaml"), "").unwrap();
        let old = quoting::path_word(&folder.path().join("old.yaml"));
        assert_eq!(
            hint("old.yaml"),
            format!("{list} {shown} {old} shows who may write there")
        );
    }
}
