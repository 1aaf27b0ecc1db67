//! Programs that stand where a pod would: behind a Service, or with a pod's identity.

use std::ffi::OsStr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Cluster;
use crate::launch::Launch;

impl Cluster {
    /// Puts what listens on `port` of the cluster's address behind an existing Service, so that the API server's
    /// service proxy reaches it. The proxy requires an Endpoints address that is not loopback and stands in the status
    /// of a Pod. There is no kubelet, so the status is written here.
    pub fn publish_service(&self, namespace: &str, service: &str, port: u16) -> Result<()> {
        let address = self.address().to_string();
        let pod = format!("{service}-0");
        self.run_pod_by_hand(namespace, &pod, &address)?;
        let found = self.get_json(&["service", service, "-n", namespace])?;
        let mut endpoint_port = json!({"port": port, "protocol": "TCP"});
        if let Some(name) = found.pointer("/spec/ports/0/name").and_then(Value::as_str) {
            endpoint_port
                .as_object_mut()
                .context("a JSON object")?
                .insert("name".to_owned(), name.into());
        }
        self.apply(
            &json!({
                "apiVersion": "v1", "kind": "Endpoints",
                "metadata": {"name": service, "namespace": namespace},
                "subsets": [{
                    "addresses": [{
                        "ip": address,
                        "targetRef": {"kind": "Pod", "name": pod, "namespace": namespace},
                    }],
                    "ports": [endpoint_port],
                }],
            })
            .to_string(),
        )?;
        Ok(())
    }

    /// A Pod whose status says that it runs at this address.
    fn run_pod_by_hand(&self, namespace: &str, pod: &str, address: &str) -> Result<()> {
        if self.collects_garbage() {
            self.eventually(Duration::from_secs(30), "default service account", || {
                self.kubectl_ok(&["get", "serviceaccount", "default", "-n", namespace])
            })?;
        } else {
            // The controller manager would make it.
            self.apply(
                &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}})
                    .to_string(),
            )?;
        }
        self.apply(
            &json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": pod, "namespace": namespace},
                "spec": {
                    "automountServiceAccountToken": false,
                    "containers": [{"name": "main", "image": "none"}],
                    // Bound to a node that does not exist, so no kubelet runs it.
                    "nodeName": "none",
                },
            })
            .to_string(),
        )?;
        let status = json!({"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}});
        self.kubectl_ok(&[
            "patch",
            "pod",
            pod,
            "-n",
            namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status.to_string(),
        ])?;
        Ok(())
    }

    /// A program to be started as a pod of a service account sees the world: its token, CA and namespace at the
    /// well-known path (in a mount namespace of its own), the API server's address in the environment. For programs
    /// that know no kubeconfig. Needs a cluster in a namespace.
    pub fn launch_as_pod(&self, name: &str, program: impl AsRef<OsStr>, at: (&str, &str)) -> Result<Launch<'_>> {
        let (namespace, account) = at;
        let (address, port) = self.api_server_address();
        Ok(self
            .launch(name, program)
            .pod_files(self.pod_files(namespace, account)?)
            .env("KUBERNETES_SERVICE_HOST", address.to_string())
            .env("KUBERNETES_SERVICE_PORT", port.to_string())
            .env("POD_NAMESPACE", namespace))
    }
}
