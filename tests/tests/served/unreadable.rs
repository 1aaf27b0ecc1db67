//! Objects that the API server stores and a type of ours does not take: each concerns itself alone.

use anyhow::{Context, Result, ensure};
use harness::implementation::NAMESPACE;
use serde_json::json;

use crate::fixture::{Lab, SOON, get};

/// Later than the last instant of our type of times.
const TOO_LATE: &str = "9999-12-31T23:59:59Z";

impl Lab {
    /// Sets the time of an object's first manager, which any client with write access can do.
    fn set_manager_time(&self, kind: &str, namespace: &str, name: &str) -> Result<()> {
        let at = [kind, name, "-n", namespace];
        let found = self.cluster.get_json(&[&at[..], &["--show-managed-fields"]].concat())?;
        let mut managers = found["metadata"]["managedFields"].clone();
        ensure!(managers.is_array(), "no managers: {found}");
        managers[0]["time"] = json!(TOO_LATE);
        // An update that changes nothing else keeps the old times.
        managers[0]["manager"] = json!("stranger");
        let patch = json!({"metadata": {"managedFields": managers, "labels": {"changed": "yes"}}}).to_string();
        let patch_at = [
            &["patch"],
            &at[..],
            &["--type=merge", "--field-manager=other", "-p", &patch],
        ]
        .concat();
        self.cluster.kubectl_ok(&patch_at)?;
        let stored = self.cluster.get_json(&[&at[..], &["--show-managed-fields"]].concat())?;
        ensure!(
            stored["metadata"]["managedFields"].to_string().contains(TOO_LATE),
            "not stored"
        );
        Ok(())
    }
}

#[test]
fn manager_time_beyond_our_range() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "hostile", &json!({"a": "1"}))?;
    lab.unseal("default", "quiet", &json!({"a": "1"}))?;
    let key = lab.key_names()?.pop().context("a key")?;
    let plain = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain", "namespace": "default"}, "stringData": {"a": "1"}});
    lab.cluster.apply(&plain.to_string())?;
    for (kind, namespace, name) in [
        ("sealedsecret", "default", "hostile"),
        ("secret", "default", "hostile"),
        ("secret", "default", "plain"),
        ("secret", NAMESPACE, key.as_str()),
        ("configmap", NAMESPACE, "sealed-secrets-controller-certificate"),
        ("lease", NAMESPACE, "sealed-secrets-controller"),
    ] {
        lab.set_manager_time(kind, namespace, name)
            .with_context(|| format!("{kind} {name}"))?;
    }

    // By the watch.
    let edited = lab.seal("default", "quiet", &json!({"a": "2"}), "strict")?;
    lab.cluster.apply(&edited.to_string())?;
    lab.await_items("default", "quiet", &json!({"a": "2"}))?;
    lab.patch_secret("default", "hostile", &json!({"data": {"a": null}}))?;
    lab.await_items("default", "hostile", &json!({"a": "1"}))?;

    // By the lists of the next start.
    lab.restart(&["--key-size=2048"])?;
    lab.cluster.eventually(SOON, "readiness", || {
        let (code, body) = get(&lab.cluster, "/readyz")?;
        ensure!(code == 200, "{code} {body}");
        Ok(())
    })?;
    ensure!(lab.key_names()? == [key], "no key was made");
    lab.unseal("default", "new", &json!({"a": "1"}))?;
    let edited = lab.seal("default", "hostile", &json!({"a": "3"}), "strict")?;
    lab.cluster.apply(&edited.to_string())?;
    lab.await_items("default", "hostile", &json!({"a": "3"}))?;
    lab.await_condition("default", "hostile", "Synced", "True")?;
    let log = lab.controller.log()?;
    ensure!(!log.contains("level=ERROR") && !log.contains("cannot be read"), "{log}");
    Ok(())
}

#[test]
fn nesting_beyond_our_depth() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let mut deep = lab.seal("default", "deep", &json!({"a": "1"}), "strict")?;
    deep["spec"]["template"]["metadata"]["unknown"] = (0..200).fold(json!(1), |inner, _| json!({"a": inner}));
    lab.cluster.apply(&deep.to_string())?;
    lab.unseal("default", "quiet", &json!({"a": "1"}))?;
    lab.await_items("default", "deep", &json!({"a": "1"}))?;
    lab.restart(&["--key-size=2048"])?;
    lab.unseal("default", "new", &json!({"a": "1"}))?;
    Ok(())
}

/// Takes every schema off the CRD, as an early CRD of the reference had none.
fn without_schema(lab: &Lab) -> Result<()> {
    let patch = json!([
        {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema",
         "value": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
    ]);
    let crd = "sealedsecrets.bitnami.com";
    lab.cluster
        .kubectl_ok(&["patch", "crd", crd, "--type=json", "-p", &patch.to_string()])?;
    lab.cluster.eventually(SOON, "the CRD without a schema", || {
        let probe = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": "probe", "namespace": "default"}, "spec": "x",
        });
        lab.cluster.apply(&probe.to_string()).map(drop)
    })
}

#[test]
fn sealed_secret_of_another_shape() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "spoilt", &json!({"a": "1"}))?;
    without_schema(&lab)?;
    let patch = json!({"spec": {"template": "canary"}}).to_string();
    let spoil = ["patch", "sealedsecret", "spoilt", "--type=merge", "-p", &patch];
    lab.cluster.kubectl_ok(&spoil)?;
    lab.await_log(&[
        "level=ERROR",
        "SealedSecret cannot be read",
        "default/spoilt",
        "spec.template",
    ])?;
    lab.cluster.eventually(SOON, "event", || {
        let events = lab.events("default", "spoilt")?;
        let said = |event: &String| event.starts_with("Warning ErrUnsealFailed") && event.contains("spec.template");
        ensure!(events.iter().any(said), "{events:?}");
        Ok(())
    })?;
    lab.await_metric("sealed_secrets_controller_unreadable_objects", 2.0)?;

    lab.restart(&["--key-size=2048"])?;
    lab.unseal("default", "new", &json!({"a": "1"}))?;
    ensure!(lab.items("default", "spoilt")? == json!({"a": "1"}), "its Secret stays");
    lab.await_metric("sealed_secrets_controller_unreadable_objects", 2.0)?;

    let patch = json!({"spec": {"template": null}}).to_string();
    let mend = ["patch", "sealedsecret", "spoilt", "--type=merge", "-p", &patch];
    lab.cluster.kubectl_ok(&mend)?;
    lab.await_condition("default", "spoilt", "Synced", "True")?;
    lab.cluster.kubectl_ok(&["delete", "sealedsecret", "probe"])?;
    lab.await_metric("sealed_secrets_controller_unreadable_objects", 0.0)?;
    ensure!(!lab.controller.log()?.contains("canary"), "a value is in the log");
    Ok(())
}
