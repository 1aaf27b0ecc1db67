//! Incidents of sealing keys.

use anyhow::{Context, Result};
use harness::implementation::NAMESPACE;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use super::{End, Row, Stage};
use crate::fixture::{Lab, SOON};

pub(super) const ROWS: &[Row] = &[
    (
        "a key renewed inside its Secret: what was sealed for the former",
        renewed_inside,
    ),
    ("the same after a restart", renewed_and_restarted),
    ("keys deleted while it was stopped", deleted),
    ("400 items sealed over years with 24 keys", |stage| {
        many_keys(stage, 400, 24)
    }),
    ("200 items sealed with 60 keys", |stage| many_keys(stage, 200, 60)),
];

fn key_name(stage: &Stage) -> Result<String> {
    let keys = stage.cluster.key_secrets()?;
    Ok(keys["items"][0]["metadata"]["name"]
        .as_str()
        .context("a key")?
        .to_owned())
}

/// Puts another pair into the key Secret; gives what was sealed for the former.
fn renew_inside(stage: &Stage) -> Result<Value> {
    let sealed = stage.seal("default", "1")?;
    let folder = tempfile::tempdir()?;
    let data = json!({"data": SealingKey::generate(folder.path(), 2048)?.secret()?["data"]}).to_string();
    let name = key_name(stage)?;
    let patch = ["patch", "secret", &name, "-n", NAMESPACE, "--type=merge", "-p", &data];
    stage.cluster.kubectl_ok(&patch)?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    Ok(sealed)
}

fn renewed_inside(stage: &Stage) -> Result<End> {
    let _controller = stage.start(&[])?;
    let sealed = renew_inside(stage)?;
    stage.cluster.apply(&sealed.to_string())?;
    Ok(stage.served("default", "1"))
}

fn renewed_and_restarted(stage: &Stage) -> Result<End> {
    let controller = stage.start(&[])?;
    let sealed = renew_inside(stage)?;
    controller.terminate(SOON)?;
    let _controller = stage.start(&[])?;
    stage.cluster.apply(&sealed.to_string())?;
    Ok(stage.named(&["UnsealFailed", "no key could decrypt", "no key that is held"]))
}

fn deleted(stage: &Stage) -> Result<End> {
    let controller = stage.start(&[])?;
    stage.begin()?;
    controller.terminate(SOON)?;
    stage
        .cluster
        .kubectl_ok(&["delete", "secret", &key_name(stage)?, "-n", NAMESPACE])?;
    let _controller = stage.start(&[])?;
    Ok(stage.named(&["ErrUnsealFailed", "opened earlier with SHA256:"]))
}

/// One object, whose items were sealed with the keys in turn.
fn many_keys(stage: &Stage, items: usize, keys: usize) -> Result<End> {
    let mut sealed = json!({});
    for key in 0..keys {
        let folder = tempfile::tempdir()?;
        let own = SealingKey::generate(folder.path(), 2048)?;
        let mut secret = own.secret()?;
        secret["metadata"]["name"] = format!("sealed-secrets-key-{key}").into();
        stage.cluster.apply(&secret.to_string())?;
        let of_this: serde_json::Map<String, Value> = (key..items)
            .step_by(keys)
            .map(|item| (format!("i{item}"), "1".into()))
            .collect();
        let certificate = std::fs::read_to_string(&own.certificate)?;
        let part = Lab::seal_with(&certificate, "default", "one", &of_this.into(), "strict")?;
        let more = part["spec"]["encryptedData"].as_object().context("items")?.clone();
        match sealed["spec"]["encryptedData"].as_object_mut() {
            Some(there) => there.extend(more),
            None => sealed = part,
        }
    }
    let _controller = stage.start(&[])?;
    stage.cluster.apply(&sealed.to_string())?;
    Ok(End::of("served", || {
        let found = Lab::items_in(&stage.cluster, "default", "one")?;
        anyhow::ensure!(found.as_object().is_some_and(|found| found.len() == items));
        Ok(())
    }))
}
