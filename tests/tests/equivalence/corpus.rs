//! Objects of every kind, good and bad.

use anyhow::{Context, Result};
use harness::implementation::Implementation;
use harness::samples;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

/// Secrets that are there before their SealedSecrets.
pub(crate) fn existing_secrets() -> Vec<Value> {
    let existing = |name: &str, kind: &str, annotations: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {
                "name": name, "namespace": "default", "annotations": annotations, "labels": {"before": "yes"},
            },
            "data": {"username": "b2xk", "password": "b2xk"},
        })
    };
    let managed = "sealedsecrets.bitnami.com/managed";
    let patch = "sealedsecrets.bitnami.com/patch";
    vec![
        existing("taken", "Opaque", json!({managed: "true"})),
        existing("added-to", "Opaque", json!({patch: "true"})),
        existing("added-to-and-taken", "Opaque", json!({managed: "true", patch: "true"})),
        existing("not-quite-true", "Opaque", json!({managed: "True"})),
        existing("somebody-elses", "Opaque", json!({})),
        existing("of-another-type", "kubernetes.io/basic-auth", json!({managed: "true"})),
    ]
}

/// SealedSecrets, sealed by the reference with this key.
pub(crate) fn seal(key: &SealingKey) -> Result<Vec<Value>> {
    let plain = |name: &str| samples::secret("default", name);
    let mut labelled = plain("labelled");
    labelled["metadata"]["labels"] = json!({"app": "connect"});
    labelled["metadata"]["annotations"] = json!({"example.com/owner": "streaming"});
    let mut untyped = plain("untyped");
    untyped.as_object_mut().map(|fields| fields.remove("type"));
    let mut immutable = plain("immutable");
    immutable["immutable"] = json!(true);
    let mut login = plain("login");
    login["type"] = json!("kubernetes.io/basic-auth");
    login["data"] = json!({"username": "YQ==", "password": "Yg=="});
    let mut sealed = vec![
        with(key, "strict", &plain("plain"))?,
        with(key, "namespace-wide", &plain("in-namespace"))?,
        with(key, "cluster-wide", &plain("anywhere"))?,
        with(key, "strict", &labelled)?,
        with(key, "strict", &untyped)?,
        with(key, "strict", &immutable)?,
        with(key, "strict", &login)?,
    ];
    for existing in existing_secrets() {
        let name = existing["metadata"]["name"].as_str().context("a name")?;
        sealed.push(with(key, "strict", &plain(name))?);
    }
    sealed.extend(moved(key)?);
    sealed.extend(broken(key)?);
    Ok(sealed)
}

/// Sealed for one name or namespace and applied under another; and with a template that disagrees.
fn moved(key: &SealingKey) -> Result<Vec<Value>> {
    let renamed = |scope: &str, to: &str| -> Result<Value> {
        let mut sealed = with(key, scope, &samples::secret("default", "sealed-as-this"))?;
        sealed["metadata"]["name"] = json!(to);
        Ok(sealed)
    };
    let mut item_renamed = with(key, "strict", &samples::secret("default", "item-renamed"))?;
    let items = item_renamed["spec"]["encryptedData"].as_object_mut().context("items")?;
    let value = items.remove("keyfile").context("an item")?;
    items.insert("another-name".to_owned(), value);
    let mut unowned = with(key, "strict", &samples::secret("default", "without-owner"))?;
    unowned["spec"]["template"]["metadata"]["annotations"] = json!({
        "sealedsecrets.bitnami.com/skip-set-owner-references": "true",
        "sealedsecrets.bitnami.com/managed": "true",
    });
    let mut no_template = with(key, "strict", &samples::secret("default", "without-template"))?;
    no_template["spec"].as_object_mut().map(|spec| spec.remove("template"));
    Ok(vec![
        renamed("strict", "strict-renamed")?,
        renamed("namespace-wide", "namespace-wide-renamed")?,
        renamed("cluster-wide", "cluster-wide-renamed")?,
        item_renamed,
        unowned,
        no_template,
    ])
}

/// Sealed with another key, damaged, not sealed at all.
fn broken(key: &SealingKey) -> Result<Vec<Value>> {
    let folder = tempfile::tempdir()?;
    let other = SealingKey::generate(folder.path(), 2048)?;
    let foreign = with(&other, "strict", &samples::secret("default", "of-another-key"))?;
    let changed = |name: &str, value: Value| -> Result<Value> {
        let mut sealed = with(key, "strict", &samples::secret("default", name))?;
        sealed["spec"]["encryptedData"]["keyfile"] = value;
        Ok(sealed)
    };
    let mut empty = with(key, "strict", &samples::secret("default", "without-items"))?;
    empty["spec"]["encryptedData"] = json!({});
    Ok(vec![
        foreign.clone(),
        changed(
            "one-item-of-another-key",
            foreign["spec"]["encryptedData"]["keyfile"].clone(),
        )?,
        changed("one-item-a-placeholder", json!("AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq..."))?,
        changed("one-item-too-short", json!("AQ=="))?,
        changed("one-item-empty", json!(""))?,
        empty,
    ])
}

fn with(key: &SealingKey, scope: &str, secret: &Value) -> Result<Value> {
    let certificate = std::fs::read_to_string(&key.certificate)?;
    Implementation::Reference.seal(&certificate, &["--scope", scope], secret)
}
