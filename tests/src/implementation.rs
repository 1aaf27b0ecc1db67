//! The two implementations under test or comparison, and how each is installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::binaries::{self, Pair};
use crate::cluster::Cluster;
use crate::launch::Launch;
use crate::output::{Captured, run, run_with_input};
use crate::peers::{self, PeerSet};
use crate::process::Process;

/// Where both install themselves.
pub const NAMESPACE: &str = "kube-system";

/// The name of the Service, the ServiceAccount and the Deployment of both.
pub const CONTROLLER: &str = "sealed-secrets-controller";

/// What the image sets for our controller: memory that is given back goes to the system at once, instead of waiting in an
/// arena of each thread, or under a threshold that large buffers have raised.
pub const IMAGE_ENVIRONMENT: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

/// Whose programs and whose manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// This repository's.
    Ours,
    /// The reference's, pinned by `tests/peers/sealed-secrets`.
    Reference,
}

impl Implementation {
    /// The two programs. Ours are built if need be, the reference's must have been.
    pub fn programs(self) -> Result<Pair> {
        match self {
            Implementation::Ours => binaries::ours(),
            Implementation::Reference => {
                let peers = PeerSet::installed(&[peers::REF_KUBESEAL, peers::REF_CONTROLLER])?;
                Ok(Pair {
                    kubeseal: peers.path(&peers::REF_KUBESEAL)?.to_owned(),
                    controller: peers.path(&peers::REF_CONTROLLER)?.to_owned(),
                })
            }
        }
    }

    /// Has its kubeseal seal a Secret (JSON) for a certificate (PEM), offline. `arguments` come besides.
    pub fn seal(self, certificate: &str, arguments: &[&str], secret: &Value) -> Result<Value> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("cert.pem");
        std::fs::write(&file, certificate)?;
        let mut kubeseal = Command::new(self.programs()?.kubeseal);
        kubeseal.arg("--cert").arg(&file).args(arguments);
        run_with_input(&mut kubeseal, secret.to_string().as_bytes())?
            .success()?
            .json()
    }

    /// A short name for files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Implementation::Ours => "ours",
            Implementation::Reference => "reference",
        }
    }
}

/// For the reference's controller: without its limit of 5 requests a second, which would be most of a test's time.
pub const UNLIMITED: &[&str] = &["--kubeclient-qps=-1"];

/// The reference's own source, in the pinned version.
pub fn reference_source() -> Result<PathBuf> {
    peers::module_folder(&peers::REF_CONTROLLER, "github.com/bitnami/sealed-secrets")
}

/// The file of the reference's CRD.
pub fn reference_crd() -> Result<PathBuf> {
    Ok(reference_source()?.join("helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml"))
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Cluster {
    /// Installs the implementation's own CRD, rights and Services, with an address behind the Service. No controller
    /// is started. Installing one over the other is allowed: the names are the same.
    pub fn install(&self, implementation: Implementation) -> Result<()> {
        match implementation {
            Implementation::Ours => {
                let base = repository().join("deploy/base");
                let built = self.kubectl_ok(&["kustomize", &base.display().to_string()])?;
                // The CRD first: it is one of these manifests, and only after it the rest is known to be usable.
                self.apply(&built.stdout)?;
                self.await_crd("sealedsecrets.bitnami.com")?;
            }
            Implementation::Reference => {
                let crd = reference_crd()?;
                let crd = std::fs::read_to_string(&crd).with_context(|| format!("cannot read {}", crd.display()))?;
                self.apply(&crd)?;
                self.await_crd("sealedsecrets.bitnami.com")?;
                self.apply(include_str!("../fixtures/reference/controller.yaml"))?;
            }
        }
        if self.has_namespace() {
            self.publish_service(NAMESPACE, CONTROLLER, 8080)?;
        }
        Ok(())
    }

    /// Starts a controller with the identity and the rights of the installed ServiceAccount, as its pod would run, and
    /// waits until it serves its certificate through the API server's service proxy.
    pub fn start_controller(&self, implementation: Implementation, arguments: &[&str]) -> Result<Process> {
        let program = implementation.programs()?.controller;
        let name = format!("controller-{}", implementation.name());
        let mut launch = self.launch_as_pod(&name, program, (NAMESPACE, CONTROLLER))?;
        if implementation == Implementation::Ours {
            for (variable, value) in IMAGE_ENVIRONMENT {
                launch = launch.env(variable, value);
            }
        }
        let process = launch.args(arguments).spawn()?;
        self.eventually(
            Duration::from_secs(60),
            "controller that serves its certificate",
            || match process.check_running() {
                Ok(()) => self.proxied_get("/v1/cert.pem").map(|_| Ok(())),
                Err(ended) => Ok(Err(ended)),
            },
        )??;
        Ok(process)
    }

    /// Starts one of several replicas of ours, as a Pod of its own, and does not wait for it. It listens on the ports 10 ·
    /// `number` above the usual ones, so that number 0 is the one behind the Service.
    pub fn spawn_replica(&self, number: u16, arguments: &[&str]) -> Result<Process> {
        self.replica(number, arguments)?.spawn()
    }

    /// A replica that is about to be started.
    pub fn replica(&self, number: u16, arguments: &[&str]) -> Result<Launch<'_>> {
        let program = Implementation::Ours.programs()?.controller;
        let name = format!("replica-{number}");
        Ok(self
            .launch_as_pod(&name, program, (NAMESPACE, CONTROLLER))?
            .env("POD_NAME", format!("{CONTROLLER}-{number}"))
            .env("POD_UID", format!("00000000-0000-4000-8000-{number:012}"))
            .arg(format!("--listen-addr=:{}", 8080 + 10 * number))
            .arg(format!("--listen-metrics-addr=:{}", 8081 + 10 * number))
            .args(arguments))
    }

    /// A GET on the controller's Service by way of the API server's proxy.
    pub fn proxied_get(&self, path: &str) -> Result<Captured> {
        let service = self.get_json(&["service", CONTROLLER, "-n", NAMESPACE])?;
        let port = service
            .pointer("/spec/ports/0/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.kubectl_ok(&[
            "get",
            "--raw",
            &format!("/api/v1/namespaces/{NAMESPACE}/services/http:{CONTROLLER}:{port}/proxy{path}"),
        ])
    }

    /// Seals a Secret for the certificate that is served now; see [`Implementation::seal`].
    pub fn seal(&self, with: Implementation, arguments: &[&str], secret: &Value) -> Result<Value> {
        with.seal(&self.proxied_get("/v1/cert.pem")?.stdout, arguments, secret)
    }

    /// Runs a program of one of the implementations inside the namespace, with the administrator's kubeconfig.
    pub fn kubeseal(&self, implementation: Implementation, arguments: &[&str], input: &str) -> Result<Captured> {
        let program = implementation.programs()?.kubeseal;
        run_with_input(self.command(program).args(arguments), input.as_bytes())
    }

    /// The controller's active key pairs: a List of Secrets as JSON, which `--recovery-private-key` reads.
    pub fn key_secrets(&self) -> Result<Value> {
        self.get_json(&[
            "secrets",
            "-n",
            NAMESPACE,
            "-l",
            "sealedsecrets.bitnami.com/sealed-secrets-key=active",
        ])
    }
}

/// The line in which a controller prints its version.
pub fn version_of(program: &Path) -> Result<String> {
    Ok(run(Command::new(program).arg("--version"))?.success()?.stdout)
}
