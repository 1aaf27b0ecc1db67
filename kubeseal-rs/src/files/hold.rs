//! Holds a file against other runs of this program, and waits for one that another run holds.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::FileError;
use crate::quoting;

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// After this time a message says that the program waits.
const QUIET: Duration = Duration::from_secs(1);
/// After this it is an error: runs take seconds.
const LONGEST: Duration = Duration::from_secs(60);

/// Holds the file against other runs of this program until it is dropped. None where there is nothing to hold, or no locks
/// (network file systems): there only the look at what a file holds, just before it is written, notices others.
///
/// # Errors
/// [`FileError::Held`].
pub(crate) fn hold(path: &Path) -> Result<Option<File>, FileError> {
    let mut wait = Wait::begin(path);
    while std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        match try_hold(path) {
            Tried::Held(file) => return Ok(Some(file)),
            Tried::Busy => wait.on()?,
            Tried::Replaced => {}
            Tried::NoLocks => return Ok(None),
        }
    }
    Ok(None)
}

/// What came of a try.
enum Tried {
    Held(File),
    /// Another run holds it.
    Busy,
    /// The program that held it has replaced the file.
    Replaced,
    NoLocks,
}

#[cfg(not(windows))]
fn try_hold(path: &Path) -> Tried {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |found: &std::fs::Metadata| (found.dev(), found.ino());
    let Ok(file) = File::open(path) else {
        return Tried::NoLocks;
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Tried::Busy,
        Err(std::fs::TryLockError::Error(_)) => return Tried::NoLocks,
    }
    let same = file.metadata().ok().zip(std::fs::metadata(path).ok());
    match same.map(|(held, now)| identity(&held) == identity(&now)) {
        Some(true) => Tried::Held(file),
        Some(false) => Tried::Replaced,
        None => Tried::NoLocks,
    }
}

/// On Windows a lock would keep others from reading the file, and not every file system replaces a file that is open (FAT,
/// network shares, and those under Wine). So a file beside it is held: it is opened with nothing shared, and Windows deletes it
/// when it is closed, however this program ends.
#[cfg(windows)]
fn try_hold(path: &Path) -> Tried {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    let beside = match path.canonicalize() {
        Ok(path) => beside(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Tried::Replaced,
        Err(_) => return Tried::NoLocks,
    };
    let open = || open_exclusive(&beside);
    // Windows denies access to a file that it is about to delete, as to a folder that nothing may be created in.
    let opened = open().or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            std::thread::sleep(PAUSE);
            open()
        }
        _ => Err(error),
    });
    match opened {
        Ok(file) => Tried::Held(file),
        Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Tried::Busy,
        Err(_) => Tried::NoLocks,
    }
}

/// `.kubeseal-NAME.held` in the folder of the file.
#[cfg(windows)]
fn beside(path: &Path) -> std::path::PathBuf {
    let mut name = std::ffi::OsString::from(".kubeseal-");
    name.push(path.file_name().unwrap_or_default());
    name.push(".held");
    path.with_file_name(name)
}

/// Creates a file that only this handle has open, and that goes with the handle. A symlink of that name is opened itself, not followed.
#[cfg(windows)]
fn open_exclusive(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt as _;
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let mut options = File::options();
    options.write(true).create(true).truncate(false).share_mode(0);
    options.custom_flags(FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT);
    options.open(path)
}

/// A wait for one file.
struct Wait<'p> {
    path: &'p Path,
    begun: Instant,
    longest: Duration,
    told: bool,
}

impl<'p> Wait<'p> {
    /// Begins now.
    fn begin(path: &'p Path) -> Self {
        Self {
            path,
            begun: Instant::now(),
            longest: LONGEST,
            told: false,
        }
    }

    /// Waits until the next try.
    ///
    /// # Errors
    /// [`FileError::Held`].
    fn on(&mut self) -> Result<(), FileError> {
        let waited = self.begun.elapsed();
        if waited >= self.longest {
            return Err(FileError::Held {
                path: self.path.to_owned(),
                waited,
            });
        }
        if waited >= QUIET && !std::mem::replace(&mut self.told, true) {
            let mut stderr = io::stderr().lock();
            if stderr.is_terminal() {
                // Only a courtesy: a failure to print it does not matter.
                let path = quoting::path(self.path);
                let _ = writeln!(
                    stderr,
                    "note: waiting for another run of this program, which holds {path}"
                );
            }
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_a_file_and_others_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "a").unwrap();
        let held = hold(&path).unwrap();
        assert!(held.is_some());
        assert!(matches!(try_hold(&path), Tried::Busy));
        assert_eq!(std::fs::read(&path).unwrap(), b"a");
        drop(held);
        assert!(matches!(try_hold(&path), Tried::Held(_)));
    }

    #[test]
    fn held_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "a").unwrap();
        let held = hold(&path).unwrap();
        crate::files::Writer::default().write(&path, b"b").unwrap();
        assert!(held.is_some());
        drop(held);
        let names = std::fs::read_dir(folder.path()).unwrap().flatten();
        let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        assert_eq!(
            (names, std::fs::read(&path).unwrap()),
            (vec!["a.yaml".into()], b"b".to_vec())
        );
    }

    #[test]
    fn wait_ends_with_an_error() {
        let mut wait = Wait {
            longest: Duration::from_millis(50),
            ..Wait::begin(Path::new("a.yaml"))
        };
        let error = loop {
            if let Err(error) = wait.on() {
                break error;
            }
        };
        let told = error.to_string();
        assert!(
            told.starts_with("a.yaml: another run of this program has held it for"),
            "{told}"
        );
    }
}
