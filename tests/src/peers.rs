//! The real programs that the tests run against, each pinned by a folder of `tests/peers` and built once into a
//! cache of the user's (module `cache`).

mod cache;
mod chromium;
mod go;
mod kubectl;
mod machine;
mod maven;
mod npm;
mod pinned;
mod python;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

pub use cache::root as cache_root;
pub use machine::control_plane as control_plane_of_machine;
pub use maven::require_java;
pub use pinned::*;

/// Where a peer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// `go build` of a package.
    GoProgram,
    /// `go test -c` of a package, with build tags.
    GoTests { tags: &'static str },
    /// A virtual environment of Python packages; the peer is a folder with `bin/python` in it.
    PythonEnvironment,
    /// What Maven resolves; the peer is a folder of jars.
    MavenJars,
    /// What npm resolves; the peer is a folder with `node_modules` in it.
    NpmPackages,
}

impl Source {
    fn is_go(self) -> bool {
        matches!(self, Source::GoProgram | Source::GoTests { .. })
    }
}

/// A real program that the tests need.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The file that it is in the cache, and its name in messages.
    pub name: &'static str,
    /// The version that its folder pins, for messages.
    pub version: &'static str,
    /// Its folder under `tests/peers`.
    folder: &'static str,
    /// The Go package it is built from (for others, nothing).
    package: &'static str,
    /// The linker's `-X` settings.
    ldflags: &'static str,
    source: Source,
    /// How long the first build takes on two cores, for the progress line.
    first_build: &'static str,
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Paths of peers that are there.
#[derive(Clone, Debug, Default)]
pub struct PeerSet(BTreeMap<&'static str, PathBuf>);

impl PeerSet {
    /// The program's path; an error when this set was not asked for it.
    pub fn path(&self, peer: &Peer) -> Result<&Path> {
        self.0
            .get(peer.name)
            .map(PathBuf::as_path)
            .with_context(|| format!("{} was not asked for when the peers were looked up", peer.name))
    }

    /// Whether the program is in this set.
    pub fn has(&self, peer: &Peer) -> bool {
        self.0.contains_key(peer.name)
    }

    /// These and those of `other`.
    #[must_use]
    pub fn and(mut self, other: PeerSet) -> PeerSet {
        self.0.extend(other.0);
        self
    }

    /// Looks the peers up and builds nothing; the error names what is missing and the command that builds it.
    pub fn installed(wanted: &[Peer]) -> Result<PeerSet> {
        let mut found = PeerSet::default();
        let mut missing = Vec::new();
        for (peer, path) in check(wanted)? {
            match path {
                Some(path) => drop(found.0.insert(peer.name, path)),
                None => missing.push(peer.name),
            }
        }
        if !missing.is_empty() {
            bail!(
                "not built yet: {}. Build them with `cargo xtask peers` (about 10 min the first time; it says what it needs)",
                missing.join(", ")
            );
        }
        Ok(found)
    }
}

impl Peer {
    /// Its folder in the repository.
    fn pins(&self) -> PathBuf {
        pins(self.folder)
    }

    fn cached(&self) -> Result<PathBuf> {
        Ok(cache::folder(self)?.join(self.name))
    }
}

fn pins(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(folder)
}

/// The source of a Go module that a peer is built from, in the pinned version: for manifests that come with it.
pub fn module_folder(peer: &Peer, module: &str) -> Result<PathBuf> {
    go::module_folder(&peer.pins(), module)
}

/// The source of a Go module that only manifests are taken from: `folder` of `tests/peers` pins it.
pub fn manifests_folder(folder: &str, module: &str) -> Result<PathBuf> {
    go::module_folder(&pins(folder), module)
}

/// The browser that the page is judged in; see [`chromium::require`].
pub use chromium::require as chromium;

/// A Python that is known to be there: that of the peer, with its packages.
pub fn python() -> Result<PathBuf> {
    Ok(PeerSet::installed(&[KUBESEALPY])?.path(&KUBESEALPY)?.join("bin/python"))
}

/// Which of the peers are there already, and where. Starts no build.
pub fn check(wanted: &[Peer]) -> Result<Vec<(Peer, Option<PathBuf>)>> {
    wanted
        .iter()
        .map(|peer| {
            let from_path = if *peer == KUBECTL { kubectl::on_path() } else { None };
            let cached = peer.cached()?;
            Ok((*peer, from_path.or_else(|| cached.exists().then_some(cached))))
        })
        .collect()
}

/// About how many minutes a first build of what is missing takes on two cores.
pub fn minutes_to_build(wanted: &[Peer]) -> Result<u32> {
    let missing = check(wanted)?.into_iter().filter(|(_, path)| path.is_none());
    let minutes = |(peer, _): (Peer, _)| peer.first_build.strip_suffix(" min")?.parse::<u32>().ok();
    Ok(missing.filter_map(minutes).sum())
}

/// Builds what is missing and returns where everything is.
///
/// `progress` gets one plain line when a build starts, one a minute while it runs, one when it is done. A tool that
/// is missing or too old (Go, Python, Java, Maven, Node.js) is an error before anything is built, and says what to install.
pub fn ensure(wanted: &[Peer], progress: &(dyn Fn(&str) + Sync)) -> Result<PeerSet> {
    if let Ok(all) = PeerSet::installed(wanted) {
        return Ok(all);
    }
    let _turn = cache::lock(progress)?;
    // Looked up again: another run may have built them while this one waited for its turn.
    let missing: Vec<Peer> = check(wanted)?
        .into_iter()
        .filter(|(_, path)| path.is_none())
        .map(|(peer, _)| peer)
        .collect();
    let is_missing = |kind: fn(Source) -> bool| missing.iter().any(|peer| kind(peer.source));
    if is_missing(Source::is_go) {
        go::require(&missing)?;
    }
    if is_missing(|source| source == Source::PythonEnvironment) {
        python::require()?;
    }
    if is_missing(|source| source == Source::MavenJars) {
        maven::require()?;
    }
    if is_missing(|source| source == Source::NpmPackages) {
        npm::require()?;
    }
    for peer in &missing {
        progress(&format!(
            "building {} {} … (about {} the first time)",
            peer.name, peer.version, peer.first_build
        ));
        let start = Instant::now();
        match peer.source {
            Source::PythonEnvironment => python::create(peer),
            Source::MavenJars => maven::create(peer),
            Source::NpmPackages => npm::create(peer),
            Source::GoProgram | Source::GoTests { .. } => go::build(peer, progress),
        }
        .with_context(|| format!("cannot build {} {}", peer.name, peer.version))?;
        progress(&format!("built {} in {} s", peer.name, start.elapsed().as_secs()));
    }
    PeerSet::installed(wanted)
}
