//! Where kubeseal finds the certificate when no flag says it, as controllers are found in real clusters: by name, by label, by
//! the other common names, and by the ConfigMap where a Service may not be reached.

use anyhow::{Result, ensure};
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::output::{Captured, run_with_input};

use crate::lab::{Laptop, secret};

const NAMES: [(&str, &str); 2] = [("kube-system", "sealed-secrets"), ("sealed-secrets", "sealed-secrets")];

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

    fn kubectl(&self, line: &str) -> Result<()> {
        let words: Vec<_> = line.split_whitespace().collect();
        self.cluster.kubectl_ok(&words).map(drop)
    }
}

#[test]
fn the_certificate_is_found_by_name_label_common_names_and_config_map() -> Result<()> {
    let laptop = Laptop::new()?;
    let _controller = laptop.controller()?;
    let certificate = laptop.certificate()?;
    let found = |what: &str| -> Result<()> {
        let fetched = laptop.ok("--fetch-cert", "")?;
        ensure!(fetched == certificate, "{what}: {fetched}");
        laptop.ok("", &secret("default", "db").to_string()).map(drop)
    };
    found("by name")?;

    // Somebody without any right but those that everyone has.
    laptop.kubectl("create serviceaccount nobody")?;
    ensure!(laptop.as_account("nobody", "--fetch-cert")?.success()?.stdout == certificate);

    // Another name, found by its label.
    laptop.kubectl(&format!("delete service {CONTROLLER} -n {NAMESPACE}"))?;
    laptop.kubectl("create namespace secure")?;
    laptop.serve_as("secure", "seals")?;
    found("by its ConfigMap")?;
    // From here on the ConfigMap, which is the last place to look, is taken away before; it would find the certificate too.
    let no_config_map = format!("delete configmap {CONTROLLER}-certificate -n {NAMESPACE} --ignore-not-found");
    laptop.kubectl("label service seals -n secure app.kubernetes.io/name=sealed-secrets")?;
    laptop.kubectl(&no_config_map)?;
    found("by its label")?;
    let named = laptop.ok("--fetch-cert --controller-name seals --controller-namespace secure", "")?;
    ensure!(named == certificate);

    // Two of them: which one is not guessed.
    laptop.serve_as("default", "seals")?;
    laptop.kubectl("label service seals -n default app.kubernetes.io/name=sealed-secrets")?;
    let two = laptop.kubeseal("--fetch-cert", "")?;
    ensure!(
        two.code() == 1
            && two
                .stderr
                .contains("several Services may be the controller's: default/seals, secure/seals")
            && two
                .stderr
                .contains("hint: --controller-namespace default --controller-name seals"),
        "{two:?}"
    );
    laptop.kubectl("delete service seals -n default")?;
    laptop.kubectl("delete service seals -n secure")?;

    // The names that charts and manifests give it.
    for (namespace, name) in NAMES {
        if namespace != NAMESPACE {
            laptop.kubectl(&format!("create namespace {namespace}"))?;
        }
        laptop.serve_as(namespace, name)?;
        laptop.kubectl(&no_config_map)?;
        found(name)?;
        // A name that was said is the only one that is looked for.
        let said = laptop.kubeseal("--fetch-cert --controller-name other", "")?;
        ensure!(
            said.code() == 1 && said.stderr.contains("\"other\" not found"),
            "{said:?}"
        );
        laptop.kubectl(&format!("delete service {name} -n {namespace}"))?;
    }
    Ok(())
}
