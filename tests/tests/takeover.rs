//! A cluster that one controller has served is handed to the other, with its keys and objects in place.
//!
//! What must not happen at a hand-over: a Secret that is equal is written again, a new key is made, another
//! certificate is served. What must: new, edited and deleted objects are served as before.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE, reference_source};
use harness::process::Process;
use harness::samples;
use serde_json::{Value, json};

use Implementation::{Ours, Reference};

/// How long a Secret may take to follow its SealedSecret.
const FOLLOW: Duration = Duration::from_secs(60);

#[test]
fn ours_takes_over_under_the_references_rights_then_under_its_own_and_hands_back() -> Result<()> {
    let mut story = Story::begin(Reference)?;
    // Only the program is replaced: the reference's CRD, roles and Services stay as they are.
    story.hand_over(Ours)?;
    story.check_what_was_missing()?;
    story.cluster.install(Ours)?;
    story.hand_over(Ours)?;
    story.cluster.install(Reference)?;
    story.hand_over(Reference)
}

#[test]
fn the_reference_takes_over_under_our_rights() -> Result<()> {
    Story::begin(Ours)?.hand_over(Reference)
}

/// A cluster with objects, and who serves it now.
struct Story {
    controller: Option<Process>,
    serving: Implementation,
    chapter: usize,
    cluster: Cluster,
}

/// The state that a hand-over must not change.
#[derive(Debug, PartialEq)]
struct Kept {
    /// Name and resource version of every Secret that a SealedSecret owns or patches, and of every key.
    secrets: BTreeMap<String, String>,
    certificate: String,
}

impl Story {
    /// Installs an implementation and lets it serve objects of every kind.
    fn begin(implementation: Implementation) -> Result<Story> {
        let cluster = Cluster::start()?;
        cluster.install(implementation)?;
        let controller = Some(cluster.start_controller(implementation, &[])?);
        let story = Story {
            controller,
            serving: implementation,
            chapter: 0,
            cluster,
        };
        for existing in existing_secrets() {
            story.cluster.apply(&existing.to_string())?;
        }
        for (scope, secret) in secrets_to_seal() {
            story.seal_and_apply(scope, &secret)?;
        }
        for (_, secret) in secrets_to_seal() {
            story.await_items(name_of(&secret)?, &secret["data"])?;
        }
        Ok(story)
    }

    /// Stops the controller, starts the other one with the rights that are installed now, and checks.
    fn hand_over(&mut self, to: Implementation) -> Result<()> {
        self.chapter += 1;
        let from = self.serving;
        let before = self.kept()?;
        if let Some(old) = self.controller.take() {
            old.terminate(Duration::from_secs(30))?;
        }
        self.controller = Some(self.cluster.start_controller(to, &[])?);
        self.serving = to;
        let title = format!("{} after {} (hand-over {})", to.name(), from.name(), self.chapter);
        self.serves_as_before(&before)
            .map_err(|error| self.cluster.with_logs(error.context(title)))
    }

    fn serves_as_before(&self, before: &Kept) -> Result<()> {
        // New: when this Secret is there, the controller has listed and worked through what was there before.
        let name = format!("new-{}", self.chapter);
        let new = samples::secret("default", &name);
        self.seal_and_apply("strict", &new)?;
        self.await_items(&name, &new["data"])?;
        self.cluster
            .kubectl_ok(&["wait", "--for=condition=Synced", "--timeout=30s", "sealedsecret", &name])?;
        // Deleted by hand: it comes back.
        self.cluster.kubectl_ok(&["delete", "secret", &name])?;
        self.await_items(&name, &new["data"])?;
        // Edited.
        let mut edited = new.clone();
        edited["data"] = json!({"edited": "YWdhaW4="});
        self.seal_and_apply("strict", &edited)?;
        self.await_items(&name, &edited["data"])?;
        // Deleted: its Secret goes.
        self.cluster.kubectl_ok(&["delete", "sealedsecret", &name])?;
        self.cluster.eventually(FOLLOW, "end of the Secret", || {
            let left = self.cluster.kubectl(&["get", "secret", &name])?;
            ensure!(left.stderr.contains("NotFound"), "still there: {left}");
            Ok(())
        })?;
        let after = self.kept()?;
        ensure!(after == *before, "touched: before {before:#?}\nafter {after:#?}");
        Ok(())
    }

    fn kept(&self) -> Result<Kept> {
        let mut secrets = BTreeMap::new();
        for namespace in ["default", NAMESPACE] {
            let all = self.cluster.get_json(&["secrets", "-n", namespace])?;
            for secret in all["items"].as_array().context("a list")? {
                let version = secret.pointer("/metadata/resourceVersion").and_then(Value::as_str);
                secrets.insert(
                    format!("{namespace}/{}", name_of(secret)?),
                    version.unwrap_or_default().to_owned(),
                );
            }
        }
        Ok(Kept {
            secrets,
            certificate: self.cluster.proxied_get("/v1/cert.pem")?.stdout,
        })
    }

    /// Seals with the serving implementation's kubeseal, which fetches the certificate itself, and applies.
    fn seal_and_apply(&self, scope: &str, secret: &Value) -> Result<()> {
        let arguments = ["--scope", scope, "--format", "yaml"];
        let sealed = self
            .cluster
            .kubeseal(self.serving, &arguments, &secret.to_string())?
            .success()?;
        self.cluster.apply(&sealed.stdout)?;
        Ok(())
    }

    /// Waits until the Secret has all these items.
    fn await_items(&self, name: &str, items: &Value) -> Result<()> {
        self.cluster
            .eventually(FOLLOW, &format!("Secret {name} with its items"), || {
                let secret = self.cluster.get_json(&["secret", name])?;
                let items = items.as_object().context("items")?;
                let equal = items.iter().all(|(key, value)| secret["data"].get(key) == Some(value));
                ensure!(equal, "it has {:#}", secret["data"]);
                Ok(())
            })
    }

    /// The reference's rights are enough: missing ones disable features, with one log line each.
    fn check_what_was_missing(&self) -> Result<()> {
        let log = self.controller.as_ref().context("no controller")?.log()?;
        ensure!(log.contains("level=INFO"), "not the controller's log:\n{log}");
        let complaints: Vec<_> = log.lines().filter(|line| !line.contains("level=INFO")).collect();
        for known in ["leases are denied", "the certificate cannot be published"] {
            let said = complaints.iter().filter(|line| line.contains(known)).count();
            ensure!(said == 1, "{known}: {complaints:#?}");
        }
        ensure!(complaints.len() == 2, "{complaints:#?}");
        Ok(())
    }
}

/// The rights that the take-over runs under are those of the pinned reference: as in the source of its manifest.
#[test]
fn the_references_rights_are_as_its_own_source_says() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Reference)?;
    let source: String = std::fs::read_to_string(reference_source()?.join("controller.jsonnet"))?;
    let words: String = source.split_whitespace().collect();
    let role = cluster.get_json(&["clusterrole", "secrets-unsealer"])?;
    let list = |rule: &Value, field: &str| -> Result<String> {
        let words = rule[field]
            .as_array()
            .context("a list")?
            .iter()
            .filter_map(Value::as_str);
        Ok(words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(","))
    };
    let mut rules = String::new();
    for rule in role["rules"].as_array().context("rules")? {
        let (groups, resources, verbs) = (list(rule, "apiGroups")?, list(rule, "resources")?, list(rule, "verbs")?);
        rules += &format!("{{apiGroups:[{groups}],resources:[{resources}],verbs:[{verbs}],}},");
    }
    let expected = format!("kube.ClusterRole('secrets-unsealer'){{rules:[{rules}],}}");
    ensure!(words.contains(&expected), "not in the reference's source: {expected}");
    Ok(())
}

/// Secrets that are there before, and allow a SealedSecret to take them or to add to them.
fn existing_secrets() -> Vec<Value> {
    let existing = |name: &str, annotations: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": "default", "annotations": annotations},
            "data": {"old": "b2xk"},
        })
    };
    vec![
        existing("managed", json!({"sealedsecrets.bitnami.com/managed": "true"})),
        existing("patched", json!({"sealedsecrets.bitnami.com/patch": "true"})),
    ]
}

/// Secrets of every kind, with the scope in which each is sealed.
fn secrets_to_seal() -> Vec<(&'static str, Value)> {
    let mut labelled = samples::secret("default", "labelled");
    labelled["metadata"]["labels"] = json!({"app": "connect", "category": "kafka"});
    labelled["metadata"]["annotations"] = json!({"example.com/owner": "streaming"});
    let mut untyped = samples::secret("default", "untyped");
    untyped.as_object_mut().map(|fields| fields.remove("type"));
    let mut immutable = samples::secret("default", "immutable");
    immutable["immutable"] = json!(true);
    let mut login = samples::secret("default", "login");
    login["type"] = json!("kubernetes.io/basic-auth");
    login["data"] = json!({"username": "YQ==", "password": "Yg=="});
    let mut patched = samples::secret("default", "patched");
    patched["data"] = json!({"added": "bmV3"});
    vec![
        ("strict", samples::secret("default", "plain")),
        ("namespace-wide", samples::secret("default", "in-namespace")),
        ("cluster-wide", samples::secret("default", "anywhere")),
        ("strict", labelled),
        ("strict", untyped),
        ("strict", immutable),
        ("strict", login),
        ("strict", samples::secret("default", "managed")),
        ("strict", patched),
    ]
}

fn name_of(object: &Value) -> Result<&str> {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .context("an object has a name")
}
