//! Reading whole inputs and writing whole outputs.

use std::fs::{File, Permissions};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::command::{Input, Output};

/// Reading or writing failed. The texts are Go's, which scripts search for.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// A file could not be read.
    #[error("open {}: {}", path.display(), plain(reason))]
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
    #[error("write {}: {}", path.display(), plain(reason))]
    Write {
        /// Its name as typed.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// Standard output could not be written.
    #[error("write stdout: {}", plain(.0))]
    Stdout(io::Error),
}

impl FileError {
    /// Whether the reader of the output has gone away, as `head` does.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, FileError::Stdout(reason) if reason.kind() == io::ErrorKind::BrokenPipe)
    }
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

/// The name of an input in messages.
pub(crate) fn name(input: &Input) -> String {
    match input {
        Input::Stdin => "stdin".to_owned(),
        Input::File(path) => path.display().to_string(),
    }
}

/// Reads everything; the bytes are wiped when dropped. On a terminal, `expected` is first asked for on stderr.
///
/// # Errors
/// [`FileError::Open`] or [`FileError::Stdin`].
pub(crate) fn read(input: &Input, expected: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
    match input {
        Input::File(path) => read_file(path),
        Input::Stdin => {
            let mut stdin = io::stdin().lock();
            if stdin.is_terminal() {
                // Only a courtesy to whoever sits at the terminal: a failure to print it does not matter.
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
        Output::File(path) => replace(path, bytes).map_err(|reason| FileError::Write {
            path: path.clone(),
            reason,
        }),
    }
}

/// A new file gets mode 0600; an existing one keeps its mode, and a symlink keeps pointing to it. What is no regular
/// file (`/dev/stdout`, a pipe) is written to, never replaced.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = target_of(path)?;
    let existing = match std::fs::metadata(&target) {
        Ok(metadata) if metadata.is_file() => Some(metadata.permissions()),
        Ok(_) => {
            let mut file = File::options().write(true).open(&target)?;
            return file.write_all(bytes);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    write_beside(&target, folder, existing, bytes)
}

fn write_beside(target: &Path, folder: &Path, existing: Option<Permissions>, bytes: &[u8]) -> io::Result<()> {
    // The file is removed again when it is dropped before `persist`; its mode is 0600 from the start.
    let mut file = tempfile::Builder::new()
        .prefix(".kubeseal-")
        .tempfile_in(folder)
        .map_err(without_path)?;
    file.write_all(bytes)?;
    if let Some(permissions) = existing {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    // The rename itself reaches the disk with the folder; a folder that cannot be synced is no failure of the write.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// `tempfile` puts the temporary name into its errors; the user's own name stands before it already.
fn without_path(error: io::Error) -> io::Error {
    let inner = error
        .get_ref()
        .and_then(|told| told.source()?.downcast_ref::<io::Error>());
    match inner.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error,
    }
}

/// The file that `path` stands for: the end of a chain of symlinks, whether there is something there or not.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    const LONGEST_CHAIN: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..LONGEST_CHAIN {
        match std::fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_private_and_an_existing_one_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        replace(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o644, b"two".to_vec()));
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn symlinks_stay_and_what_they_point_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/real", at("direct")).unwrap();
        symlink("direct", at("chain")).unwrap();
        replace(&at("chain"), b"x").unwrap();
        assert_eq!(fs::read(at("sub/real")).unwrap(), b"x");
        assert!(fs::symlink_metadata(at("chain")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(at("direct")).unwrap().is_symlink());
        symlink("loop", at("loop")).unwrap();
        assert!(replace(&at("loop"), b"x").is_err());
    }

    #[test]
    fn what_is_no_regular_file_is_never_replaced() {
        replace(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::symlink_metadata("/dev/null").unwrap().is_file());
        let folder = tempfile::tempdir().unwrap();
        assert!(replace(folder.path(), b"x").is_err());
    }

    #[test]
    fn a_missing_folder_is_named_in_gos_words() {
        let path = Path::new("/no/such/folder/out");
        let error = write(&Output::File(path.to_owned()), b"x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "write /no/such/folder/out: no such file or directory"
        );
    }
}
