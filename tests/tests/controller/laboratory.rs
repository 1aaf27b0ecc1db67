//! A cluster with our controller in it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::run_with_input;
use harness::process::Process;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

/// How long a Secret may take to follow its SealedSecret.
pub(crate) const FOLLOW: Duration = Duration::from_secs(60);

/// How soon "at once" is, on a machine on which other clusters run too.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(10);

const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

pub(crate) struct Laboratory {
    pub(crate) controller: Process,
    pub(crate) cluster: Cluster,
}

impl Laboratory {
    /// Starts a control plane, applies what `prepare` wants there beforehand, and starts the controller.
    pub(crate) fn start(prepare: impl FnOnce(&Cluster) -> Result<()>) -> Result<Laboratory> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        prepare(&cluster)?;
        let controller = cluster.start_controller(Implementation::Ours, &[])?;
        Ok(Laboratory { controller, cluster })
    }

    /// Ends the controller and starts it again.
    pub(crate) fn restart(self) -> Result<Laboratory> {
        self.controller.terminate(Duration::from_secs(30))?;
        let controller = self.cluster.start_controller(Implementation::Ours, &[])?;
        Ok(Laboratory {
            controller,
            cluster: self.cluster,
        })
    }

    /// Applies a Secret sealed with the key, or with the certificate that the controller serves.
    pub(crate) fn apply_sealed(&self, secret: &Value, key: Option<&SealingKey>) -> Result<()> {
        let sealed = match key {
            Some(key) => sealed_with(key, secret)?,
            None => self
                .cluster
                .kubeseal(Implementation::Ours, &[], &secret.to_string())?
                .success()?
                .json()?,
        };
        self.cluster.apply(&sealed.to_string())?;
        Ok(())
    }

    /// Waits for the Secret's items.
    pub(crate) fn await_secret(&self, secret: &Value, deadline: Duration) -> Result<()> {
        let name = secret["metadata"]["name"].as_str().context("a name")?;
        self.cluster.eventually(deadline, &format!("Secret {name}"), || {
            self.controller.check_running()?;
            let found = self.cluster.get_json(&["secret", name])?;
            ensure!(found["data"] == secret["data"], "it has {:#}", found["data"]);
            Ok(())
        })
    }

    /// Waits until the SealedSecret's `Synced` condition is `False`, and returns its message.
    pub(crate) fn await_failure(&self, name: &str) -> Result<String> {
        self.cluster.eventually(FOLLOW, &format!("failure of {name}"), || {
            let condition = &self.cluster.get_json(&["sealedsecret", name])?["status"]["conditions"][0];
            ensure!(
                condition["type"] == "Synced" && condition["status"] == "False",
                "it is {condition}"
            );
            Ok(condition["message"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// Names of the key Secrets with the active label.
    pub(crate) fn active_keys(&self) -> Result<Vec<String>> {
        let keys = self.cluster.key_secrets()?;
        let items = keys["items"].as_array().context("a list")?;
        Ok(items
            .iter()
            .filter_map(|key| Some(key["metadata"]["name"].as_str()?.to_owned()))
            .collect())
    }

    /// Gives a key Secret another label value than `active`.
    pub(crate) fn retire(&self, key: &str) -> Result<()> {
        let label = format!("{KEY_LABEL}=compromised");
        self.cluster
            .kubectl_ok(&["label", "secret", key, "-n", NAMESPACE, "--overwrite", &label])?;
        Ok(())
    }
}

/// A small Secret.
pub(crate) fn secret(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"user": "Y2xpZW50", "password": "QStCL0M9Ow=="},
    })
}

/// Seals without a cluster.
pub(crate) fn sealed_with(key: &SealingKey, secret: &Value) -> Result<Value> {
    let mut kubeseal = Command::new(Implementation::Ours.programs()?.kubeseal);
    kubeseal.arg("--cert").arg(&key.certificate);
    run_with_input(&mut kubeseal, secret.to_string().as_bytes())?
        .success()?
        .json()
}
