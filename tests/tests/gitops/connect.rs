//! Kafka Connect on what was sealed: a worker is let in by the broker or refused, a connector takes its password from a file,
//! and a rotated password reaches it through Git.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::process::Process;
use serde_json::{Value, json};

use crate::flux::Flux;
use crate::kafka::Broker;
use crate::kubelet::{IMAGE, Image, Pod};
use crate::repository::WorkingCopy;

/// How long a worker may take to start, or to notice something, on a machine that is busy.
const WORKER: Duration = Duration::from_secs(120);

/// The API key of dev's workers, and the one of prod, which the broker of dev does not know.
const DEV: (&str, &str) = ("DEVKAFKAKEY00000", "dev/kafka+secret");
const PROD: (&str, &str) = ("PRODKAFKAKEY0000", "prod/kafka+secret==");

/// The login of the example's connector. The broker stands in for its database, and refuses any other login.
const USER: &str = "connect";
const PASSWORD: &str = "example-password";
const ROTATED: &str = "rotated=with;signs, and/blanks+";

const CONNECTOR: &str = "jdbc-customers";
const TOPIC: &str = "customers";

#[test]
fn kafka_connect_runs_on_what_is_unsealed() -> Result<()> {
    let flux = Flux::start()?;
    let broker = Broker::start(&flux.cluster, &[DEV, (USER, PASSWORD)])?;
    let url = flux.create_repository("kafka-gitops")?;
    let copy = WorkingCopy::create(&flux.cluster, &url)?;
    let story = || {
        let (image, data) = broker.connect_image()?;
        wrong_environment(&flux, &copy, &broker, &image, &url)?;
        let worker = right_environment(&flux, &copy, &broker, &image)?;
        connector(&worker, &broker, &data)?;
        rotated(&flux, &copy, &broker, &worker, &data)
    };
    story().map_err(|error| flux.cluster.with_logs(error))
}

/// Fills in the values of an environment, its API key too.
fn fill_in(copy: &WorkingCopy<'_>, folder: &str, broker: &Broker<'_>, (key, secret): (&str, &str)) -> Result<()> {
    copy.fill_in(
        folder,
        &[
            ("pkc-00000.region.provider.example.invalid:9092", &broker.address()),
            ("EXAMPLEKAFKAKEY0", key),
            ("example/kafka+secret", secret),
        ],
    )
}

/// With the values of prod in dev everything is sealed and unsealed, and the broker refuses the worker.
fn wrong_environment(flux: &Flux, copy: &WorkingCopy<'_>, broker: &Broker<'_>, image: &Image, url: &str) -> Result<()> {
    copy.fetch_certificate("dev")?;
    fill_in(copy, "secrets/mine/prod", broker, PROD)?;
    copy.script("create-secrets.sh", &["dev", "secrets/mine/prod"])?;
    copy.script("seal-secrets.sh", &["dev"])?;
    let commit = copy.push("Seal the credentials of dev")?;
    flux.follow(copy, url)?;
    flux.await_ready("secrets", &commit)?;
    flux.await_ready("apps", &commit)?;
    let refused = Pod::of_deployment(&flux.cluster, "connect-service", "connect-refused")?.start(image)?;
    let status = refused.wait(WORKER)?;
    let log = refused.log()?;
    ensure!(
        !status.success() && log.contains("Authentication failed: Invalid username or password"),
        "the worker ended with {status}:\n{log}"
    );
    ensure!(!log.contains(PROD.1), "the worker says the password");
    Ok(())
}

/// A worker in its Pod, reached by the example's Service.
struct Worker<'a> {
    cluster: &'a Cluster,
    pod: Pod<'a>,
    process: Process,
}

/// With dev's own values the worker is let in.
fn right_environment<'a>(
    flux: &'a Flux,
    copy: &WorkingCopy<'_>,
    broker: &Broker<'_>,
    image: &Image,
) -> Result<Worker<'a>> {
    let cluster = &flux.cluster;
    fill_in(copy, "secrets/mine/dev", broker, DEV)?;
    copy.script("create-secrets.sh", &["dev", "secrets/mine/dev"])?;
    copy.script("seal-secrets.sh", &["dev"])?;
    // As the cloud operator writes it: without a line break in the end.
    let set = "printf bootstrap.servers=%s $(sed -n s/^BOOTSTRAP_SERVERS=//p secrets/mine/dev/cloud.props) | kubeseal set \
        secrets/sealed/dev/default-cc.bootstrap-servers.streaming.orders.sealed.yaml bootstrap-servers.properties";
    copy.run("sh", &["-ec", set])?.success()?;
    flux.await_ready("secrets", &copy.push("Those were of prod")?)?;
    let pod = Pod::of_deployment(cluster, "connect-service", "connect")?;
    let process = pod.start(image)?;
    cluster.publish_service("default", "connect", 8083)?;
    let worker = Worker { cluster, pod, process };
    cluster.eventually(WORKER, "worker that answers", || match worker.process.check_running() {
        Ok(()) => worker.get("/connectors").map(|_| Ok(())),
        Err(ended) => Ok(Err(ended)),
    })??;
    Ok(worker)
}

impl Worker<'_> {
    /// By the example's Service.
    fn get(&self, path: &str) -> Result<Value> {
        let url = format!("/api/v1/namespaces/default/services/connect:http/proxy{path}");
        self.cluster.kubectl_ok(&["get", "--raw", &url])?.json()
    }

    /// Straight to the worker: kubectl does not say what its bodies are.
    fn post(&self, path: &str, body: &str) -> Result<()> {
        let headers = json!({"Content-Type": "application/json"});
        let answer = self.cluster.http("POST", 8083, path, &headers, body)?;
        ensure!((200..300).contains(&answer.code), "{answer:?}");
        Ok(())
    }

    /// Waits until the connector's task is in this state; gives its status.
    fn await_task(&self, state: &str) -> Result<Value> {
        self.cluster.eventually(WORKER, &format!("task that is {state}"), || {
            let status = self.get(&format!("/connectors/{CONNECTOR}/status"))?;
            ensure!(status["tasks"][0]["state"] == state, "{status}");
            Ok(status)
        })
    }
}

/// The example's connector as its operator reads it, with Kafka's own source of files in place of the database: who it is
/// to the broker, it takes from where it would take who it is to the database.
fn connector_config(cluster: &Cluster) -> Result<Value> {
    let map = cluster.get_json(&["configmap", "customers-jdbc-source"])?;
    let text = map["data"]["jdbc-customers.json"].as_str().context("a connector")?;
    let mut connector: Value = serde_json::from_str(text)?;
    ensure!(connector["name"] == CONNECTOR);
    let config = connector["config"].as_object_mut().context("its configuration")?;
    let mut take = |key: &str| {
        let value = config.remove(key);
        value
            .and_then(|value| Some(value.as_str()?.to_owned()))
            .context("a text")
    };
    let (user, password) = (take("connection.user")?, take("connection.password")?);
    for (key, value) in [
        (
            "connector.class",
            "org.apache.kafka.connect.file.FileStreamSourceConnector",
        ),
        ("file", &format!("{IMAGE}/data/{TOPIC}.txt")),
        ("topic", TOPIC),
        (
            "producer.override.sasl.jaas.config",
            &format!(
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{user}\" \
                 password=\"{password}\";"
            ),
        ),
    ] {
        config.insert(key.to_owned(), json!(value));
    }
    Ok(connector)
}

/// The connector runs, its records arrive, and the worker's API does not show the password.
fn connector(worker: &Worker<'_>, broker: &Broker<'_>, data: &Path) -> Result<()> {
    std::fs::write(data.join(format!("{TOPIC}.txt")), "first\n")?;
    worker.post("/connectors", &connector_config(worker.cluster)?.to_string())?;
    worker.await_task("RUNNING")?;
    let records = broker.records(TOPIC, 1)?;
    ensure!(records.stdout.trim() == "\"first\"", "{records}");
    for path in ["", "/tasks"] {
        let shown = worker.get(&format!("/connectors/{CONNECTOR}{path}"))?.to_string();
        ensure!(
            shown.contains("${directory:/etc/connect-credentials:MYSQL_CONNECTION_PASSWORD}")
                && !shown.contains(PASSWORD),
            "{shown}"
        );
    }
    Ok(())
}

/// Another password: the connector fails, Git brings the new one to its file, and after a restart by REST it runs. The
/// worker goes on all the time.
fn rotated(flux: &Flux, copy: &WorkingCopy<'_>, broker: &Broker<'_>, worker: &Worker<'_>, data: &Path) -> Result<()> {
    broker.restart(&[DEV, (USER, ROTATED)])?;
    let file = data.join(format!("{TOPIC}.txt"));
    std::fs::write(&file, "first\nsecond\nthird\n")?;
    let failed = worker.await_task("FAILED")?.to_string();
    ensure!(failed.contains("Authentication failed"), "{failed}");

    let sealed = "secrets/sealed/dev/default-connect-operator-secrets.sealed.yaml";
    let set = format!("printf %s '{ROTATED}' | kubeseal set {sealed} MYSQL_CONNECTION_PASSWORD");
    copy.run("sh", &["-ec", &set])?.success()?;
    flux.await_ready("secrets", &copy.push("Rotate the connector's password")?)?;
    worker.pod.refresh_volumes()?;
    worker.post(&format!("/connectors/{CONNECTOR}/restart?includeTasks=true"), "")?;
    worker.await_task("RUNNING")?;
    // The source of files remembers now and then how far it is: the first record may be there twice.
    let records = broker.records(TOPIC, 3)?;
    ensure!(records.stdout.contains("\"second\"\n"), "{records}");
    worker.process.check_running()
}
