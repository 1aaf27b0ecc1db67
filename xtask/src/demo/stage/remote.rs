//! A cluster of the user's: what the demo creates there it removes, and it does not touch a controller that is there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use crds::names;
use harness::eventually::eventually;
use harness::implementation::repository;
use harness::output::{run, run_with_input};
use harness::peers;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::report::Report;
use super::check_serving;

/// Namespace of the demo's SealedSecrets.
pub(super) const NAMESPACE: &str = "sealed-secrets-demo";

/// The Secrets with sealing keys. There were none before the demo, or it would not have begun.
const KEYS: [&str; 5] = [
    "secrets",
    "--namespace",
    names::DEFAULT_CONTROLLER_NAMESPACE,
    "--selector",
    names::LABEL_SEALING_KEY,
];

/// The user's cluster and what the demo has put there.
pub(crate) struct Remote {
    context: String,
    kubectl: PathBuf,
    folder: TempDir,
    controller: Option<Child>,
    port: u16,
    /// The manifests to remove at the end, from the moment they are applied.
    installed: Option<Vec<u8>>,
}

impl Remote {
    pub(super) fn connect(context: &str, report: &mut Report) -> Result<Remote> {
        let peers = peers::ensure(&[peers::KUBECTL], &|line| println!("          {line}"))?;
        let folder = tempfile::Builder::new().prefix("sealed-secrets-demo-").tempdir()?;
        let kubectl = peers.path(&peers::KUBECTL)?.to_owned();
        // A free port; the controller takes it a moment later.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let remote = Remote {
            context: context.to_owned(),
            kubectl,
            folder,
            controller: None,
            port,
            installed: None,
        };
        report.step(
            &format!("the cluster of context {context} answers, and no Sealed Secrets is installed there"),
            || {
                remote.write_kubeconfig()?;
                remote.check_free()
            },
        )?;
        Ok(remote)
    }

    /// A kubeconfig with the chosen context alone, so that every program sees the same cluster.
    fn write_kubeconfig(&self) -> Result<()> {
        let mut view = Command::new(&self.kubectl);
        view.args([
            "config",
            "view",
            "--minify",
            "--flatten",
            "--raw",
            "-o",
            "json",
            "--context",
            &self.context,
        ]);
        let text = run(&mut view)?
            .success()
            .context("is that the name of a context of your kubeconfig?")?;
        write_private(&self.admin(), &text.bytes)
    }

    /// Nothing that the demo creates and later removes may exist already, above all no keys.
    fn check_free(&self) -> Result<()> {
        let mut version = self.command(&self.kubectl);
        run(version.args(["get", "--raw", "/readyz"]))?
            .success()
            .context("the API server does not answer")?;
        let mut objects = self.command(&self.kubectl);
        objects.args(["get", "--ignore-not-found", "-o", "name", "-f", "-"]);
        let mut keys = self.command(&self.kubectl);
        keys.args(["get", "--ignore-not-found", "-o", "name"]).args(KEYS);
        let found = [
            run_with_input(&mut objects, &list(self.manifests()?)?)?
                .success()?
                .stdout,
            run(&mut keys)?.success()?.stdout,
        ]
        .concat();
        if !found.is_empty() {
            bail!(
                "Sealed Secrets is, or was, installed in this cluster; the demo would get in its way. Run it without \
                 --context, or on a cluster without these:\n{found}"
            );
        }
        Ok(())
    }

    /// All objects of `deploy/base`, and the demo's namespace.
    fn manifests(&self) -> Result<Vec<Value>> {
        let mut kustomize = self.command(&self.kubectl);
        let manifests = run(kustomize.arg("kustomize").arg(repository().join("deploy/base")))?.success()?;
        let mut convert = self.command(&self.kubectl);
        convert.args(["create", "--dry-run=client", "-o", "json", "-f", "-"]);
        let objects = run_with_input(&mut convert, &manifests.bytes)?.success()?;
        let mut objects: Vec<Value> = serde_json::Deserializer::from_slice(&objects.bytes)
            .into_iter()
            .collect::<serde_json::Result<_>>()?;
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}));
        Ok(objects)
    }

    fn admin(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("controller.log")
    }

    pub(super) fn context(&self) -> &str {
        &self.context
    }

    pub(super) fn kubectl(&self) -> &Path {
        &self.kubectl
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", self.admin());
        command
    }

    /// All of `deploy/base` but the Deployment: the controller runs here.
    pub(super) fn install(&mut self) -> Result<()> {
        let mut objects = self.manifests()?;
        objects.retain(|object| object.get("kind").and_then(Value::as_str) != Some("Deployment"));
        let list = list(objects)?;
        let mut apply = self.command(&self.kubectl);
        apply.args(["apply", "--server-side", "-f", "-"]);
        self.installed = Some(list.clone());
        run_with_input(&mut apply, &list)?.success()?;
        let mut wait = self.command(&self.kubectl);
        wait.args([
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "crd/sealedsecrets.bitnami.com",
        ]);
        run(&mut wait)?.success().map(drop)
    }

    /// The same cluster, with the service account's token as the only credential.
    fn service_account_kubeconfig(&self) -> Result<PathBuf> {
        let mut create = self.command(&self.kubectl);
        create.args(["create", "token", names::DEFAULT_CONTROLLER_NAME, "--duration=1h"]);
        create.args(["--namespace", names::DEFAULT_CONTROLLER_NAMESPACE]);
        let token = run(&mut create)?.success()?.stdout;
        let mut config: Value = serde_json::from_slice(&fs::read(self.admin())?)?;
        let user = config
            .pointer_mut("/users/0/user")
            .context("the kubeconfig has a user")?;
        *user = json!({"token": token.trim()});
        let path = self.folder.path().join("controller.kubeconfig");
        write_private(&path, &serde_json::to_vec(&config)?)?;
        Ok(path)
    }

    pub(super) fn start_controller(&mut self, binary: &Path) -> Result<()> {
        let log = File::create(self.log_file())?;
        let mut command = Command::new(binary);
        command
            .arg(format!("--listen-addr=127.0.0.1:{}", self.port))
            .arg("--listen-metrics-addr=127.0.0.1:0")
            .env("KUBECONFIG", self.service_account_kubeconfig()?)
            .env("POD_NAMESPACE", names::DEFAULT_CONTROLLER_NAMESPACE)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.controller = Some(command.spawn()?);
        eventually(Duration::from_secs(60), "controller that is ready", || {
            check_serving(&self.controller_log()?)
        })
    }

    pub(super) fn signal_controller(&self, signal: &str) -> Result<()> {
        let pid = self.controller.as_ref().context("the controller was started")?.id();
        run(Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()))?
            .success()
            .map(drop)
    }

    pub(super) fn controller_log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.log_file())?)
    }

    fn delete(&self, arguments: &[&str], input: &[u8]) {
        let mut delete = self.command(&self.kubectl);
        delete
            .args(["delete", "--ignore-not-found", "--wait=false"])
            .args(arguments);
        if let Err(error) = run_with_input(&mut delete, input).and_then(harness::output::Captured::success) {
            eprintln!("warning: could not remove everything that the demo created: {error:#}");
        }
    }
}

/// The namespace first, with the Secrets in it; the keys of the demo's controller; then the rest.
impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(mut controller) = self.controller.take() {
            controller.kill().ok();
            controller.wait().ok();
        }
        let Some(installed) = self.installed.take() else { return };
        self.delete(&KEYS, b"");
        self.delete(&["-f", "-"], &installed);
    }
}

fn list(objects: Vec<Value>) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(
        &json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    )?)
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(bytes)?)
}
