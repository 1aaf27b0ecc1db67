//! Sealing keys: made, found, renewed, retired and lost, without a restart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::implementation::NAMESPACE;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON};

pub(crate) const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

impl Lab {
    pub(crate) fn await_other_certificate(&self, than: &str) -> Result<String> {
        self.cluster.eventually(SOON, "other certificate", || {
            let certificate = self.certificate()?;
            ensure!(certificate != than);
            Ok(certificate)
        })
    }
}

#[test]
fn the_first_key_is_made_as_the_reference_makes_it() -> Result<()> {
    let labels = "--privatekey-labels=team=a,stage=prod";
    let lab = Lab::start(&[
        "--key-size=2048",
        "--my-cn=our-cluster",
        labels,
        "--privatekey-annotations=note=x",
    ])?;
    let keys = lab.cluster.key_secrets()?;
    let items = keys["items"].as_array().context("a list")?;
    let [key] = items.as_slice() else {
        anyhow::bail!("{} keys", items.len())
    };
    let metadata = &key["metadata"];
    ensure!(
        metadata["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("sealed-secrets-key")),
        "{metadata}"
    );
    ensure!(key["type"] == "kubernetes.io/tls");
    ensure!(
        metadata["labels"] == json!({LABEL: "active", "team": "a", "stage": "prod"}),
        "{metadata}"
    );
    ensure!(metadata["annotations"] == json!({"note": "x"}), "{metadata}");
    let logged = lab.await_log(&[
        "msg=\"Certificate generated\"",
        "certificate=\"-----BEGIN CERTIFICATE-----\\nMII",
    ])?;
    let certificate = lab.certificate()?;
    ensure!(
        logged.contains(&certificate.replace('\n', "\\n")),
        "the log has what is served"
    );
    lab.await_log(&["msg=\"New key written\"", "namespace=kube-system"])?;
    Ok(())
}

#[test]
fn keys_come_and_go_without_a_restart() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let first = lab.certificate()?;
    let first_key = lab.key_names()?.pop().context("a key")?;
    lab.unseal("default", "by-first", &json!({"a": "1"}))?;

    // A new key on SIGUSR1; the old one still opens. Certificates count in seconds, and a key becomes current only when it
    // is newer.
    std::thread::sleep(Duration::from_millis(1100));
    lab.controller.signal("USR1")?;
    let second = lab.await_other_certificate(&first)?;
    lab.unseal("default", "by-second", &json!({"a": "2"}))?;
    let late = lab.seal_for(&first, "default", "late", &json!({"a": "3"}), "strict")?;
    lab.cluster.apply(&late.to_string())?;
    lab.await_items("default", "late", &json!({"a": "3"}))?;
    let names = lab.key_names()?;
    ensure!(names.len() == 2, "{names:?}");
    let second_key = names
        .into_iter()
        .find(|name| *name != first_key)
        .context("another key")?;

    // Relabelled: unloaded at once, and the one before is current again.
    lab.key("label", &second_key, &[&format!("{LABEL}=compromised"), "--overwrite"])?;
    lab.cluster.eventually(SOON, "the first certificate again", || {
        ensure!(lab.certificate()? == first);
        Ok(())
    })?;
    let sealed = lab.seal_for(&second, "default", "stalled", &json!({"a": "4"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_condition("default", "stalled", "Stalled", "True")?;
    lab.await_log(&["level=WARN", "unloaded", &second_key])?;

    // Active again: what waited for it is opened at once.
    lab.key("label", &second_key, &[&format!("{LABEL}=active"), "--overwrite"])?;
    lab.await_condition("default", "stalled", "Synced", "True")?;
    ensure!(lab.certificate()? == second);

    // Deleted: it opens until the end, but does not seal any more.
    lab.key("delete", &second_key, &[])?;
    lab.await_log(&["level=WARN", "kept for opening", &second_key])?;
    ensure!(lab.certificate()? == first);
    let sealed = lab.seal_for(&second, "default", "orphaned", &json!({"a": "5"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "orphaned", &json!({"a": "5"}))?;
    ensure!(lab.key_names()? == [first_key], "no key was made meanwhile");

    // The next start knows nothing of it.
    lab.restart(&["--key-size=2048"])?;
    let sealed = lab.seal_for(&second, "default", "too-late", &json!({"a": "6"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_condition("default", "too-late", "Stalled", "True")?;
    Ok(())
}

#[test]
fn a_replacement_is_made_only_after_a_minute_without_any_key() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let only = lab.key_names()?.pop().context("a key")?;
    lab.key("label", &only, &[&format!("{LABEL}=compromised"), "--overwrite"])?;
    // An administrator who replaces a key has this time between taking the old one away and bringing the new one.
    lab.throughout(Duration::from_secs(50), || {
        let keys = lab.key_names()?;
        ensure!(keys.is_empty(), "made too soon: {keys:?}");
        Ok(())
    })?;
    lab.cluster.eventually(SOON, "replacement", || {
        let keys = lab.key_names()?;
        ensure!(keys.len() == 1, "the keys are {keys:?}");
        Ok(())
    })?;
    lab.cluster.eventually(SOON, "certificate", || lab.certificate())?;
    lab.unseal("default", "sealed-anew", &json!({"a": "1"}))
}

/// Waits for an event about a key Secret.
pub(crate) fn await_event(lab: &Lab, name: &str, reason: &str) -> Result<()> {
    lab.cluster.eventually(SOON, "event about the key", || {
        let selector = format!("involvedObject.kind=Secret,involvedObject.name={name},reason={reason}");
        let events = lab
            .cluster
            .get_json(&["events", "-n", NAMESPACE, "--field-selector", &selector])?;
        ensure!(
            events["items"].as_array().is_some_and(|items| items.len() == 1),
            "{events}"
        );
        Ok(())
    })
}

#[test]
fn a_key_that_appears_is_loaded_and_a_malformed_one_is_reported_and_survived() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let before = lab.certificate()?;
    let mut malformed = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "malformed", "namespace": NAMESPACE, "labels": {LABEL: "active"}},
        "stringData": {"tls.key": "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0LWJ5dGVz\n-----END RSA PRIVATE KEY-----\n", "tls.crt": "x"},
    });
    lab.cluster.apply(&malformed.to_string())?;
    let line = lab.await_log(&["level=ERROR", "msg=\"Error reading key\"", "secret=malformed"])?;
    ensure!(!line.contains("c2Vjcm") && !line.contains("secret-bytes"), "{line}");
    lab.await_metric("sealed_secrets_controller_malformed_keys", 1.0)?;
    await_event(&lab, "malformed", "ErrKeyMalformed")?;
    ensure!(lab.certificate()? == before, "it goes on as before");
    // The reference crashes at its start over such a key.
    lab.restart(&["--key-size=2048"])?;
    ensure!(lab.certificate()? == before, "it starts as before");
    lab.await_metric("sealed_secrets_controller_malformed_keys", 1.0)?;

    // An administrator brings a key of his own, and what was sealed for it opens at once.
    let folder = tempfile::tempdir()?;
    let own = SealingKey::generate(folder.path(), 2048)?;
    let certificate = std::fs::read_to_string(&own.certificate)?;
    let sealed = lab.seal_for(&certificate, "default", "one", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_condition("default", "one", "Stalled", "True")?;
    let secret = own.secret()?;
    lab.cluster.apply(&secret.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    lab.await_condition("default", "one", "Synced", "True")?;

    // The malformed one is mended.
    malformed["stringData"] = Value::Null;
    malformed["data"] = secret["data"].clone();
    lab.cluster.apply(&malformed.to_string())?;
    lab.await_metric("sealed_secrets_controller_malformed_keys", 0.0)
}

#[test]
fn keys_are_renewed_by_age_and_by_the_cut_off() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048", "--key-renew-period=0"])?;
    let first = lab.certificate()?;
    lab.restart(&["--key-size=2048", "--key-renew-period=0"])?;
    ensure!(lab.certificate()? == first, "a restart makes no key");
    // Certificates count in seconds: the next one has to begin in a later one.
    std::thread::sleep(Duration::from_millis(1100));
    let now = harness::output::run(std::process::Command::new("date").arg("-R"))?
        .success()?
        .stdout;
    let cutoff = format!("--key-cutoff-time={}", now.trim());
    lab.restart(&["--key-size=2048", "--key-renew-period=0", &cutoff])?;
    let second = lab.await_other_certificate(&first)?;
    lab.restart(&["--key-size=2048", "--key-renew-period=0", &cutoff])?;
    ensure!(lab.certificate()? == second, "it is cut off once");
    ensure!(lab.key_names()?.len() == 2);

    lab.restart(&["--key-size=2048", "--key-renew-period=8s"])?;
    let third = lab.await_other_certificate(&second)?;
    lab.await_other_certificate(&third)?;
    Ok(())
}

#[test]
fn where_watching_and_events_are_denied_keys_are_listed_and_the_rest_goes_on() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let mut shipped = lab.cluster.get_json(&["clusterrole", "secrets-unsealer"])?;
    shipped["metadata"] = json!({"name": "secrets-unsealer"});
    let mut role = shipped.clone();
    for rule in role["rules"].as_array_mut().context("rules")? {
        let denied = match rule["resources"][0].as_str() {
            Some("secrets") => "watch",
            Some("events") => "create",
            _ => continue,
        };
        let verbs = rule["verbs"].as_array_mut().context("verbs")?;
        ensure!(
            verbs.iter().any(|verb| verb == denied),
            "{denied} is not allowed as it is"
        );
        verbs.retain(|verb| verb != denied);
    }
    lab.cluster.apply(&role.to_string())?;
    lab.restart(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    lab.unseal("default", "one", &json!({"a": "2"}))?;
    lab.await_log(&["level=WARN", "key Secrets cannot be watched"])?;

    let folder = tempfile::tempdir()?;
    let own = SealingKey::generate(folder.path(), 2048)?;
    let certificate = std::fs::read_to_string(&own.certificate)?;
    let sealed = lab.seal_for(&certificate, "default", "two", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_condition("default", "two", "Stalled", "True")?;
    lab.cluster.apply(&own.secret()?.to_string())?;
    lab.await_items("default", "two", &json!({"a": "1"}))?;
    let log = lab.controller.log()?;
    for said in [
        "key Secrets cannot be watched",
        "\"Secrets cannot be watched",
        "events cannot be posted",
    ] {
        ensure!(
            log.lines().filter(|line| line.contains(said)).count() == 1,
            "{said} once in\n{log}"
        );
    }

    // Allowed again: a watch takes over from the lists, without a restart.
    lab.cluster.apply(&shipped.to_string())?;
    let third = SealingKey::generate(folder.path(), 2048)?;
    let (secret, mut value) = (third.secret()?, 0);
    lab.cluster
        .eventually(Duration::from_secs(120), "key Secrets are watched again", || {
            // A watch proves that it works only when an event arrives.
            value += 1;
            let mut touched = secret.clone();
            touched["metadata"]["annotations"] = json!({"touched": value.to_string()});
            lab.cluster.apply(&touched.to_string())?;
            ensure!(lab.controller.log()?.contains("key Secrets are followed again"));
            Ok(())
        })?;
    lab.await_log(&["\"Secrets are watched again"])?;
    Ok(())
}

#[test]
fn the_key_secret_of_version_0_8_is_loaded_whatever_its_label() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let folder = tempfile::tempdir()?;
    let old = SealingKey::generate(folder.path(), 2048)?;
    let certificate = std::fs::read_to_string(&old.certificate)?;
    let mut secret = old.secret()?;
    secret["metadata"] = json!({"name": "sealed-secrets-key", "namespace": NAMESPACE});
    lab.cluster.apply(&secret.to_string())?;
    lab.restart(&["--key-size=2048"])?;
    let sealed = lab.seal_for(&certificate, "default", "one", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1"}))
}

const MAP: &str = "sealed-secrets-controller-certificate";

impl Lab {
    fn await_published(&self, certificate: &str) -> Result<()> {
        self.cluster.eventually(SOON, "ConfigMap with the certificate", || {
            let map = self.cluster.get_json(&["configmap", MAP, "-n", NAMESPACE])?;
            ensure!(map["data"] == json!({"tls.crt": certificate}), "{}", map["data"]);
            Ok(())
        })
    }
}

#[test]
fn the_certificate_is_published_for_everybody_who_is_known_and_put_right() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let first = lab.certificate()?;
    lab.await_published(&first)?;

    // All authenticated users may read it; only the controller may write it.
    let may = |verb: &str, who: &[&str]| {
        let mut question = vec!["auth", "can-i", verb, &*format!("configmap/{MAP}"), "-n", NAMESPACE]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        question.extend(who.iter().map(|word| (*word).to_owned()));
        let question: Vec<_> = question.iter().map(String::as_str).collect();
        Ok::<_, anyhow::Error>(lab.cluster.kubectl(&question)?.stdout.trim() == "yes")
    };
    let user: &[&str] = &["--as=somebody", "--as-group=system:authenticated"];
    let stranger: &[&str] = &["--as=system:anonymous", "--as-group=system:unauthenticated"];
    let controller: &[&str] = &["--as=system:serviceaccount:kube-system:sealed-secrets-controller"];
    let allowed = [
        may("get", user)?,
        may("update", user)?,
        may("patch", user)?,
        may("delete", user)?,
        may("get", stranger)?,
        may("update", controller)?,
        may("delete", controller)?,
    ];
    ensure!(
        allowed == [true, false, false, false, false, true, false],
        "{allowed:?}"
    );

    // Swapped, emptied, deleted: it is restored, and metadata of other clients stay.
    let label = &["label", "configmap", MAP, "-n", NAMESPACE, "team=a"];
    lab.cluster.kubectl_ok(label)?;
    for patch in [
        json!({"data": {"tls.crt": "another"}}),
        json!({"data": null}),
        json!({"data": {"tls.key": "x"}}),
    ] {
        let patch = patch.to_string();
        lab.cluster
            .kubectl_ok(&["patch", "configmap", MAP, "-n", NAMESPACE, "--type=merge", "-p", &patch])?;
        lab.await_published(&first)?;
    }
    let map = lab.cluster.get_json(&["configmap", MAP, "-n", NAMESPACE])?;
    ensure!(map["metadata"]["labels"] == json!({"team": "a"}), "{map}");
    lab.cluster.kubectl_ok(&["delete", "configmap", MAP, "-n", NAMESPACE])?;
    lab.await_published(&first)?;

    // A new key is published as soon as it is served.
    lab.controller.signal("USR1")?;
    let second = lab.await_other_certificate(&first)?;
    lab.await_published(&second)?;
    let log = lab.controller.log()?;
    ensure!(!log.contains("cannot be published"), "{log}");
    Ok(())
}
