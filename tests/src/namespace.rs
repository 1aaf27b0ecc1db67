//! A Kubernetes namespace for one test.

use std::process::Stdio;

use anyhow::Result;

use crate::cluster::{Cluster, random_name};
use crate::peers;

/// A namespace with a random name; its deletion starts when this is dropped and is not waited for.
#[derive(Debug)]
pub struct TempNamespace<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> TempNamespace<'a> {
    /// Creates it.
    pub fn create(cluster: &'a Cluster) -> Result<TempNamespace<'a>> {
        let name = format!("test-{}", random_name());
        cluster.kubectl_ok(&["create", "namespace", &name])?;
        Ok(TempNamespace { cluster, name })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TempNamespace<'_> {
    fn drop(&mut self) {
        if let Ok(kubectl) = self.cluster.peer(&peers::KUBECTL) {
            let mut command = self.cluster.command(kubectl);
            command.args(["delete", "namespace", &self.name, "--wait=false"]);
            // A namespace that stays does no harm: it goes with the cluster.
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok();
        }
    }
}
