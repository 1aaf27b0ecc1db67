//! Where kubeseal finds the certificate without flags: in kube-system by name, by label, by the chart's name, and in the ConfigMap
//! where the Service cannot be reached; never where a tenant can write.

use anyhow::{Result, ensure};
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::output::{Captured, run_with_input};

use crate::fixture::{Laptop, secret};

impl Laptop {
    /// Our kubeseal with the rights of a service account.
    fn as_account(&self, account: &str, line: &str) -> Result<Captured> {
        let kubeconfig = self.cluster.service_account_kubeconfig("default", account)?;
        let mut command = self.cluster.command(Implementation::Ours.programs()?.kubeseal);
        command
            .env("KUBECONFIG", kubeconfig)
            .current_dir(self.folder.path())
            .args(line.split_whitespace());
        run_with_input(&mut command, secret("default", "db").to_string().as_bytes())
    }

    /// A Service of this name in front of the controller.
    fn serve_as(&self, namespace: &str, name: &str) -> Result<()> {
        self.kubectl(&format!("create service clusterip {name} -n {namespace} --tcp=8080"))?;
        self.kubectl(&format!(
            "set selector service {name} -n {namespace} name=sealed-secrets-controller"
        ))?;
        self.cluster.publish_service(namespace, name, 8080)
    }

    /// The same, made and labelled by a tenant who may do that in this namespace alone.
    fn serve_as_tenant(&self, namespace: &str, name: &str) -> Result<()> {
        self.kubectl(&format!("create namespace {namespace}"))?;
        self.kubectl(&format!(
            "create role tenant -n {namespace} --verb=create,get,patch --resource=services"
        ))?;
        self.kubectl(&format!(
            "create rolebinding tenant -n {namespace} --role=tenant --user=mallory"
        ))?;
        self.kubectl(&format!(
            "create service clusterip {name} -n {namespace} --tcp=8080 --as=mallory"
        ))?;
        self.kubectl(&format!(
            "label service {name} -n {namespace} app.kubernetes.io/name=sealed-secrets --as=mallory"
        ))?;
        self.cluster.publish_service(namespace, name, 8080)
    }

    fn kubectl(&self, line: &str) -> Result<()> {
        let words: Vec<_> = line.split_whitespace().collect();
        self.cluster.kubectl_ok(&words).map(drop)
    }
}

#[test]
fn certificate_found_in_kube_system() -> Result<()> {
    let laptop = Laptop::new()?;
    let _controller = laptop.controller()?;
    let certificate = laptop.certificate()?;
    let found = |what: &str| -> Result<()> {
        let fetched = laptop.ok("--fetch-cert", "")?;
        ensure!(fetched == certificate, "{what}: {fetched}");
        laptop.ok("", &secret("default", "db").to_string()).map(drop)
    };
    found("by name")?;

    // A user with no rights but those of all authenticated users.
    laptop.kubectl("create serviceaccount nobody")?;
    ensure!(laptop.as_account("nobody", "--fetch-cert")?.success()?.stdout == certificate);

    // Another name in kube-system, found by its ConfigMap, then by its label.
    laptop.kubectl(&format!("delete service {CONTROLLER} -n {NAMESPACE}"))?;
    found("by its ConfigMap")?;
    laptop.serve_as(NAMESPACE, "seals")?;
    laptop.kubectl(&format!(
        "label service seals -n {NAMESPACE} app.kubernetes.io/name=sealed-secrets"
    ))?;
    // The ConfigMap, which is the last place to look, is taken away before; it would find the certificate too.
    let no_config_map = format!("delete configmap {CONTROLLER}-certificate -n {NAMESPACE} --ignore-not-found");
    laptop.kubectl(&no_config_map)?;
    found("by its label")?;
    laptop.kubectl(&format!("delete service seals -n {NAMESPACE}"))?;

    // The name that the chart gives it.
    laptop.serve_as(NAMESPACE, "sealed-secrets")?;
    laptop.kubectl(&no_config_map)?;
    found("by the chart's name")?;
    // An explicit name is the only one that is looked for.
    let said = laptop.kubeseal("--fetch-cert --controller-name other", "")?;
    ensure!(
        said.code() == 1 && said.stderr.contains("\"other\" not found"),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn tenant_service_is_not_trusted() -> Result<()> {
    let laptop = Laptop::new()?;
    // Its ConfigMap has another name then, so that nothing in kube-system tells of it.
    let _controller = laptop.controller_with(&["--controller-name=elsewhere"])?;
    laptop.kubectl(&format!("delete service {CONTROLLER} -n {NAMESPACE}"))?;
    let secret = secret("default", "db").to_string();
    // Where tenants can make namespaces, the second one can be theirs.
    for (namespace, name) in [("tenant", "seals"), ("sealed-secrets", "sealed-secrets")] {
        laptop.serve_as_tenant(namespace, name)?;
        for line in ["", "--fetch-cert", "--raw --scope cluster-wide"] {
            let refused = laptop.kubeseal(line, &secret)?;
            ensure!(
                refused.code() == 1
                    && refused.stdout.is_empty()
                    && refused.stderr.contains(&format!("{namespace}/{name} (key SHA256:"))
                    && refused.stderr.contains("--controller-namespace NAMESPACE"),
                "{line}: {}{}",
                refused.stdout,
                refused.stderr
            );
        }
    }
    let named = laptop.ok("--fetch-cert --controller-name seals --controller-namespace tenant", "")?;
    ensure!(named.starts_with("-----BEGIN CERTIFICATE-----"), "{named}");
    Ok(())
}
