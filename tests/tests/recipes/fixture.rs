//! A cluster with our controller and the tools' own definitions in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use harness::output::{run, run_with_input};
use harness::peers::{self, PeerSet};
use harness::process::Process;
use serde_json::{Value, json};

use crate::page::Page;

/// The placeholder of a page for the content of a file.
const ANY: &str = "…";

/// Kinds that no registry has a schema for.
const WITHOUT_SCHEMA: [&str; 3] = [
    "platform.confluent.io/v1beta1",
    "kafka.banzaicloud.io/v1beta1",
    "aiven.io/v1alpha1",
];

pub(crate) struct Kitchen {
    _controller: Process,
    pub(crate) cluster: Cluster,
    pub(crate) certificate: String,
}

impl Kitchen {
    pub(crate) fn start() -> Result<Kitchen> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let sources = peers::manifests_folder("external-secrets", "github.com/external-secrets/external-secrets")?;
        let external_secrets = ["secretstores", "externalsecrets"]
            .map(|plural| sources.join(format!("config/crds/bases/external-secrets.io_{plural}.yaml")));
        for file in external_secrets.into_iter().chain(strimzi(cluster.state())?) {
            cluster.kubectl_ok(&["apply", "--server-side", "-f", &file.display().to_string()])?;
        }
        for definition in [
            "secretstores.external-secrets.io",
            "externalsecrets.external-secrets.io",
            "kafkausers.kafka.strimzi.io",
            "kafkaconnects.kafka.strimzi.io",
        ] {
            cluster.kubectl_ok(&[
                "wait",
                "--for=condition=Established",
                "--timeout=60s",
                "crd",
                definition,
            ])?;
        }
        let controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
        let certificate = cluster.proxied_get("/v1/cert.pem")?.stdout;
        Ok(Kitchen {
            _controller: controller,
            cluster,
            certificate,
        })
    }

    /// Makes the namespace if it is not there: pages share some.
    pub(crate) fn ensure_namespace(&self, name: &str) -> Result<()> {
        let created = self.cluster.kubectl(&["create", "namespace", name])?;
        ensure!(
            created.status.success() || created.stderr.contains("AlreadyExists"),
            "{created}"
        );
        Ok(())
    }

    /// Runs the commands of the page, and compares the results with the page.
    pub(crate) fn cook(&self, page: &Page) -> Result<()> {
        let folder = tempfile::tempdir()?;
        self.type_commands(page, folder.path())?;
        let secrets = self.objects(&page.secrets)?;
        ensure!(!secrets.is_empty(), "the page shows no Secret");
        let mut files = Vec::new();
        for secret in &secrets {
            let [name, namespace] =
                ["name", "namespace"].map(|field| secret["metadata"][field].as_str().unwrap_or_default());
            self.ensure_namespace(namespace)?;
            let file = folder.path().join(format!("{name}.sealed.yaml"));
            self.cluster.apply(&std::fs::read_to_string(&file)?)?;
            files.push(file);
            let sealed = format!("sealedsecret/{name}");
            self.cluster
                .kubectl_ok(&[
                    "wait",
                    "--for=condition=Synced",
                    "--timeout=30s",
                    "-n",
                    namespace,
                    &sealed,
                ])
                .map_err(|error| self.cluster.with_logs(error))?;
            compare(secret, &self.cluster.get_json(&["secret", name, "-n", namespace])?)?;
        }
        let mut written: Vec<PathBuf> = sealed_files(folder.path())?;
        written.sort();
        files.sort();
        ensure!(written == files, "the commands write {written:?}");
        let names = secrets.iter().filter_map(|secret| secret["metadata"]["name"].as_str());
        ensure!(
            names.into_iter().any(|name| page.objects.contains(name)),
            "nothing on the page refers to the Secret"
        );
        self.judge(&page.objects, &secrets)
    }

    fn type_commands(&self, page: &Page, folder: &Path) -> Result<()> {
        std::fs::write(folder.join("cert.pem"), &self.certificate)?;
        for file in page.files() {
            std::fs::write(folder.join(file), [&[0xfe, 0xed, 0, 0xff], file.as_bytes()].concat())?;
        }
        let mut shell = self.cluster.desk("bash", folder)?;
        shell
            .args(["-euo", "pipefail", "-c", &page.commands])
            .envs(&page.variables);
        let typed = run(&mut shell)?.success()?;
        ensure!(typed.stdout.is_empty() && typed.stderr.is_empty(), "{typed}");
        for file in sealed_files(folder)? {
            let text = std::fs::read_to_string(&file)?;
            let bare = page.variables.values().find(|value| text.contains(value.as_str()));
            ensure!(bare.is_none(), "{} holds a value in clear", file.display());
        }
        run(self.cluster.desk("kubeseal", folder)?.args(["lint", "."]))?.success()?;
        Ok(())
    }

    /// Has the API server look at what refers to the Secrets, strictly, and looks up the items that it names.
    fn judge(&self, objects: &str, secrets: &[Value]) -> Result<()> {
        if !objects.contains("\nkind:") {
            // A value of a Helm chart.
            return Ok(());
        }
        for object in self.objects(objects)? {
            check_references(&object, secrets)?;
            let version = object["apiVersion"].as_str().context("apiVersion")?;
            if !WITHOUT_SCHEMA.contains(&version) {
                let create = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
                self.cluster.kubectl_input(&create, &object.to_string())?.success()?;
            }
        }
        Ok(())
    }

    /// The objects of a YAML text, as JSON; kubectl reads them without asking which kinds there are.
    fn objects(&self, yaml: &str) -> Result<Vec<Value>> {
        let mut command = Command::new(self.cluster.peer(&peers::KUBECTL)?);
        command.args(["annotate", "--local", "-o", "json", "-f", "-", "recipe-"]);
        let json = run_with_input(&mut command, yaml.as_bytes())?.success()?.stdout;
        serde_json::Deserializer::from_str(&json)
            .into_iter()
            .map(|object| Ok(object?))
            .collect()
    }
}

fn sealed_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".sealed.yaml") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The definitions of Strimzi's kinds, made by Strimzi's own program of Strimzi's own types.
fn strimzi(folder: &Path) -> Result<[PathBuf; 2]> {
    peers::require_java()?;
    let jars = PeerSet::installed(&[peers::STRIMZI])?.path(&peers::STRIMZI)?.join("*");
    let made = ["user.KafkaUser", "connect.KafkaConnect"].map(|class| (class, folder.join(format!("{class}.json"))));
    let mut command = Command::new("java");
    command.arg("-cp").arg(jars).arg("io.strimzi.crdgenerator.CrdGenerator");
    command.args(["--target-kube", "1.25+", "--crd-api-version", "v1"]);
    for (class, file) in &made {
        command.arg(format!("io.strimzi.api.kafka.model.{class}={}", file.display()));
    }
    run(&mut command)?.success()?;
    Ok(made.map(|(_, file)| file))
}

/// A Secret is what the page shows: type, labels, annotations, names of the items, and their values where the page shows them.
fn compare(shown: &Value, live: &Value) -> Result<()> {
    ensure!(live["type"] == shown["type"], "the type is {}", live["type"]);
    for field in ["labels", "annotations"] {
        let [shown, live] =
            [shown, live].map(|secret| secret["metadata"][field].as_object().cloned().unwrap_or_default());
        ensure!(live == shown, "{field}: {live:?}");
    }
    let shown = shown["stringData"].as_object().context("stringData")?;
    let live = live["data"].as_object().context("data")?;
    ensure!(
        live.keys().eq(shown.keys()),
        "the items are {:?}",
        live.keys().collect::<Vec<_>>()
    );
    for (item, value) in shown.iter().filter(|(_, value)| **value != ANY) {
        let found = STANDARD.decode(live[item].as_str().context("base64")?)?;
        ensure!(
            json!(String::from_utf8_lossy(&found)) == *value,
            "{item} is {:?}",
            String::from_utf8_lossy(&found)
        );
    }
    Ok(())
}

/// Wherever an object names one of the Secrets and a key beside it, the Secret has this item.
fn check_references(object: &Value, secrets: &[Value]) -> Result<()> {
    if let (Some(name), Some(key)) = (object["name"].as_str(), object["key"].as_str()) {
        let secret = secrets.iter().find(|secret| secret["metadata"]["name"] == name);
        if let Some(secret) = secret {
            ensure!(secret["stringData"][key].is_string(), "{name} has no item {key}");
        }
    }
    let inner: Vec<&Value> = match object {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    inner.into_iter().try_for_each(|value| check_references(value, secrets))
}
