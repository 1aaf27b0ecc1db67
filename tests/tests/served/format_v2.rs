//! Format v2 of the sealed value's format: from the first hybrid key to the way back.

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::run;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of, leads};
use crate::keys::{LABEL, await_event};

const SMALL: [&str; 2] = ["--key-size=2048", "--key-renew-period=0"];

fn flags<'f>(more: &[&'f str]) -> Vec<&'f str> {
    SMALL.iter().chain(more).copied().collect()
}

/// Seals with our kubeseal, in version 2.
fn seal_v2(certificate: &str, name: &str, items: &Value, scope: &str) -> Result<Value> {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"}, "stringData": items,
    });
    Implementation::Ours.seal(certificate, &["--scope", scope, "--format-version", "2"], &secret)
}

fn is_v2(sealed: &Value) -> bool {
    let items = sealed["spec"]["encryptedData"].as_object();
    // Base64 of 00 00 02.
    items.is_some_and(|items| {
        items
            .values()
            .all(|text| text.as_str().is_some_and(|text| text.starts_with("AAAC")))
    })
}

/// The condition's message once the object is not synced.
fn await_refusal(lab: &Lab, name: &str) -> Result<String> {
    let sealed = lab.await_condition("default", name, "Synced", "False")?;
    let message = condition_of(&sealed, "Synced")["message"].as_str().map(str::to_owned);
    message.context("a message")
}

fn key_secret(lab: &Lab, name: &str) -> Result<Value> {
    lab.cluster.get_json(&["secret", name, "-n", NAMESPACE])
}

#[test]
fn hybrid_keys_are_prepared_then_published_once() -> Result<()> {
    let mut lab = Lab::start(&SMALL)?;
    let first = lab.certificate()?;
    lab.restart(&flags(&["--hybrid=prepare"]))?;
    ensure!(
        lab.key_names()?.len() == 1 && lab.certificate()? == first,
        "prepare makes no key of itself"
    );
    lab.controller.signal("USR1")?;
    lab.cluster.eventually(SOON, "a second key", || {
        ensure!(lab.certificate()? != first);
        Ok(())
    })?;
    let prepared = lab.certificate()?;
    let [_, name] = &lab.key_names()?[..] else {
        anyhow::bail!("two keys")
    };
    ensure!(
        key_secret(&lab, name)?["data"]["hybrid.seed"].is_string(),
        "prepared with a seed"
    );
    let refused = seal_v2(&prepared, "early", &json!({"a": "1"}), "strict");
    ensure!(refused.is_err(), "nothing tells of the hybrid key yet");

    // Certificates tell their age in seconds, and of two of one second the first stays the current one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    lab.restart(&flags(&["--hybrid=publish"]))?;
    lab.cluster.eventually(SOON, "a third key", || {
        ensure!(lab.certificate()? != prepared);
        Ok(())
    })?;
    let published = lab.certificate()?;
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        let (name, items) = (format!("new-{scope}"), json!({"a": "1", "b": ""}));
        let sealed = seal_v2(&published, &name, &items, scope)?;
        ensure!(is_v2(&sealed), "{sealed}");
        lab.cluster.apply(&sealed.to_string())?;
        lab.await_items("default", &name, &items)?;
        lab.await_condition("default", &name, "Synced", "True")?;
    }
    lab.await_metric("sealed_secrets_controller_hybrid_keys", 2.0)?;
    lab.await_metric("sealed_secrets_controller_hybrid_key_faults", 0.0)?;
    // Once: not with each start.
    lab.restart(&flags(&["--hybrid=publish"]))?;
    lab.unseal("default", "v1", &json!({"a": "1"}))?;
    ensure!(lab.key_names()?.len() == 3 && lab.certificate()? == published);
    cut_off_then_retired(&mut lab, &published)?;
    // Off again: the key stays, and opens.
    lab.restart(&SMALL)?;
    lab.cluster.kubectl_ok(&["delete", "secret", "new-strict"])?;
    lab.await_items("default", "new-strict", &json!({"a": "1", "b": ""}))
}

/// The next key is hybrid as well and the one before opens, until it is retired: then by no key, and again once it is active.
fn cut_off_then_retired(lab: &mut Lab, published: &str) -> Result<()> {
    let names = lab.key_names()?;
    let former = names.last().context("a key")?.clone();
    // Certificates count in seconds: the next one has to begin in a later one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let now = run(std::process::Command::new("date").arg("-R"))?.success()?.stdout;
    let cutoff = format!("--key-cutoff-time={}", now.trim());
    lab.restart(&flags(&["--hybrid=publish", &cutoff]))?;
    let next = lab.await_other_certificate(published)?;
    let items = json!({"a": "1", "b": ""});
    let sealed = seal_v2(&next, "next", &items, "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "next", &items)?;
    lab.cluster.kubectl_ok(&["delete", "secret", "new-strict"])?;
    lab.await_items("default", "new-strict", &items)?;

    lab.key("label", &former, &[&format!("{LABEL}=retired"), "--overwrite"])?;
    let old = seal_v2(published, "old", &items, "strict")?;
    lab.cluster.apply(&old.to_string())?;
    let message = await_refusal(lab, "old")?;
    ensure!(
        message.contains("sealed for a key that is not here (key id "),
        "{message}"
    );
    ensure!(lab.is_absent("default", "old")? && lab.certificate()? == next);
    lab.key("label", &former, &[&format!("{LABEL}=active"), "--overwrite"])?;
    lab.await_items("default", "old", &items)
}

#[test]
fn an_item_of_version_2_opens_under_its_own_name_alone() -> Result<()> {
    let lab = Lab::start(&flags(&["--hybrid=publish"]))?;
    let certificate = lab.certificate()?;
    let mut sealed = seal_v2(
        &certificate,
        "swapped",
        &json!({"password": "p", "user": "u"}),
        "strict",
    )?;
    let items = &mut sealed["spec"]["encryptedData"];
    let (password, user) = (items["password"].take(), items["user"].take());
    (items["password"], items["user"]) = (user, password);
    lab.cluster.apply(&sealed.to_string())?;
    let message = await_refusal(&lab, "swapped")?;
    let said = "bound to another name, namespace, scope or item, or damaged (key id ";
    ensure!(
        message.contains(said) && message.contains("tried for name \"swapped\""),
        "{message}"
    );
    ensure!(lab.is_absent("default", "swapped")?);

    // Rotation keeps the version, and raises it when asked.
    let old = lab.seal("default", "rotated", &json!({"a": "1"}), "strict")?;
    let rotate = |more: &[&str], object: &Value| -> Result<Value> {
        let command = [&["--re-encrypt"], more].concat();
        lab.cluster
            .kubeseal(Implementation::Ours, &command, &object.to_string())?
            .success()?
            .json()
    };
    ensure!(!is_v2(&rotate(&[], &old)?));
    let raised = rotate(&["--format-version", "2"], &old)?;
    ensure!(is_v2(&raised) && is_v2(&rotate(&[], &raised)?));
    lab.cluster.apply(&raised.to_string())?;
    lab.await_items("default", "rotated", &json!({"a": "1"}))?;
    let valid = lab
        .cluster
        .kubeseal(Implementation::Ours, &["--validate"], &raised.to_string())?;
    valid.success().map(drop)
}

#[test]
fn a_key_without_its_seed_opens_version_1_and_is_named() -> Result<()> {
    let mut lab = Lab::start(&flags(&["--hybrid=publish"]))?;
    let certificate = lab.certificate()?;
    let [name] = &lab.key_names()?[..] else {
        anyhow::bail!("one key")
    };
    let whole = key_secret(&lab, name)?;
    lab.cluster
        .apply(&seal_v2(&certificate, "second", &json!({"a": "2"}), "strict")?.to_string())?;
    lab.await_items("default", "second", &json!({"a": "2"}))?;
    lab.unseal("default", "first", &json!({"a": "1"}))?;

    // As after a restore from a backup that keeps tls.* alone.
    lab.key(
        "patch",
        name,
        &[
            "--type=json",
            "-p",
            r#"[{"op": "remove", "path": "/data/hybrid.seed"}]"#,
        ],
    )?;
    await_event(&lab, name, "SealingKeyHybridMissing")?;
    lab.await_metric("sealed_secrets_controller_hybrid_key_faults", 1.0)?;
    lab.cluster.kubectl_ok(&["delete", "secret", "second"])?;
    lab.await_items("default", "second", &json!({"a": "2"}))?;
    // Its certificate is withdrawn. A new key is made only after a minute, in case this one is restored.
    let named = lab.await_log(&["level=WARN", "hybrid key", "until the next start"])?;
    ensure!(named.contains(name), "{named}");

    lab.restart(&flags(&["--hybrid=publish"]))?;
    ensure!(lab.certificate()? != certificate, "another key is handed out");
    lab.cluster.kubectl_ok(&["delete", "secret", "first", "second"])?;
    lab.await_items("default", "first", &json!({"a": "1"}))?;
    let message = await_refusal(&lab, "second")?;
    ensure!(
        message.contains("sealed for a key that is not here (key id "),
        "{message}"
    );

    lab.key(
        "patch",
        name,
        &["--type=merge", "-p", &json!({"data": whole["data"]}).to_string()],
    )?;
    lab.await_items("default", "second", &json!({"a": "2"}))?;
    lab.await_metric("sealed_secrets_controller_hybrid_key_faults", 0.0)
}

#[test]
fn version_1_is_refused_where_the_flag_says_so() -> Result<()> {
    let lab = Lab::start(&flags(&[
        "--hybrid=publish",
        "--accept-formats=v2=def*",
        "--accept-formats=v2=more",
    ]))?;
    let certificate = lab.certificate()?;
    let old = lab.seal("default", "old", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&old.to_string())?;
    let message = await_refusal(&lab, "old")?;
    ensure!(
        message
            .contains("sealed in format v1, which is not accepted here: seal it anew, or reseal it with private keys"),
        "{message}"
    );
    let validated = lab
        .cluster
        .kubeseal(Implementation::Ours, &["--validate"], &old.to_string())?;
    ensure!(validated.code() != 0, "{validated}");
    lab.cluster
        .apply(&seal_v2(&certificate, "new", &json!({"a": "1"}), "strict")?.to_string())?;
    lab.await_items("default", "new", &json!({"a": "1"}))?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    lab.unseal("other", "old", &json!({"a": "1"}))
}

/// In the middle of a rollout: the flag is that of one replica alone, and all open.
#[test]
fn replicas_with_and_without_the_flag_open_alike() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let first = cluster.spawn_replica(0, &flags(&["--hybrid=publish"]))?;
    let certificate = cluster.eventually(SOON, "a hybrid key", || Ok(cluster.proxied_get("/v1/cert.pem")?.stdout))?;
    let sealed = seal_v2(&certificate, "one", &json!({"a": "1"}), "strict")?;
    cluster.apply(&sealed.to_string())?;
    await_items(&cluster, "one", "1")?;
    let _second = cluster.spawn_replica(1, &SMALL)?;
    first.terminate(SOON)?;
    cluster.eventually(SOON, "the other one leads", || {
        ensure!(leads(&cluster, 1)?);
        Ok(())
    })?;
    cluster.kubectl_ok(&["delete", "secret", "one"])?;
    await_items(&cluster, "one", "1")?;
    let first = cluster.spawn_replica(0, &flags(&["--hybrid=publish"]))?;
    cluster.eventually(SOON, "the same certificate", || {
        ensure!(cluster.proxied_get("/v1/cert.pem")?.stdout == certificate);
        Ok(())
    })?;
    first.check_running()?;
    let keys = cluster.key_secrets()?;
    ensure!(keys["items"].as_array().is_some_and(|keys| keys.len() == 1), "{keys}");
    Ok(())
}

/// The reference's controller and kubeseal work with a hybrid key as with any; what is sealed in format v2 fails there by name, and
/// the Secret that is there stays.
#[test]
fn the_way_to_the_reference_and_back_stays_open() -> Result<()> {
    let lab = Lab::start(&flags(&["--hybrid=publish"]))?;
    let certificate = lab.certificate()?;
    let second = seal_v2(&certificate, "second", &json!({"a": "2"}), "strict")?;
    lab.cluster.apply(&second.to_string())?;
    lab.await_items("default", "second", &json!({"a": "2"}))?;
    lab.unseal("default", "first", &json!({"a": "1"}))?;
    let Lab { controller, cluster } = lab;
    controller.terminate(SOON)?;

    cluster.install(Implementation::Reference)?;
    let reference = cluster.start_controller(Implementation::Reference, &["--key-renew-period=0"])?;
    ensure!(
        cluster.proxied_get("/v1/cert.pem")?.stdout.trim() == certificate.trim(),
        "the same key seals"
    );
    let under = Lab::seal_with(&certificate, "default", "under", &json!({"a": "3"}), "strict")?;
    cluster.apply(&under.to_string())?;
    await_items(&cluster, "under", "3")?;
    cluster.kubectl_ok(&["delete", "secret", "first"])?;
    await_items(&cluster, "first", "1")?;
    // An edit, so that it is looked at.
    let mut edited = second.clone();
    edited["spec"]["template"]["metadata"]["labels"] = json!({"edited": "yes"});
    cluster.apply(&edited.to_string())?;
    cluster.eventually(SOON, "a loud failure of the reference", || {
        let sealed = cluster.get_json(&["sealedsecret", "second"])?;
        let message = condition_of(&sealed, "Synced")["message"].to_string();
        ensure!(message.contains("no key could decrypt secret"), "{sealed}");
        Ok(())
    })?;
    await_items(&cluster, "second", "2")?;
    // Then the reference opens it.
    let lowered = lower(&cluster, &certificate, &second)?;
    cluster.kubectl_ok(&["delete", "secret", "second"])?;
    cluster.apply(&lowered.to_string())?;
    await_items(&cluster, "second", "2")?;
    cluster.apply(&edited.to_string())?;
    reference.terminate(SOON)?;

    cluster.install(Implementation::Ours)?;
    let controller = cluster.start_controller(Implementation::Ours, &flags(&["--hybrid=publish"]))?;
    let lab = Lab { controller, cluster };
    lab.await_condition("default", "second", "Synced", "True")?;
    ensure!(lab.key_names()?.len() == 1);
    lab.await_items("default", "second", &json!({"a": "2"}))
}

/// The object in format v1: that is asked for by flags, and needs the private keys.
fn lower(cluster: &Cluster, certificate: &str, sealed: &Value) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let (keys, lowered) = (folder.path().join("keys.json"), folder.path().join("lowered.json"));
    std::fs::write(&keys, cluster.key_secrets()?.to_string())?;
    let mut copy = sealed.clone();
    copy["spec"]["template"]["metadata"]["labels"] = json!({"lowered": "yes"});
    std::fs::write(&lowered, copy.to_string())?;
    let certificate_file = folder.path().join("cert.pem");
    std::fs::write(&certificate_file, certificate)?;
    let mut kubeseal = std::process::Command::new(Implementation::Ours.programs()?.kubeseal);
    kubeseal.args([
        "reseal",
        "--format-version",
        "1",
        "--allow-downgrade",
        "--recovery-private-key",
    ]);
    kubeseal.arg(&keys).arg("--cert").arg(&certificate_file).arg(&lowered);
    run(&mut kubeseal)?.success()?;
    let lowered: Value = serde_json::from_str(&std::fs::read_to_string(&lowered)?)?;
    ensure!(!is_v2(&lowered), "{lowered}");
    Ok(lowered)
}

fn await_items(cluster: &Cluster, name: &str, value: &str) -> Result<()> {
    Lab::await_items_in(cluster, "default", name, &json!({"a": value}), SOON)
}
