//! A file's new content: whole or not at all, whatever ends the program.
//!
//! The content goes to a file without a name (Linux), which vanishes with the program, and gets its name when it is
//! complete. A name cannot be taken from another file so, only by a rename; a file that replaces another one therefore has a
//! name of its own for a moment, `.kubeseal-….unfinished`: complete, with the mode of the other one, and of an ending that no
//! walk over manifests takes. It is locked for as long as its program lives, so that whoever writes into the same folder next
//! knows the ones that were left behind, and removes them.

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Over, without_path};
use crate::git;
use crate::place::{self, is_descriptor};

const PREFIX: &str = ".kubeseal-";
const SUFFIX: &str = ".unfinished";

/// Writes `path`, over what is there as `over` says; `sweeps` says of its folder whether to look for what was left there.
/// Gives the folder, if that has another file now: the name itself reaches the disk with it ([`sync`]).
pub(super) fn replace(
    path: &Path,
    bytes: &[u8],
    over: Over,
    sweeps: impl FnOnce(&Path) -> bool,
) -> io::Result<Option<PathBuf>> {
    place::check_in_work_tree(path)?;
    let target = match Target::of(path)? {
        Target::Stdout => return passed(&mut io::stdout().lock(), bytes),
        Target::Stderr => return passed(&mut io::stderr().lock(), bytes),
        Target::Open => return passed(&mut File::options().append(true).open(path)?, bytes),
        Target::Named(target) => target,
    };
    let former = match std::fs::metadata(&target) {
        Ok(_) if over == Over::Nothing => return Err(io::ErrorKind::AlreadyExists.into()),
        Ok(metadata) if metadata.is_file() => Some(Former::of(&metadata, over)),
        Ok(_) => return passed(&mut File::options().write(true).open(&target)?, bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if sweeps(folder) {
        sweep(folder);
    }
    #[cfg(target_os = "linux")]
    let written = unnamed::write(&target, folder, former.as_ref(), over, bytes)?;
    #[cfg(not(target_os = "linux"))]
    let written = false;
    if !written {
        write_named(&target, folder, former.as_ref(), over, bytes)?;
    }
    Ok(Some(folder.to_owned()))
}

fn passed(stream: &mut dyn io::Write, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
    stream.write_all(bytes)?;
    stream.flush()?;
    Ok(None)
}

/// Has the names in a folder reach the disk. One that cannot be synced is not a failure of the writes: after a loss of power,
/// each name stands for the old or the new file, whole.
pub(super) fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// What the file that is replaced leaves to the one in its place.
struct Former {
    permissions: Permissions,
    /// User and group.
    #[cfg(unix)]
    owner: (u32, u32),
}

impl Former {
    fn of(metadata: &Metadata, over: Over) -> Self {
        #[cfg(unix)]
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        #[cfg(not(unix))]
        let private = metadata.permissions();
        Self {
            permissions: if over == Over::Private {
                private
            } else {
                metadata.permissions()
            },
            #[cfg(unix)]
            owner: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.uid(), metadata.gid())
            },
        }
    }

    fn leave_to(&self, file: &File) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, fchown};
            let own = file.metadata().map(|own| (own.uid(), own.gid()))?;
            // Only root may give a file away, and others to some groups; without it, it is the writer's.
            if own != self.owner && fchown(file, Some(self.owner.0), Some(self.owner.1)).is_err() {
                let _ = fchown(file, None, Some(self.owner.1));
            }
        }
        file.set_permissions(self.permissions.clone())
    }
}

/// The name that a complete file has until it takes its place.
fn unfinished() -> tempfile::Builder<'static, 'static> {
    let mut name = tempfile::Builder::new();
    name.prefix(PREFIX).suffix(SUFFIX);
    name
}

/// Where a file must have a name from the start.
fn write_named(target: &Path, folder: &Path, former: Option<&Former>, over: Over, bytes: &[u8]) -> io::Result<()> {
    // The file is removed again when it is dropped before `persist`; its mode is 0600 from the start.
    let mut file = unfinished().tempfile_in(folder).map_err(without_path)?;
    #[cfg(windows)]
    if over == Over::Private {
        super::owner_only::restrict(file.path())?;
    }
    fill(file.as_file_mut(), former, bytes)?;
    match over {
        Over::Nothing => drop(file.persist_noclobber(target).map_err(|error| error.error)?),
        Over::Kept | Over::Private => take_place(file, target)?,
    }
    Ok(())
}

#[cfg(not(windows))]
fn take_place(file: NamedTempFile, target: &Path) -> io::Result<()> {
    file.persist(target).map(drop).map_err(|error| error.error)
}

/// The rename of std goes on where others have the target open and let it be deleted, which that of tempfile does not. Others
/// (virus scanners, indexers) have it open for a moment only.
#[cfg(windows)]
fn take_place(file: NamedTempFile, target: &Path) -> io::Result<()> {
    const TRIES: u32 = 20;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
    // Held until the end, against being swept away.
    let (_file, name) = file.into_parts();
    let name = name.keep()?;
    let mut renamed = std::fs::rename(&name, target);
    for _ in 1..TRIES {
        if renamed.is_ok() {
            break;
        }
        std::thread::sleep(PAUSE);
        renamed = std::fs::rename(&name, target);
    }
    if renamed.is_err() {
        let _ = std::fs::remove_file(&name);
    }
    renamed
}

/// Writes the content to the disk, and locks the file against being swept away.
fn fill(file: &mut File, former: Option<&Former>, bytes: &[u8]) -> io::Result<()> {
    // Where there are no locks, `sweep` takes none either, and removes nothing.
    let _ = file.try_lock();
    file.write_all(bytes)?;
    if let Some(former) = former {
        former.leave_to(file)?;
    }
    file.sync_all()
}

/// Whether this is the name of a file that a killed program left.
pub(crate) fn is_unfinished(name: &OsStr) -> bool {
    let name = name.to_str();
    name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// Removes what killed programs have left in the folder. What cannot be removed stays; it does no harm.
fn sweep(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_unfinished(&entry.file_name()) && is_file() && !git::may_be_tracked(&entry.path()) {
            // The lock of a program that still writes is held.
            if let Some(_lock) = File::open(entry.path()).ok().filter(|file| file.try_lock().is_ok()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod unnamed {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

    use super::*;

    /// Writes the file; false where the file system knows no files without a name, or there is no `/proc` to name them by.
    pub(super) fn write(
        target: &Path,
        folder: &Path,
        former: Option<&Former>,
        over: Over,
        bytes: &[u8],
    ) -> io::Result<bool> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let Ok(file) = open(folder, flags, Mode::RUSR | Mode::WUSR) else {
            return Ok(false);
        };
        let mut file = File::from(file);
        fill(&mut file, former, bytes)?;
        if former.is_none() {
            match name(&file, target) {
                // Another program has created one in the meantime.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && over == Over::Nothing => {
                    return Err(error);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) => return Ok(false),
                Ok(()) => return Ok(true),
            }
        }
        let Ok(named) = unfinished().make_in(folder, |path| name(&file, path)) else {
            return Ok(false);
        };
        named.persist(target).map_err(|error| error.error)?;
        Ok(true)
    }

    fn name(file: &File, path: &Path) -> io::Result<()> {
        let own = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }
}

/// What a path stands for.
#[derive(Debug, PartialEq)]
enum Target {
    /// A name, at the end of a chain of symlinks, whether there is something under it or not.
    Named(PathBuf),
    /// What this program has open as its output. A shell's redirection goes on where this program has stopped, so that must be
    /// written to itself, wherever it leads.
    Stdout,
    /// The same for its errors.
    Stderr,
    /// What this or another program has open, which its name cannot be taken from.
    Open,
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        const LONGEST_CHAIN: usize = 40;
        let mut target = path.to_owned();
        for _ in 0..LONGEST_CHAIN {
            match target.to_str() {
                Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return Ok(Target::Stdout),
                Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return Ok(Target::Stderr),
                _ if is_descriptor(&target) => return Ok(Target::Open),
                _ => {}
            }
            match std::fs::read_link(&target) {
                Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
                Err(_) => return Ok(Target::Named(target)),
            }
        }
        Err(io::Error::other("too many levels of symbolic links"))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn replaced(path: &Path, bytes: &[u8]) -> io::Result<()> {
        replace(path, bytes, Over::Kept, |_| true).map(drop)
    }

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
        replaced(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        replaced(&path, b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o644, b"two".to_vec()));
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn where_every_file_has_a_name_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write_named(&path, folder.path(), None, Over::Kept, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let former = Former::of(&fs::metadata(&path).unwrap(), Over::Kept);
        write_named(&path, folder.path(), Some(&former), Over::Kept, b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o640, b"two".to_vec()));
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn clear_text_is_private_and_what_must_be_new_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        replaced(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let error = replace(&path, b"two", Over::Nothing, |_| true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        // The same where another program creates it after the check.
        let error = write_named(&path, folder.path(), None, Over::Nothing, b"two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        #[cfg(target_os = "linux")]
        assert!(unnamed::write(&path, folder.path(), None, Over::Nothing, b"two").is_err());
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o644, b"one".to_vec()));
        replace(&path, b"three", Over::Private, |_| true).unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"three".to_vec()));
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_file_stays_whose_it_was() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
        replaced(&path, b"one").unwrap();
        // Only root can give it away; to everybody else it is theirs before and after.
        let _ = chown(&path, Some(65534), Some(65534));
        let before = owner(&path);
        replaced(&path, b"two").unwrap();
        assert_eq!(owner(&path), before);
        let former = Former::of(&fs::metadata(&path).unwrap(), Over::Kept);
        write_named(&path, folder.path(), Some(&former), Over::Kept, b"three").unwrap();
        assert_eq!((owner(&path), mode(&path)), (before, 0o600));
    }

    #[test]
    fn what_a_killed_run_has_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            ".kubeseal-left.unfinished",
            ".kubeseal-notes",
            ".kubeseal.yaml",
            "x.unfinished",
        ] {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at(".kubeseal-folder.unfinished")).unwrap();
        // One that is being written, by this program or another one.
        let mut busy = File::create(at(".kubeseal-busy.unfinished")).unwrap();
        fill(&mut busy, None, b"half").unwrap();
        replaced(&at("out"), b"x").unwrap();
        let kept = [
            ".kubeseal-busy.unfinished",
            ".kubeseal-folder.unfinished",
            ".kubeseal-notes",
            ".kubeseal.yaml",
            "out",
            "x.unfinished",
        ];
        assert_eq!(names(folder.path()), kept);
        drop(busy);
        replace(&at("out"), b"y", Over::Kept, |_| false).unwrap();
        assert_eq!(names(folder.path()), kept);
        replaced(&at("out"), b"z").unwrap();
        assert_eq!(names(folder.path()), &kept[1..]);
    }

    #[test]
    fn symlinks_stay_and_what_they_point_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/real", at("direct")).unwrap();
        symlink("direct", at("chain")).unwrap();
        replaced(&at("chain"), b"x").unwrap();
        assert_eq!(fs::read(at("sub/real")).unwrap(), b"x");
        assert!(fs::symlink_metadata(at("chain")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(at("direct")).unwrap().is_symlink());
        symlink("loop", at("loop")).unwrap();
        assert!(replaced(&at("loop"), b"x").is_err());
    }

    #[test]
    fn what_is_no_regular_file_is_never_replaced() {
        replaced(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::symlink_metadata("/dev/null").unwrap().is_file());
        let folder = tempfile::tempdir().unwrap();
        assert!(replaced(folder.path(), b"x").is_err());
    }

    #[test]
    fn a_missing_folder_is_named_in_gos_words() {
        let path = Path::new("/no/such/folder/out");
        let error = crate::files::Writer::default().write(path, b"x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "write /no/such/folder/out: no such file or directory"
        );
    }
}
