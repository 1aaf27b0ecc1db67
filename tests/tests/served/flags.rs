//! Flags and annotations that the reference lacks: Secrets recreated, left alone, refused or collected, and statuses stripped.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE, repository};
use harness::namespace::TempNamespace;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of, fingerprint};

/// The rights of `deploy/base` with the component that allows deleting Secrets.
pub(crate) fn allow_deleting(cluster: &Cluster) -> Result<()> {
    apply_with(cluster, "delete-secrets")
}

/// The base with a component.
pub(crate) fn apply_with(cluster: &Cluster, component: &str) -> Result<()> {
    // Kustomize takes no absolute paths.
    let folder = tempfile::tempdir_in(repository().join("target"))?;
    let kustomization = format!("resources: [../../deploy/base]\ncomponents: [../../deploy/components/{component}]\n");
    std::fs::write(folder.path().join("kustomization.yaml"), kustomization)?;
    let built = cluster.kubectl_ok(&["kustomize", &folder.path().display().to_string()])?;
    cluster.apply(&built.stdout).map(drop)
}

fn annotate(sealed: &mut Value, annotation: &str) {
    sealed["metadata"]["annotations"][annotation] = json!("true");
}

#[test]
fn what_cannot_be_changed_is_made_anew_where_that_is_asked_for_and_allowed() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let immutable = |value: &str, asks: bool| -> Result<()> {
        let mut sealed = lab.seal("default", "one", &json!({"a": value}), "strict")?;
        sealed["spec"]["template"]["immutable"] = json!(true);
        if asks {
            annotate(&mut sealed, "sealed-secrets-rs/replace-immutable");
        }
        lab.cluster.apply(&sealed.to_string()).map(drop)
    };
    immutable("1", false)?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    immutable("2", true)?;
    // The base gives no right to delete: the reason names it, and the old Secret stays.
    let sealed = lab.await_condition("default", "one", "Synced", "False")?;
    let message = condition_of(&sealed, "Synced")["message"].to_string();
    ensure!(
        message.contains("cannot delete resource") && message.contains("secrets"),
        "{message}"
    );
    ensure!(lab.items("default", "one")? == json!({"a": "1"}));

    let old = lab.cluster.get_json(&["secret", "one"])?["metadata"]["uid"].clone();
    allow_deleting(&lab.cluster)?;
    immutable("3", true)?;
    lab.await_items("default", "one", &json!({"a": "3"}))?;
    lab.await_condition("default", "one", "Synced", "True")?;
    let new = lab.cluster.get_json(&["secret", "one"])?;
    ensure!(new["metadata"]["uid"] != old && new["immutable"] == true, "{new}");

    let mut typed = lab.seal("default", "one", &json!({"username": "u", "password": "p"}), "strict")?;
    typed["spec"]["template"]["type"] = json!("kubernetes.io/basic-auth");
    annotate(&mut typed, "sealed-secrets-rs/replace-immutable");
    lab.cluster.apply(&typed.to_string())?;
    lab.await_items("default", "one", &json!({"username": "u", "password": "p"}))?;
    let secret = lab.cluster.get_json(&["secret", "one"])?;
    ensure!(secret["type"] == "kubernetes.io/basic-auth", "{secret}");
    Ok(())
}

#[test]
fn a_secret_that_is_to_be_left_alone_is_until_its_sealed_secret_changes() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let seal = |value: &str| -> Result<()> {
        let mut sealed = lab.seal(space.name(), "one", &json!({"a": value}), "strict")?;
        annotate(&mut sealed, "sealed-secrets-rs/skip-recreate");
        lab.cluster.apply(&sealed.to_string()).map(drop)
    };
    seal("1")?;
    lab.await_items(space.name(), "one", &json!({"a": "1"}))?;
    lab.await_condition(space.name(), "one", "Synced", "True")?;
    let drift = json!({"stringData": {"a": "theirs"}});
    lab.patch_secret(space.name(), "one", &drift)?;
    lab.throughout(Duration::from_secs(3), || {
        ensure!(
            lab.items(space.name(), "one")? == json!({"a": "theirs"}),
            "it was repaired"
        );
        Ok(())
    })?;
    lab.cluster
        .kubectl_ok(&["delete", "secret", "one", "-n", space.name()])?;
    lab.throughout(Duration::from_secs(3), || {
        ensure!(lab.is_absent(space.name(), "one")?, "it came back");
        Ok(())
    })?;
    seal("2")?;
    lab.await_items(space.name(), "one", &json!({"a": "2"}))?;
    // Without the annotation it is cared for again.
    lab.cluster.kubectl_ok(&[
        "annotate",
        "sealedsecret",
        "one",
        "-n",
        space.name(),
        "sealed-secrets-rs/skip-recreate-",
    ])?;
    lab.cluster
        .kubectl_ok(&["delete", "secret", "one", "-n", space.name()])?;
    lab.await_items(space.name(), "one", &json!({"a": "2"}))
}

#[test]
fn a_type_that_is_a_credential_of_the_cluster_is_refused_and_a_template_cannot_hold_up_a_deletion() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let mut token = lab.seal(space.name(), "token", &json!({"a": "1"}), "strict")?;
    token["spec"]["template"]["type"] = json!("kubernetes.io/service-account-token");
    token["spec"]["template"]["metadata"]["annotations"] = json!({"kubernetes.io/service-account.name": "default"});
    lab.cluster.apply(&token.to_string())?;
    let sealed = lab.await_condition(space.name(), "token", "Stalled", "True")?;
    let synced = condition_of(&sealed, "Synced");
    ensure!(synced["reason"] == "SecretTypeRefused", "{synced}");
    ensure!(
        synced["message"].to_string().contains("--allow-credential-types"),
        "{synced}"
    );
    ensure!(lab.is_absent(space.name(), "token")?);

    let mut held = lab.seal(space.name(), "held", &json!({"a": "1"}), "strict")?;
    held["spec"]["template"]["metadata"]["finalizers"] = json!(["example.com/never"]);
    lab.cluster.apply(&held.to_string())?;
    let sealed = lab.await_condition(space.name(), "held", "Ready", "True")?;
    let said = condition_of(&sealed, "Ready")["message"].to_string();
    ensure!(said.contains("finalizers"), "{said}");
    ensure!(condition_of(&sealed, "Synced")["message"].is_null(), "{sealed}");
    let secret = lab.cluster.get_json(&["secret", "held", "-n", space.name()])?;
    ensure!(secret["metadata"]["finalizers"].is_null(), "{secret}");
    Ok(())
}

#[test]
fn a_hint_tells_a_missing_key_from_a_wrong_place() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let folder = tempfile::tempdir()?;
    let foreign = SealingKey::generate(folder.path(), 2048)?;
    let foreign = std::fs::read_to_string(&foreign.certificate)?;
    let held = lab.certificate()?;
    for (name, certificate, place, ends) in [
        ("not-held", &foreign, "not-held", "not held here"),
        (
            "moved",
            &held,
            "elsewhere",
            "held here, so it was for another name, namespace or scope",
        ),
    ] {
        let key = fingerprint(certificate)?;
        let mut sealed = lab.seal_for(certificate, space.name(), place, &json!({"a": "1"}), "strict")?;
        sealed["metadata"]["name"] = json!(name);
        sealed["metadata"]["annotations"] = json!({"sealed-secrets-rs/sealed-with": key});
        lab.cluster.apply(&sealed.to_string())?;
        let sealed = lab.await_condition(space.name(), name, "Stalled", "True")?;
        let tried = format!("tried for name \"{name}\" in namespace \"{}\" (strict)", space.name());
        let expected = format!("no key could decrypt secret (a); {tried}; sealed with {key}, {ends}");
        let message = condition_of(&sealed, "Synced")["message"].clone();
        ensure!(message == expected, "{message} instead of {expected}");
    }
    Ok(())
}

#[test]
fn the_old_way_of_collecting_deletes_what_is_its_own_and_nothing_else() -> Result<()> {
    let flags = ["--key-size=2048", "--old-gc-behavior"];
    let lab = Lab::start(&flags)?;
    allow_deleting(&lab.cluster)?;
    // Without an owner, so that Kubernetes collects nothing: the controller has to.
    let unowned = |name: &str| -> Result<()> {
        let mut sealed = lab.seal("default", name, &json!({"a": "1"}), "strict")?;
        sealed["spec"]["template"]["metadata"]["annotations"] = json!({
            "sealedsecrets.bitnami.com/skip-set-owner-references": "true", "sealedsecrets.bitnami.com/managed": "true",
        });
        lab.cluster.apply(&sealed.to_string())?;
        lab.await_condition("default", name, "Synced", "True").map(drop)
    };
    unowned("mine")?;
    unowned("replaced")?;
    lab.cluster
        .kubectl_ok(&["label", "sealedsecret", "--all", "some=label"])?;
    // A foreign Secret of the same name.
    let foreign = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "foreign", "namespace": "default"},
        "stringData": {"a": "theirs"},
    });
    lab.cluster.apply(&foreign.to_string())?;
    let blocked = lab.seal("default", "foreign", &json!({"a": "ours"}), "strict")?;
    lab.cluster.apply(&blocked.to_string())?;
    lab.await_condition("default", "foreign", "Synced", "False")?;
    lab.cluster
        .kubectl_ok(&["delete", "sealedsecret", "mine", "replaced", "foreign"])?;
    for name in ["mine", "replaced"] {
        lab.cluster.eventually(SOON, "the Secret goes", || {
            ensure!(lab.is_absent("default", name)?);
            Ok(())
        })?;
    }
    lab.throughout(Duration::from_secs(3), || {
        ensure!(lab.items("default", "foreign")? == json!({"a": "theirs"}));
        Ok(())
    })
}

#[test]
fn statuses_are_stripped_for_the_way_back() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "good", &json!({"a": "1"}))?;
    let mut bad = lab.seal("default", "other", &json!({"a": "1"}), "strict")?;
    bad["metadata"]["name"] = json!("bad");
    lab.cluster.apply(&bad.to_string())?;
    lab.await_condition("default", "bad", "Stalled", "True")?;
    let Lab { controller, cluster } = lab;
    controller.terminate(SOON)?;
    let program = Implementation::Ours.programs()?.controller;
    for round in ["first", "again"] {
        let once = cluster
            .launch_as_pod(&format!("strip-{round}"), &program, (NAMESPACE, CONTROLLER))?
            .arg("--strip-status")
            .spawn()?;
        let status = once.wait(SOON)?;
        ensure!(status.success(), "{status}: {}", once.log()?);
        let expected = if round == "first" {
            "stripped=2 total=2"
        } else {
            "stripped=0 total=2"
        };
        ensure!(once.log()?.contains(expected), "{}", once.log()?);
    }
    for (name, synced) in [("good", "True"), ("bad", "False")] {
        let sealed = cluster.get_json(&["sealedsecret", name])?;
        let mut status = sealed["status"].clone();
        let condition = &mut status["conditions"][0];
        for field in ["lastTransitionTime", "lastUpdateTime", "message"] {
            condition.as_object_mut().map(|condition| condition.remove(field));
        }
        let bare = json!({"observedGeneration": 1, "conditions": [{"type": "Synced", "status": synced}]});
        ensure!(status == bare, "{}", sealed["status"]);
    }
    Ok(())
}
