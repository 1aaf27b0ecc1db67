//! A cluster with our controller and with Flux in it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use harness::peers::{self, PeerSet};
use harness::process::Process;
use serde_json::{Value, json};

use crate::repository::WorkingCopy;

/// How long Flux may take for a commit: fetching, applying and its own look at health every five seconds.
pub(crate) const RECONCILED: Duration = Duration::from_secs(60);

const NAMESPACE: &str = "flux-system";
const PORT: u16 = 9090;

/// The running programs, of which each can be ended and started again.
pub(crate) struct Flux {
    controller: RefCell<Option<Process>>,
    kustomize_controller: RefCell<Option<Process>>,
    publisher: RefCell<Option<Process>>,
    pub(crate) cluster: Cluster,
    /// The folder of the bare repositories.
    repositories: PathBuf,
}

impl Flux {
    pub(crate) fn start() -> Result<Flux> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let sources = peers::manifests_folder("flux-sources", "github.com/fluxcd/source-controller")?;
        let kustomize = peers::module_folder(&peers::KUSTOMIZE_CONTROLLER, "github.com/fluxcd/kustomize-controller")?;
        for folder in [sources, kustomize] {
            let folder = folder.join("config/crd/bases");
            cluster.kubectl_ok(&["apply", "--server-side", "-f", &folder.display().to_string()])?;
        }
        cluster.await_crd("gitrepositories.source.toolkit.fluxcd.io")?;
        cluster.await_crd("kustomizations.kustomize.toolkit.fluxcd.io")?;
        cluster.kubectl_ok(&["create", "namespace", NAMESPACE])?;
        let repositories = cluster.state().join("repositories");
        std::fs::create_dir(&repositories)?;
        let flux = Flux {
            controller: RefCell::default(),
            kustomize_controller: RefCell::default(),
            publisher: RefCell::default(),
            cluster,
            repositories,
        };
        flux.start_programs()?;
        Ok(flux)
    }

    fn start_programs(&self) -> Result<()> {
        self.controller
            .replace(Some(self.cluster.start_controller(Implementation::Ours, &[])?));
        let kubeconfig = self.cluster.admin_kubeconfig();
        let publisher = self
            .cluster
            .launch("publisher", env!("CARGO_BIN_EXE_publisher"))
            .arg(self.authority())
            .arg(&self.repositories)
            .arg(self.cluster.peer(&peers::KUBECTL)?)
            .env("KUBECONFIG", &kubeconfig);
        self.publisher.replace(Some(publisher.spawn()?));
        let program = PeerSet::installed(&[peers::KUSTOMIZE_CONTROLLER])?;
        let kustomize_controller = self
            .cluster
            .launch("kustomize-controller", program.path(&peers::KUSTOMIZE_CONTROLLER)?)
            .args([
                "--enable-leader-election=false",
                "--watch-all-namespaces=true",
                "--metrics-addr=127.0.0.1:9081",
                "--health-addr=127.0.0.1:9082",
                "--requeue-dependency=2s",
            ])
            .env("KUBECONFIG", &kubeconfig)
            .env("RUNTIME_NAMESPACE", NAMESPACE);
        self.kustomize_controller.replace(Some(kustomize_controller.spawn()?));
        Ok(())
    }

    /// Ends everything at once, the API server too, and starts it again.
    pub(crate) fn restart_everything(&self) -> Result<()> {
        for program in [&self.controller, &self.kustomize_controller, &self.publisher] {
            program.take().context("it runs")?.kill()?;
        }
        self.cluster.stop_apiserver()?;
        self.cluster.start_apiserver()?;
        self.start_programs()
    }

    /// Sends our controller a signal: `USR1` makes a new key, `STOP` and `CONT` stop it for a while.
    pub(crate) fn controller_signal(&self, signal: &str) -> Result<()> {
        self.controller.borrow().as_ref().context("it runs")?.signal(signal)
    }

    fn authority(&self) -> String {
        format!("{}:{PORT}", self.cluster.address())
    }

    /// Makes an empty bare repository and gives its URL.
    pub(crate) fn create_repository(&self, name: &str) -> Result<String> {
        let bare = self.repositories.join(format!("{name}.git"));
        let bare = bare.display().to_string();
        let git =
            |arguments: &[&str]| harness::output::run(std::process::Command::new("git").args(arguments))?.success();
        git(&["init", "-q", "--bare", "--initial-branch=main", &bare])?;
        git(&["-C", &bare, "config", "http.receivepack", "true"])?;
        Ok(format!("http://{}/git/{name}.git", self.authority()))
    }

    /// Step 5: lets Flux install `dev` of the example's repository, from this URL.
    pub(crate) fn follow(&self, copy: &WorkingCopy<'_>, url: &str) -> Result<()> {
        let objects = std::fs::read_to_string(copy.path("clusters/dev/flux.yaml"))?;
        let objects = objects.replace("https://git.example.invalid/you/kafka-gitops", url);
        ensure!(objects.contains(url), "the example names no repository to replace");
        // No kubelet runs here: what Flux is to wait for in the end never comes.
        let (objects, checks) = objects.split_once("  # Ready means").context("health checks of apps")?;
        ensure!(
            checks.contains("connect-service") && checks.contains("mysql"),
            "{checks}"
        );
        self.cluster.apply(objects).map(drop)
    }

    /// Waits until a Kustomization has judged this commit; gives its Ready condition.
    pub(crate) fn judgement(&self, kustomization: &str, commit: &str) -> Result<Value> {
        self.cluster
            .eventually(RECONCILED, &format!("judgement of {kustomization} on {commit}"), || {
                let object = self.kustomization(kustomization)?;
                let status = &object["status"];
                let attempted = status["lastAttemptedRevision"].as_str().unwrap_or_default();
                ensure!(
                    attempted.ends_with(commit),
                    "the last one tried was {attempted:?}: {status}"
                );
                let ready = condition(status, "Ready").with_context(|| format!("not ready nor failed: {status}"))?;
                ensure!(
                    ready["observedGeneration"] == object["metadata"]["generation"],
                    "it has not seen its own change yet"
                );
                ensure!(ready["status"] != "Unknown", "still at it: {}", ready["message"]);
                Ok(ready.clone())
            })
    }

    pub(crate) fn await_ready(&self, kustomization: &str, commit: &str) -> Result<()> {
        self.cluster
            .eventually(RECONCILED, &format!("{kustomization} ready at {commit}"), || {
                let ready = self.judgement(kustomization, commit)?;
                ensure!(ready["status"] == "True", "{}", ready["message"]);
                Ok(())
            })
    }

    pub(crate) fn kustomization(&self, name: &str) -> Result<Value> {
        self.cluster
            .get_json(&["kustomization.kustomize.toolkit.fluxcd.io", name, "-n", NAMESPACE])
    }

    /// A Kustomization of the same repository with more settings in its `spec`.
    pub(crate) fn add_kustomization(&self, name: &str, path: &str, more: &Value) -> Result<()> {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "interval": "10m", "retryInterval": "5s", "timeout": "30s", "path": path, "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "kafka-gitops"},
            },
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        self.cluster.apply(&object.to_string()).map(drop)
    }
}

fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// The error when a text that must not be anywhere is somewhere.
pub(crate) fn ensure_absent(needles: &[String], hay: &str, place: &str) -> Result<()> {
    match needles.iter().find(|needle| hay.contains(needle.as_str())) {
        // The value itself stays out of the message.
        Some(_) => Err(anyhow!("{place} holds a value in clear")),
        None => Ok(()),
    }
}
