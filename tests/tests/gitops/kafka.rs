//! A real broker, and the programs of Kafka as an image would bring them.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use harness::cluster::Cluster;
use harness::output::{Captured, run};
use harness::peers::{self, PeerSet};
use harness::process::Process;

use crate::kubelet::{IMAGE, Image};

/// Started quickly rather than running fast: two cores are all there is.
const JVM: [&str; 5] = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Xmx256m",
    "-Dorg.apache.logging.log4j.level=WARN",
];

/// Without identity and on the loopback alone, for the broker itself and for those who look into its topics.
const INTERNAL: &str = "127.0.0.1:9094";

/// Not a secret: the store holds a certificate.
const STORE_PASSWORD: &str = "changeit";

/// A broker that lets in, over TLS, who has the password of one of its users.
pub(crate) struct Broker<'a> {
    cluster: &'a Cluster,
    folder: PathBuf,
    jars: PathBuf,
    process: RefCell<Option<Process>>,
}

impl<'a> Broker<'a> {
    /// Starts a broker and does not wait for it: its clients do.
    pub(crate) fn start(cluster: &'a Cluster, users: &[(&str, &str)]) -> Result<Broker<'a>> {
        peers::require_java()?;
        let jars = PeerSet::installed(&[peers::KAFKA])?.path(&peers::KAFKA)?.to_owned();
        let folder = cluster.state().join("kafka");
        fs::create_dir(&folder)?;
        let (certificate, key) = cluster.server_certificate();
        fs::write(
            folder.join("broker.pem"),
            fs::read_to_string(key)? + &fs::read_to_string(certificate)?,
        )?;
        let broker = Broker {
            cluster,
            folder,
            jars,
            process: RefCell::default(),
        };
        broker.launch(users)?;
        Ok(broker)
    }

    /// Ends the broker and starts it again, with the same topics and these users.
    pub(crate) fn restart(&self, users: &[(&str, &str)]) -> Result<()> {
        self.process.take().context("it runs")?.kill()?;
        self.launch(users)
    }

    fn launch(&self, users: &[(&str, &str)]) -> Result<()> {
        let properties = self.folder.join("server.properties");
        fs::write(&properties, self.properties(users))?;
        let script = r#"
            properties=$1; shift
            "$@" kafka.tools.StorageTool format --ignore-formatted --cluster-id sealed-secrets-test --config "$properties"
            exec "$@" kafka.Kafka "$properties""#;
        let process = self
            .cluster
            .launch("kafka", "sh")
            .args(["-ec", script, "sh"])
            .arg(&properties)
            .args(["java"].iter().chain(&JVM))
            .args(["-cp", &self.class_path()]);
        self.process.replace(Some(process.spawn()?));
        Ok(())
    }

    fn class_path(&self) -> String {
        self.jars.join("*").display().to_string()
    }

    fn properties(&self, users: &[(&str, &str)]) -> String {
        let users: String = users
            .iter()
            .map(|(user, password)| format!(" user_{user}=\"{password}\""))
            .collect();
        let (folder, clients) = (self.folder.display(), self.address());
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@127.0.0.1:9093\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=INTERNAL\n\
             listeners=CLIENTS://{clients},INTERNAL://{INTERNAL},CONTROLLER://127.0.0.1:9093\n\
             advertised.listeners=CLIENTS://{clients},INTERNAL://{INTERNAL}\n\
             listener.security.protocol.map=CLIENTS:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.clients.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required{users};\n\
             listener.name.clients.ssl.keystore.type=PEM\n\
             listener.name.clients.ssl.keystore.location={folder}/broker.pem\n\
             log.dirs={folder}/data\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=1\n\
             group.initial.rebalance.delay.ms=0\n"
        )
    }

    /// Where clients with an identity come.
    pub(crate) fn address(&self) -> String {
        format!("{}:9092", self.cluster.address())
    }

    /// The first records of a topic, read by Kafka's own consumer.
    pub(crate) fn records(&self, topic: &str, count: usize) -> Result<Captured> {
        let mut consumer = self.cluster.command("java");
        consumer
            .args(JVM)
            .args([
                "-cp",
                &self.class_path(),
                "org.apache.kafka.tools.consumer.ConsoleConsumer",
            ])
            .args([
                "--bootstrap-server",
                INTERNAL,
                "--topic",
                topic,
                "--partition",
                "0",
                "--offset",
                "earliest",
            ])
            .args(["--max-messages", &count.to_string(), "--timeout-ms", "60000"]);
        run(&mut consumer)?.success()
    }

    /// An image with `connect-distributed` in it that trusts the broker's certificate, and a folder `data` that both sides see.
    pub(crate) fn connect_image(&self) -> Result<(Image, PathBuf)> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.folder.join("image");
        let data = folder.join("data");
        fs::create_dir_all(folder.join("bin"))?;
        fs::create_dir_all(&data)?;
        let store = folder.join("trust.p12");
        let mut keytool = self.cluster.command("keytool");
        keytool
            .args([
                "-importcert",
                "-noprompt",
                "-alias",
                "broker",
                "-storepass",
                STORE_PASSWORD,
                "-file",
            ])
            .arg(self.cluster.ca_certificate())
            .arg("-keystore")
            .arg(&store);
        run(&mut keytool)?.success()?;
        let program = folder.join("bin/connect-distributed");
        let script = format!(
            "#!/bin/sh\nexec java {} -Djavax.net.ssl.trustStore={IMAGE}/trust.p12 \
             -Djavax.net.ssl.trustStorePassword={STORE_PASSWORD} -cp '{IMAGE}/jars/*' \
             org.apache.kafka.connect.cli.ConnectDistributed \"$@\"\n",
            JVM.join(" ")
        );
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let image = vec![
            (folder.join("bin"), "bin"),
            (data.clone(), "data"),
            (store, "trust.p12"),
            (self.jars.clone(), "jars"),
        ];
        Ok((image, data))
    }
}
