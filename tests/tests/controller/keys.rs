//! Keys that come, change and go while the controller runs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::eventually::throughout;
use harness::implementation::{Implementation, NAMESPACE};
use harness::sealing_keys::SealingKey;
use serde_json::json;

use crate::laboratory::{AT_ONCE, FOLLOW, Laboratory, sealed_with, secret};

#[test]
fn a_key_that_appears_opens_at_once_what_waited_for_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let lab = Laboratory::start(|_| Ok(()))?;
    let waiting = secret("waiting");
    lab.apply_sealed(&waiting, Some(&key))?;
    let message = lab.await_failure("waiting")?;
    ensure!(message == "no key could decrypt secret (password, user)", "{message}");
    lab.cluster.apply(&key.secret()?.to_string())?;
    lab.await_secret(&waiting, AT_ONCE)?;
    lab.cluster.kubectl_ok(&[
        "wait",
        "--for=condition=Synced",
        "--timeout=10s",
        "sealedsecret",
        "waiting",
    ])?;
    Ok(())
}

#[test]
fn a_key_that_is_relabelled_is_unloaded_at_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let brought = SealingKey::generate(folder.path(), 2048)?;
    let lab = Laboratory::start(|_| Ok(()))?;
    lab.cluster.apply(&brought.secret()?.to_string())?;
    let made = lab
        .active_keys()?
        .into_iter()
        .find(|name| name != brought.name())
        .context("no key was made")?;
    let sealed = lab
        .cluster
        .kubeseal(Implementation::Ours, &[], &secret("retired").to_string())?
        .success()?;
    let valid = |text: &str| lab.cluster.kubeseal(Implementation::Ours, &["--validate"], text);
    valid(&sealed.stdout)?.success()?;

    lab.retire(&made)?;
    let certificate = std::fs::read_to_string(&brought.certificate)?;
    lab.cluster
        .eventually(AT_ONCE, "certificate of the key that is left", || {
            let served = lab.cluster.proxied_get("/v1/cert.pem")?.stdout;
            ensure!(served.trim() == certificate.trim(), "it serves {served}");
            Ok(())
        })?;
    let refused = valid(&sealed.stdout)?;
    ensure!(
        refused.code() == 1 && refused.stderr.contains("unable to decrypt sealed secret"),
        "{refused}"
    );
    let still = sealed_with(&brought, &secret("still"))?.to_string();
    valid(&still)?.success()?;
    ensure!(
        lab.active_keys()? == [brought.name()],
        "a new key was made although one is left"
    );
    Ok(())
}

#[test]
fn a_key_that_is_deleted_still_opens_until_the_next_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let lab = Laboratory::start(|_| Ok(()))?;
    lab.cluster.apply(&key.secret()?.to_string())?;
    let before = secret("before");
    lab.apply_sealed(&before, Some(&key))?;
    lab.await_secret(&before, FOLLOW)?;

    lab.cluster
        .kubectl_ok(&["delete", "secret", key.name(), "-n", NAMESPACE])?;
    lab.cluster.eventually(AT_ONCE, "warning", || {
        let log = lab.controller.log()?;
        let warned = log
            .lines()
            .any(|line| line.contains("level=WARN") && line.contains(key.name()));
        ensure!(warned, "no line warns of {}", key.name());
        Ok(())
    })?;
    let after = secret("after");
    lab.apply_sealed(&after, Some(&key))?;
    lab.await_secret(&after, FOLLOW)?;

    let lab = lab.restart()?;
    lab.apply_sealed(&secret("too-late"), Some(&key))?;
    lab.await_failure("too-late")?;
    Ok(())
}

#[test]
fn a_replacement_is_made_only_after_a_minute_without_any_key() -> Result<()> {
    let lab = Laboratory::start(|_| Ok(()))?;
    let first = lab.active_keys()?;
    ensure!(first.len() == 1, "not one key at first: {first:?}");
    for name in &first {
        lab.retire(name)?;
    }
    // An administrator who replaces a key has this time between taking the old one away and bringing the new one.
    throughout(Duration::from_secs(50), "patience", || {
        let keys = lab.active_keys()?;
        ensure!(keys.is_empty(), "made too soon: {keys:?}");
        Ok(())
    })?;
    lab.cluster.eventually(FOLLOW, "replacement", || {
        let keys = lab.active_keys()?;
        ensure!(keys.len() == 1, "the keys are {keys:?}");
        Ok(())
    })?;
    let sealed_anew = secret("sealed-anew");
    lab.cluster
        .eventually(AT_ONCE, "certificate", || lab.cluster.proxied_get("/v1/cert.pem"))?;
    lab.apply_sealed(&sealed_anew, None)?;
    lab.await_secret(&sealed_anew, FOLLOW)
}

#[test]
fn a_malformed_key_is_reported_and_survived() -> Result<()> {
    let malformed = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {
                "name": name, "namespace": NAMESPACE,
                "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
            },
            "data": {"tls.crt": "bm90IGEgY2VydGlmaWNhdGU=", "tls.key": "bm90IGEga2V5"},
        })
        .to_string()
    };
    // One is there at the start, where the reference crashes, the other comes later.
    let lab = Laboratory::start(|cluster| cluster.apply(&malformed("broken-before")).map(drop))?;
    lab.cluster.apply(&malformed("broken-later"))?;
    for name in ["broken-before", "broken-later"] {
        lab.cluster.eventually(AT_ONCE, "report", || {
            ensure!(lab.controller.log()?.contains(name), "the log does not name {name}");
            Ok(())
        })?;
    }
    let log = lab.controller.log()?;
    ensure!(
        !log.contains("not a key") && !log.contains("bm90IGEga2V5"),
        "the log shows what is in it"
    );
    let served = secret("served");
    lab.apply_sealed(&served, None)?;
    lab.await_secret(&served, FOLLOW)
}
