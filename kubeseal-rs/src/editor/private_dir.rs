//! A directory for a text in clear: its owner's alone, in memory where there is such a place, and gone in any case: one that a killed
//! run has left is removed by the next run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::environment::Environment;

const PREFIX: &str = "kubeseal-edit-";
/// Locked for as long as the program lives that made the directory.
const LOCK: &str = ".lock";
/// In memory on Linux.
const SHARED_MEMORY: &str = "/dev/shm";

/// The directory. Removed when dropped.
pub(super) struct PrivateDir {
    // First, since Windows removes no folder in which a file is open.
    _lock: File,
    dir: TempDir,
}

impl PrivateDir {
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Makes a directory of mode 0700 under `XDG_RUNTIME_DIR`, which is in memory and the user's own, else under `/dev/shm`, else where
/// temporary files are; and removes what killed runs have left in all of them.
pub(super) fn make(environment: &Environment) -> io::Result<PrivateDir> {
    let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|place| place.is_absolute());
    let memory = cfg!(target_os = "linux").then(|| PathBuf::from(SHARED_MEMORY));
    let places: Vec<_> = runtime
        .into_iter()
        .chain(memory)
        .chain([std::env::temp_dir()])
        .collect();
    let mut made = Err(io::ErrorKind::NotFound.into());
    for place in &places {
        made = make_in(place);
        if made.is_ok() {
            break;
        }
    }
    let made = made?;
    places.iter().for_each(|place| sweep(place, &made));
    Ok(made)
}

fn make_in(place: &Path) -> io::Result<PrivateDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let dir = builder.tempdir_in(place)?;
    #[cfg(windows)]
    crate::files::owner_only::restrict(dir.path())?;
    let lock = File::create(dir.path().join(LOCK))?;
    // Where there are no locks, `sweep` takes none either, and removes nothing. One that looks at it just now has it for a moment.
    let _ = lock.lock();
    Ok(PrivateDir { dir, _lock: lock })
}

/// Removes what killed programs of the same user have left. What cannot be removed stays; it does no harm.
fn sweep(place: &Path, own: &PrivateDir) {
    let Ok(owner) = fs::symlink_metadata(own.path()) else {
        return;
    };
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Of the entry itself: a symlink is not followed.
        let is_left = is_ours
            && entry
                .metadata()
                .is_ok_and(|found| found.is_dir() && same_owner(&found, &owner));
        // Without a lock in it, or with nothing beside that, it is being made.
        let lock = is_left.then(|| File::open(entry.path().join(LOCK)).ok()).flatten();
        let has_text = || fs::read_dir(entry.path()).is_ok_and(|files| files.count() > 1);
        if lock.is_some_and(|lock| lock.try_lock().is_ok() && has_text()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn same_owner(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    one.uid() == other.uid()
}

#[cfg(not(unix))]
fn same_owner(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let left = |name: &str| {
            fs::create_dir_all(at(name)).unwrap();
            fs::write(at(name).join(LOCK), "").unwrap();
            fs::write(at(name).join("values.yaml"), "secret").unwrap();
        };
        left("kubeseal-edit-left");
        left("other-left");
        fs::create_dir(at("kubeseal-edit-empty")).unwrap();
        std::os::unix::fs::symlink(at("other-left"), at("kubeseal-edit-link")).unwrap();
        let open = make_in(place.path()).unwrap();
        let environment = Environment::from([("XDG_RUNTIME_DIR", place.path().to_str().unwrap())]);
        let made = make(&environment).unwrap();
        assert_eq!(made.path().parent(), Some(place.path()));
        assert!(!at("kubeseal-edit-left").exists());
        for kept in [
            "other-left/values.yaml",
            "kubeseal-edit-empty",
            "kubeseal-edit-link/values.yaml",
        ] {
            assert!(at(kept).exists(), "{kept}");
        }
        assert!(open.path().exists());
        let path = made.path().to_owned();
        drop(made);
        assert!(!path.exists());
    }

    #[test]
    fn without_a_runtime_directory_it_is_in_memory() {
        let made = make(&Environment::default()).unwrap();
        let is_memory = made.path().starts_with(SHARED_MEMORY);
        assert_eq!(
            is_memory,
            cfg!(target_os = "linux") && Path::new(SHARED_MEMORY).is_dir()
        );
    }
}
