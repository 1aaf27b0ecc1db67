//! One tenant's broken objects starve nobody.

use anyhow::{Context, Result, ensure};
use harness::implementation::Implementation;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::lab::{Lab, SOON, condition_of};

/// Broken objects, more than passes at a time, and items in each: every one costs a try with every key.
const BROKEN: usize = 40;
const ITEMS: usize = 300;
/// Passes over the crowd that may come before the other tenant's one: those that had a core already, and some slack.
const BEFORE: usize = 8;

#[test]
fn many_broken_objects_of_one_namespace_hold_up_another_by_a_few_passes() -> Result<()> {
    const FLAGS: &[&str] = &["--key-size=2048"];
    let mut lab = Lab::start(FLAGS)?;
    // The objects are listed, and so queued, in the order of these names.
    for name in ["crowd", "other"] {
        lab.cluster.kubectl_ok(&["create", "namespace", name])?;
    }
    let items = json!({"a": "1"});
    let good = lab.seal("other", "one", &items, "strict")?;
    let folder = tempfile::tempdir()?;
    let foreign = SealingKey::generate(folder.path(), 2048)?;
    let foreign = std::fs::read_to_string(&foreign.certificate)?;
    let one = lab.seal_for(&foreign, "crowd", "broken", &items, "strict")?;
    let text = &one["spec"]["encryptedData"]["a"];
    let broken = |number: usize| {
        let items: serde_json::Map<_, _> = (0..ITEMS).map(|item| (format!("i{item}"), text.clone())).collect();
        let mut sealed = one.clone();
        sealed["metadata"]["name"] = json!(format!("broken-{number}"));
        sealed["spec"]["encryptedData"] = items.into();
        sealed
    };
    let crowd: Vec<Value> = (0..BROKEN).map(broken).collect();

    ensure!(lab.controller.terminate(SOON)?.success());
    let list = json!({"apiVersion": "v1", "kind": "List", "items": crowd});
    lab.cluster.apply(&list.to_string())?;
    lab.cluster.apply(&good.to_string())?;
    lab.controller = lab.cluster.start_controller(Implementation::Ours, FLAGS)?;
    lab.await_items("other", "one", &items)?;
    let judged = lab.cluster.eventually(SOON, "status of each", || {
        let all = lab.cluster.get_json(&["sealedsecrets", "-n", "crowd"])?;
        let all = all["items"].as_array().context("a list")?.clone();
        let without = all.iter().filter(|one| condition_of(one, "Synced").is_null()).count();
        ensure!(without == 0, "{without} have none");
        Ok(all)
    })?;

    // Of this API server versions are numbers that grow, and nothing but their statuses was written since.
    let version = |object: &Value| -> Result<u64> {
        let text = object["metadata"]["resourceVersion"].as_str().context("a version")?;
        Ok(text.parse()?)
    };
    let made = version(&lab.cluster.get_json(&["secret", "one", "-n", "other"])?)?;
    let versions = judged.iter().map(version).collect::<Result<Vec<_>>>()?;
    let before = versions.iter().filter(|version| **version < made).count();
    ensure!(
        before <= BEFORE,
        "{before} of {BROKEN} broken objects came before the other namespace's one"
    );
    Ok(())
}
