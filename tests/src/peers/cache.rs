//! The user's own cache of built peers.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{ALL, Peer};

/// The cache: `$SEALED_SECRETS_PEERS`, else `sealed-secrets-peers` in the user's cache folder
/// (`$XDG_CACHE_HOME`, `~/.cache`, on macOS `~/Library/Caches`).
pub fn root() -> Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(chosen) = set("SEALED_SECRETS_PEERS") {
        return Ok(chosen);
    }
    let caches = match set("XDG_CACHE_HOME") {
        Some(caches) => caches,
        None => {
            let home = set("HOME").context("neither SEALED_SECRETS_PEERS nor HOME is set: no place for built peers")?;
            home.join(if cfg!(target_os = "macos") {
                "Library/Caches"
            } else {
                ".cache"
            })
        }
    };
    Ok(caches.join("sealed-secrets-peers"))
}

/// The peer's folder in the cache, keyed by everything that decides what is built: the pins and the flags.
pub(super) fn folder(peer: &Peer) -> Result<PathBuf> {
    let mut digest = Sha256::new();
    // A program whose source is in its folder is decided by that too.
    let source = Path::new(peer.package).join("main.go");
    for pins in [
        "go.mod",
        "go.sum",
        "requirements.txt",
        "pom.xml",
        super::maven::LOCK,
        super::npm::LOCK,
    ]
    .map(Path::new)
    .into_iter()
    .chain([source.as_path()])
    {
        match fs::read(peer.pins().join(pins)) {
            Ok(bytes) => digest.update(bytes),
            // A folder is Go's, Python's, Maven's or npm's.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {} of {}", pins.display(), peer.folder));
            }
        }
    }
    for other in ALL.iter().filter(|other| other.folder == peer.folder) {
        let flags = (other.name, other.package, other.ldflags, other.source);
        digest.update(format!("{flags:?}"));
    }
    // Twelve digits tell any two apart, and leave paths short enough to read.
    let key = format!("{:x}", digest.finalize());
    Ok(root()?.join(format!("{}-{key:.12}", peer.folder)))
}

/// Makes the peer under a temporary name and moves it into place, so that an unfinished one is never used.
/// `make` gets the place to fill, where nothing is.
pub(super) fn fill(peer: &Peer, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let place = peer.cached()?;
    let folder = place.parent().context("a cached peer has a folder")?;
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!("{}.unfinished", peer.name));
    if unfinished.is_dir() {
        fs::remove_dir_all(&unfinished)?;
    }
    make(&unfinished)?;
    fs::rename(&unfinished, &place).with_context(|| format!("cannot move {} to {}", peer.name, place.display()))
}

/// One run builds at a time; the lock goes with the returned file.
pub(super) fn lock(progress: &dyn Fn(&str)) -> Result<File> {
    let root = root()?;
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    let path = root.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress("waiting for another run that is building the peers");
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}
