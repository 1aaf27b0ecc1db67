//! The chaos run: two minutes of it; and each of its invariants broken on purpose, for its observer to find.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::chaos::{self, Book, Eyes, Relay, SPACE, await_values};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::peers;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn two_minutes_of_chaos_break_nothing() -> Result<()> {
    // The same faults each time, so that a change of the code is what a failure tells of; `cargo xtask chaos` draws others.
    const SEED: u64 = 31;
    let summary = chaos::run(Duration::from_secs(120), SEED, &|line| eprintln!("{line}"))?;
    ensure!(
        summary.violations.is_empty(),
        "again: cargo xtask chaos --seed {SEED}\n{summary}"
    );
    ensure!(
        summary.states > 100 && summary.kills > 0,
        "too little happened: {summary}"
    );
    Ok(())
}

/// A cluster without a controller, and a client that writes in the controller's name what it would never write.
struct Stage {
    eyes: Eyes,
    relays: [Relay; 2],
    book: Book,
    account: String,
    cluster: Cluster,
}

impl Stage {
    fn open() -> Result<Stage> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        cluster.kubectl_ok(&["create", "namespace", SPACE])?;
        let book = Book::default();
        book.open().keys = 1;
        for _ in 0..2 {
            book.open().edit("one");
        }
        Ok(Stage {
            eyes: Eyes::open(&cluster)?,
            relays: [Relay::open(&cluster, 0, 0)?, Relay::open(&cluster, 1, 0)?],
            book,
            account: cluster
                .service_account_kubeconfig(NAMESPACE, CONTROLLER)?
                .display()
                .to_string(),
            cluster,
        })
    }

    /// Writes an object as that replica would, by its relay. `verb`: `create` or `replace`.
    fn write(&self, replica: usize, verb: &str, object: &Value) -> Result<()> {
        let server = format!("https://{}:{}", self.cluster.address(), self.relays[replica].port);
        let mut command = self.cluster.command(self.cluster.peer(&peers::KUBECTL)?);
        command.args(["--kubeconfig", &self.account, "--server", &server, verb, "-f", "-"]);
        harness::output::run_with_input(&mut command, object.to_string().as_bytes())?
            .success()
            .map(drop)
    }

    /// Waits until the last violation is one with these words.
    fn await_violation(&self, words: &str) -> Result<()> {
        self.cluster.eventually(SOON, &format!("violation {words:?}"), || {
            self.eyes.look(&self.book)?;
            let violations = self.eyes.violations();
            let last = violations.last().context("no violation")?;
            ensure!(last.contains(words), "{violations:#?}");
            Ok(())
        })
    }
}

fn secret(items: &Value) -> Value {
    let mut data = json!({});
    for (name, value) in items.as_object().into_iter().flatten() {
        data[name] = STANDARD.encode(value.to_string()).into();
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": SPACE}, "data": data})
}

fn key(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"tls.crt": value, "tls.key": value},
        "metadata": {
            "name": name, "namespace": NAMESPACE, "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
    })
}

fn lease(holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {"holderIdentity": holder},
        "metadata": {"name": CONTROLLER, "namespace": NAMESPACE},
    })
}

#[test]
fn the_observer_finds_each_invariant_that_is_broken() -> Result<()> {
    let stage = Stage::open()?;
    let right = secret(&json!({"a": 2, "b": 2}));
    let missing = await_values(&stage.cluster, &stage.book, Duration::from_secs(1));
    ensure!(
        missing.as_ref().is_err_and(|missing| missing.contains("in place of 2")),
        "{missing:?}"
    );
    stage.write(0, "create", &lease("0"))?;
    stage.write(0, "create", &right)?;
    ensure!(await_values(&stage.cluster, &stage.book, SOON).is_ok());
    stage.cluster.apply(&key("first", "1").to_string())?;
    std::thread::sleep(Duration::from_secs(6));
    stage.eyes.look(&stage.book)?;
    ensure!(stage.eyes.violations().is_empty(), "{:?}", stage.eyes.violations());

    for (items, words) in [
        (json!({}), "no item a"),
        (json!({"a": 2}), "no item b"),
        (json!({"a": 2, "b": 1}), "half a Secret"),
        (json!({"a": 7, "b": 7}), "nobody asked for"),
        (json!({"a": 1, "b": 1}), "went back from 2 to 1"),
    ] {
        stage.write(0, "replace", &secret(&items))?;
        stage.await_violation(words)?;
    }
    stage.cluster.apply(&key("second", "1").to_string())?;
    stage.await_violation("one too many")?;
    stage.cluster.apply(&key("second", "2").to_string())?;
    stage.await_violation("was changed")?;
    stage
        .cluster
        .kubectl_ok(&["delete", "secret", "first", "-n", NAMESPACE])?;
    stage.await_violation("is lost")?;

    // Eight are allowed for two changes, and four more; there were six.
    for _ in 0..7 {
        stage.write(0, "replace", &right)?;
    }
    stage.await_violation("writes to one")?;

    stage.write(1, "replace", &lease("1"))?;
    stage.write(0, "replace", &right)?;
    stage.await_violation("two writers: replica 0 sent `update secrets one`")?;
    Ok(())
}
