//! kubectl against a cluster.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::Cluster;
use crate::output::{Captured, run, run_with_input};
use crate::peers;

impl Cluster {
    /// Runs kubectl as the administrator; how it ended is the caller's to judge.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<Captured> {
        run(self.command(self.peers.path(&peers::KUBECTL)?).args(arguments))
    }

    /// Runs kubectl as the administrator; a failure is an error with its output.
    pub fn kubectl_ok(&self, arguments: &[&str]) -> Result<Captured> {
        self.kubectl(arguments)?.success()
    }

    /// Applies manifests (YAML or JSON), without the client's validation and its `last-applied` annotation changing
    /// them: server-side, as the flows that matter do it.
    pub fn apply(&self, manifests: &str) -> Result<Captured> {
        self.kubectl_input(&["apply", "--server-side", "--force-conflicts", "-f", "-"], manifests)?
            .success()
    }

    /// Runs kubectl as the administrator with the given text on stdin.
    pub fn kubectl_input(&self, arguments: &[&str], input: &str) -> Result<Captured> {
        run_with_input(
            self.command(self.peers.path(&peers::KUBECTL)?).args(arguments),
            input.as_bytes(),
        )
    }

    /// `kubectl get … -o json`: an object, or a list when several are asked for.
    pub fn get_json(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = vec!["get", "-o", "json"];
        all.extend(arguments);
        self.kubectl_ok(&all)?.json()
    }

    /// The objects of manifests (YAML or JSON), as kubectl reads them. Nothing is created.
    pub fn objects_in(&self, manifests: &str) -> Result<Vec<Value>> {
        self.read_objects("-", manifests)
    }

    /// The objects of the manifests in a file or a folder, as kubectl reads them. Nothing is created.
    pub fn objects_at(&self, place: &Path) -> Result<Vec<Value>> {
        self.read_objects(&place.display().to_string(), "")
    }

    fn read_objects(&self, place: &str, input: &str) -> Result<Vec<Value>> {
        let read = [
            "create",
            "--dry-run=client",
            "--validate=false",
            "-o",
            "json",
            "-f",
            place,
        ];
        let objects = self.kubectl_input(&read, input)?.success()?;
        // kubectl writes one object after the other.
        serde_json::Deserializer::from_str(&objects.stdout)
            .into_iter()
            .map(|object| Ok(object?))
            .collect()
    }

    /// Waits until an applied custom resource definition is served, and lets the garbage collector know the kind.
    pub fn await_crd(&self, name: &str) -> Result<()> {
        self.kubectl_ok(&["wait", "--for=condition=Established", "--timeout=60s", "crd", name])?;
        // Established comes a moment before discovery lists the kind.
        self.eventually(Duration::from_secs(30), "custom resource that can be listed", || {
            self.kubectl_ok(&["get", "-A", name])
        })?;
        self.restart_controller_manager()
    }
}
