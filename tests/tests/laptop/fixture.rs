//! A laptop beside a control plane with our controller in it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::{Captured, run_with_input};
use harness::process::Process;
use serde_json::{Value, json};

pub(crate) const SOON: Duration = Duration::from_secs(30);
const FLAGS: &[&str] = &["--key-size=2048"];
const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

/// A laptop: a folder, and a kubeconfig for the cluster.
pub(crate) struct Laptop {
    pub(crate) cluster: Cluster,
    pub(crate) folder: tempfile::TempDir,
}

impl Laptop {
    /// With our CRD and rights in the cluster, and no controller running.
    pub(crate) fn new() -> Result<Laptop> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let folder = tempfile::tempdir()?;
        Ok(Laptop { cluster, folder })
    }

    pub(crate) fn controller(&self) -> Result<Process> {
        self.controller_with(&[])
    }

    pub(crate) fn controller_with(&self, flags: &[&str]) -> Result<Process> {
        self.cluster
            .start_controller(Implementation::Ours, &[FLAGS, flags].concat())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Our kubeseal, started in the laptop's folder.
    pub(crate) fn kubeseal(&self, line: &str, input: &str) -> Result<Captured> {
        let mut command = self.cluster.command(Implementation::Ours.programs()?.kubeseal);
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        run_with_input(&mut command, input.as_bytes())
    }

    /// Git, in that folder.
    pub(crate) fn git(&self, words: &[&str]) -> Result<()> {
        let mut command = self.cluster.command("git");
        command.current_dir(self.folder.path()).args(words);
        run_with_input(&mut command, b"")?.success()?;
        Ok(())
    }

    /// Its stdout, redirected into a file of this mode, and its stderr.
    pub(crate) fn redirected(&self, line: &str, mode: u32) -> Result<(String, String)> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path("redirected");
        let file = std::fs::File::create(&path)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        let mut command = self.cluster.command(Implementation::Ours.programs()?.kubeseal);
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        let output = command
            .stdout(file)
            .stderr(Stdio::piped())
            .spawn()?
            .wait_with_output()?;
        ensure!(output.status.success());
        Ok((std::fs::read_to_string(&path)?, String::from_utf8(output.stderr)?))
    }

    /// Its stdout; an error unless it succeeds with an empty stderr.
    pub(crate) fn ok(&self, line: &str, input: &str) -> Result<String> {
        let captured = self.kubeseal(line, input)?.success()?;
        ensure!(captured.stderr.is_empty(), "{line}: {}", captured.stderr);
        Ok(captured.stdout)
    }

    pub(crate) fn certificate(&self) -> Result<String> {
        Ok(self.cluster.proxied_get("/v1/cert.pem")?.stdout)
    }

    pub(crate) fn key_names(&self) -> Result<Vec<String>> {
        let keys = self.cluster.key_secrets()?;
        let keys = keys["items"].as_array().context("a list")?;
        let name = |key: &Value| key["metadata"]["name"].as_str().map(str::to_owned);
        Ok(keys.iter().filter_map(name).collect())
    }

    pub(crate) fn wipe_keys(&self) -> Result<()> {
        let selector = format!("-l={LABEL}");
        self.cluster
            .kubectl_ok(&["delete", "secret", "-n", NAMESPACE, &selector])
            .map(drop)
    }

    /// Seals a Secret `name` in `default` and applies it; waits until the status names the key that opened it.
    pub(crate) fn unseal(&self, name: &str) -> Result<()> {
        let sealed = self.ok("--scope strict", &secret("default", name).to_string())?;
        self.cluster.apply(&sealed)?;
        self.cluster.eventually(SOON, "a synced SealedSecret", || {
            let object = self.cluster.get_json(&["sealedsecret", name])?;
            ensure!(object["status"]["openedBy"][0].is_string(), "{}", object["status"]);
            Ok(())
        })
    }

    /// `keys list -o json`.
    pub(crate) fn keys(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.ok("keys list -o json", "")?)?)
    }
}

pub(crate) fn secret(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace}, "stringData": {"password": "hunter2"},
    })
}

pub(crate) fn stop(controller: Process) -> Result<()> {
    ensure!(controller.terminate(SOON)?.success());
    Ok(())
}
