//! A cluster with our controller in it, and the steps that the tests are made of.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Cluster;
use harness::eventually::throughout;
use harness::http::Answer;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::run_with_input;
use harness::peers;
use harness::process::Process;
use serde_json::{Value, json};

/// The deadline for an immediate effect, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A cluster and the controller in it.
pub(crate) struct Lab {
    pub(crate) controller: Process,
    pub(crate) cluster: Cluster,
}

impl Lab {
    /// A cluster of its own, with these flags.
    pub(crate) fn start(flags: &[&str]) -> Result<Lab> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let controller = cluster.start_controller(Implementation::Ours, flags)?;
        Ok(Lab { controller, cluster })
    }

    /// The one that tests share which neither restart it nor touch its keys; each uses a namespace of its own.
    pub(crate) fn shared() -> Result<&'static Lab> {
        static SHARED: OnceLock<Result<Lab>> = OnceLock::new();
        SHARED
            .get_or_init(|| Lab::start(&[]))
            .as_ref()
            .map_err(|error| anyhow!("{error:#}"))
    }

    /// The certificate that is served.
    pub(crate) fn certificate(&self) -> Result<String> {
        Ok(self.cluster.proxied_get("/v1/cert.pem")?.stdout)
    }

    /// Seals for the certificate that is served now. `scope`: as `--scope` takes it.
    pub(crate) fn seal(&self, namespace: &str, name: &str, items: &Value, scope: &str) -> Result<Value> {
        self.seal_for(&self.certificate()?, namespace, name, items, scope)
    }

    /// Seals for a certificate, with the reference's kubeseal.
    pub(crate) fn seal_for(
        &self,
        certificate: &str,
        namespace: &str,
        name: &str,
        items: &Value,
        scope: &str,
    ) -> Result<Value> {
        Lab::seal_with(certificate, namespace, name, items, scope)
    }

    /// As [`Lab::seal_for`], without a lab.
    pub(crate) fn seal_with(
        certificate: &str,
        namespace: &str,
        name: &str,
        items: &Value,
        scope: &str,
    ) -> Result<Value> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace}, "stringData": items,
        });
        Implementation::Reference.seal(certificate, &["--scope", scope], &secret)
    }

    /// Seals and applies; waits until the object is synced.
    pub(crate) fn unseal(&self, namespace: &str, name: &str, items: &Value) -> Result<()> {
        self.cluster
            .apply(&self.seal(namespace, name, items, "strict")?.to_string())?;
        self.await_items(namespace, name, items)?;
        self.await_condition(namespace, name, "Synced", "True").map(drop)
    }

    /// The items of a Secret, in clear.
    pub(crate) fn items(&self, namespace: &str, name: &str) -> Result<Value> {
        Lab::items_in(&self.cluster, namespace, name)
    }

    /// The items of a Secret of that cluster, in clear.
    pub(crate) fn items_in(cluster: &Cluster, namespace: &str, name: &str) -> Result<Value> {
        let secret = cluster.get_json(&["secret", name, "-n", namespace])?;
        let mut items = json!({});
        for (item, value) in secret["data"].as_object().into_iter().flatten() {
            let bytes = STANDARD.decode(value.as_str().context("text")?)?;
            items[item] = String::from_utf8(bytes)?.into();
        }
        Ok(items)
    }

    /// Waits until the Secret has exactly these items.
    pub(crate) fn await_items(&self, namespace: &str, name: &str, items: &Value) -> Result<()> {
        Lab::await_items_in(&self.cluster, namespace, name, items, SOON)
    }

    /// Waits until the Secret of that cluster has exactly these items.
    pub(crate) fn await_items_in(
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        items: &Value,
        at_most: Duration,
    ) -> Result<()> {
        cluster.eventually(at_most, &format!("Secret {namespace}/{name}"), || {
            let found = Lab::items_in(cluster, namespace, name)?;
            ensure!(found == *items, "it has {found}");
            Ok(())
        })
    }

    /// Waits until a condition has this status for the current generation; gives the whole object.
    pub(crate) fn await_condition(&self, namespace: &str, name: &str, condition: &str, status: &str) -> Result<Value> {
        self.cluster
            .eventually(SOON, &format!("{condition}={status} of {namespace}/{name}"), || {
                let sealed = self.sealed(namespace, name)?;
                let found = condition_of(&sealed, condition);
                ensure!(
                    sealed["status"]["observedGeneration"] == sealed["metadata"]["generation"],
                    "{}",
                    sealed["status"]
                );
                ensure!(found["status"] == status, "{}", sealed["status"]);
                Ok(sealed)
            })
    }

    /// A SealedSecret.
    pub(crate) fn sealed(&self, namespace: &str, name: &str) -> Result<Value> {
        self.cluster.get_json(&["sealedsecret", name, "-n", namespace])
    }

    /// The events about the SealedSecret of that name: `TYPE REASON: MESSAGE xCOUNT`, oldest first.
    pub(crate) fn events(&self, namespace: &str, name: &str) -> Result<Vec<String>> {
        let selector = format!("involvedObject.kind=SealedSecret,involvedObject.name={name}");
        let list = self
            .cluster
            .get_json(&["events", "-n", namespace, "--field-selector", &selector])?;
        let mut events = list["items"].as_array().cloned().unwrap_or_default();
        events.sort_by_key(|event| event["metadata"]["name"].to_string());
        let word = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
        Ok(events
            .iter()
            .map(|event| {
                let (kind, reason) = (word(event, "type"), word(event, "reason"));
                format!("{kind} {reason}: {} x{}", word(event, "message"), event["count"])
            })
            .collect())
    }

    /// Whether there is no such Secret.
    pub(crate) fn is_absent(&self, namespace: &str, name: &str) -> Result<bool> {
        Ok(self
            .cluster
            .kubectl(&["get", "secret", name, "-n", namespace])?
            .stderr
            .contains("NotFound"))
    }

    /// Checks again and again that something stays as it is.
    pub(crate) fn throughout(&self, time: Duration, check: impl FnMut() -> Result<()>) -> Result<()> {
        throughout(time, check).map_err(|error| self.cluster.with_logs(error))
    }

    /// Waits until the controller's log has a line with all these words.
    pub(crate) fn await_log(&self, words: &[&str]) -> Result<String> {
        self.cluster.eventually(SOON, &format!("log line with {words:?}"), || {
            let log = self.controller.log()?;
            let line = log.lines().find(|line| words.iter().all(|word| line.contains(word)));
            Ok(line.context("not yet")?.to_owned())
        })
    }

    /// A metric's value; 0 when there is no such series. `series`: with its labels, as it stands in the text.
    pub(crate) fn metric(&self, series: &str) -> Result<f64> {
        metric(&self.cluster, 8081, series)
    }

    /// Waits until the series has that value: the figures follow what a pass has written.
    pub(crate) fn await_metric(&self, series: &str, value: f64) -> Result<()> {
        self.cluster.eventually(SOON, series, || {
            let found = self.metric(series)?;
            ensure!(found == value, "{series} is {found}, not {value}");
            Ok(())
        })
    }

    /// A request to the controller itself, not by way of the API server.
    pub(crate) fn http(&self, method: &str, port: u16, path: &str, headers: &Value, body: &str) -> Result<Answer> {
        self.cluster.http(method, port, path, headers, body)
    }

    /// Changes a Secret as another client would, by a merge patch.
    pub(crate) fn patch_secret(&self, namespace: &str, name: &str, patch: &Value) -> Result<()> {
        let patch = patch.to_string();
        let command = ["patch", "secret", name, "-n", namespace, "--type=merge", "-p", &patch];
        self.cluster.kubectl_ok(&command).map(drop)
    }

    /// Stops the controller and starts it again with these flags.
    pub(crate) fn restart(&mut self, flags: &[&str]) -> Result<()> {
        let status = self.controller.terminate(SOON)?;
        ensure!(status.success(), "SIGTERM ended it with {status}");
        self.controller = self.cluster.start_controller(Implementation::Ours, flags)?;
        Ok(())
    }

    /// The names of the key Secrets, newest last.
    pub(crate) fn key_names(&self) -> Result<Vec<String>> {
        let keys = self.cluster.key_secrets()?;
        let mut keys: Vec<_> = keys["items"].as_array().context("a list")?.clone();
        keys.sort_by_key(|key| key["metadata"]["creationTimestamp"].to_string());
        Ok(keys
            .iter()
            .filter_map(|key| Some(key["metadata"]["name"].as_str()?.to_owned()))
            .collect())
    }

    /// `kubectl` on a key Secret: `verb` secret `name` and the rest, in the controller's namespace.
    pub(crate) fn key(&self, verb: &str, name: &str, rest: &[&str]) -> Result<()> {
        let mut arguments = vec![verb, "secret", name, "-n", NAMESPACE];
        arguments.extend(rest);
        self.cluster.kubectl_ok(&arguments).map(drop)
    }
}

/// The OpenSSH SHA-256 fingerprint of a certificate's key, by Python's `cryptography`.
pub(crate) fn fingerprint(certificate: &str) -> Result<String> {
    const FINGERPRINT: &str = r#"
import base64, hashlib, sys
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
key = load_pem_x509_certificate(sys.stdin.buffer.read()).public_key()
wire = base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
print("SHA256:" + base64.b64encode(hashlib.sha256(wire).digest()).decode().rstrip("="))
"#;
    let mut command = std::process::Command::new(peers::python()?);
    command.args(["-c", FINGERPRINT]);
    let printed = run_with_input(&mut command, certificate.as_bytes())?.success()?;
    Ok(printed.stdout.trim().to_owned())
}

/// A metric's value at a metrics port; 0 when there is no such series.
pub(crate) fn metric(cluster: &Cluster, port: u16, series: &str) -> Result<f64> {
    let answer = cluster.http("GET", port, "/metrics", &json!({}), "")?;
    let value = answer
        .body
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    Ok(value.map_or(Ok(0.0), str::parse)?)
}

/// Objects as one List in JSON: one kubectl for all of them.
pub(crate) fn list(items: impl IntoIterator<Item = Value>) -> String {
    let items: Vec<Value> = items.into_iter().collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// Whether the replica of that number leads, by its own metric.
pub(crate) fn leads(cluster: &Cluster, number: u16) -> Result<bool> {
    Ok(metric(cluster, 8081 + 10 * number, "sealed_secrets_controller_leader")? == 1.0)
}

/// A request to a controller that may not be ready: code and body.
pub(crate) fn get(cluster: &Cluster, path: &str) -> Result<(u64, String)> {
    get_at(cluster, 8080, path)
}

/// A request to the replica at that port: code and body.
pub(crate) fn get_at(cluster: &Cluster, port: u16, path: &str) -> Result<(u64, String)> {
    let answer = cluster.http("GET", port, path, &json!({}), "")?;
    Ok((answer.code, answer.body))
}

/// A condition of an object; null when it has none of that type.
pub(crate) fn condition_of(sealed: &Value, condition: &str) -> Value {
    let conditions = sealed["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions
        .into_iter()
        .find(|found| found["type"] == condition)
        .unwrap_or_default()
}
