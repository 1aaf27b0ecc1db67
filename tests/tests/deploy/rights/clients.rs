//! Rights of all authenticated users: read the certificate, and send requests to the controller, with kubeseal.

use anyhow::{Context, Result, bail, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, repository};
use harness::output::{Captured, run_with_input};
use harness::process::Process;
use serde_json::{Value, json};

use super::{Right, roles};
use crate::kustomize::{SOON, built};

/// A user with a ServiceAccount that nothing was granted to.
struct User {
    cluster: Cluster,
    controller: Process,
    kubeconfig: String,
    sealed: String,
}

impl User {
    fn start() -> Result<User> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
        cluster.kubectl_ok(&["create", "serviceaccount", "somebody"])?;
        let kubeconfig = cluster.service_account_kubeconfig("default", "somebody")?;
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "any", "namespace": "default"},
            "stringData": {"item": "value"}});
        Ok(User {
            kubeconfig: kubeconfig.display().to_string(),
            sealed: cluster.seal(Implementation::Ours, &[], &secret)?.to_string(),
            cluster,
            controller,
        })
    }

    fn kubeseal(&self, implementation: Implementation, arguments: &[&str], input: &str) -> Result<Captured> {
        let mut command = self.cluster.command(implementation.programs()?.kubeseal);
        command.args(["--kubeconfig", &self.kubeconfig]).args(arguments);
        run_with_input(&mut command, input.as_bytes())
    }

    /// Sends the requests that need the right.
    fn uses(&self, right: &Right) -> Result<Captured> {
        match (right.resource.as_str(), right.verb.as_str()) {
            // The reference's looks for the Service and asks through it.
            ("services" | "services/proxy", "get") => self.kubeseal(Implementation::Reference, &["--fetch-cert"], ""),
            ("services/proxy", "create") => self.kubeseal(Implementation::Reference, &["--validate"], &self.sealed),
            // Ours finds the certificate even where no controller answers.
            ("configmaps", "get") => {
                if self.controller.ended()?.is_none() {
                    self.controller.kill()?;
                }
                self.kubeseal(Implementation::Ours, &["--fetch-cert"], "")
            }
            _ => bail!("{}: a new right needs a use here", right.told()),
        }
    }
}

fn is_everybody(subject: &Value) -> bool {
    subject["kind"] == "Group" && subject["name"] == "system:authenticated"
}

#[test]
fn users_need_every_right_that_everybody_has_and_no_other() -> Result<()> {
    let user = User::start()?;
    let cluster = &user.cluster;
    let manifests = cluster.objects_in(&built(cluster, &repository().join("deploy/base"))?)?;
    let mut rights = Vec::new();
    for role in roles(&manifests, is_everybody) {
        rights.extend(Right::of(role)?);
    }
    ensure!(rights.len() >= 4, "{rights:?}");
    // The one that is of use without a controller comes last.
    rights.sort_by_key(|right| right.resource == "configmaps");
    for right in &rights {
        user.uses(right)?.success().with_context(|| right.told())?;
        cluster.apply(&right.left(None).to_string())?;
        cluster.eventually(SOON, &format!("failure without {}", right.told()), || {
            let without = user.uses(right)?;
            ensure!(!without.status.success(), "it works all the same: {without}");
            Ok(())
        })?;
        cluster.apply(&right.role.to_string())?;
        cluster.eventually(SOON, "right that is back", || user.uses(right)?.success())?;
    }
    Ok(())
}
