//! Objects of many values, which take seconds of private-key work, beside large and costly objects of others and requests.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, list};

const OPERATIONS: &str = "sealed_secrets_controller_private_key_operations_total";

impl Lab {
    /// Creates an object of 1,900 values in each of so many namespaces, and waits until they are being opened. Returns the start.
    fn begin_many_values(&self, namespaces: usize) -> Result<Instant> {
        const VALUES: usize = 1900;
        let one = self.seal("many-0", "many", &json!({"a": "1"}), "cluster-wide")?;
        let text = &one["spec"]["encryptedData"]["a"];
        let values: serde_json::Map<_, _> = (0..VALUES).map(|value| (format!("i{value}"), text.clone())).collect();
        let objects = (0..namespaces).flat_map(|number| {
            let name = format!("many-{number}");
            let mut sealed = one.clone();
            sealed["metadata"]["namespace"] = json!(name);
            sealed["spec"]["encryptedData"] = values.clone().into();
            [
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
                sealed,
            ]
        });
        let objects = list(objects);
        let before = self.metric(OPERATIONS)?;
        self.cluster
            .kubectl_input(&["create", "-f", "-"], &objects)?
            .success()?;
        let start = Instant::now();
        self.cluster.eventually(4 * SOON, "work on many values", || {
            let done = self.metric(OPERATIONS)? - before;
            ensure!(done > 500.0, "{done}");
            Ok(())
        })?;
        Ok(start)
    }

    /// All is done at last; how long it took.
    fn await_many_values(&self, start: Instant) -> Result<Duration> {
        self.cluster.eventually(30 * SOON, "all of many values", || {
            let left = self.unjudged()?;
            ensure!(left == 0, "{left} are left");
            Ok(())
        })?;
        Ok(start.elapsed())
    }
}

/// All that are in work end at about the same time, so nothing else may wait for one of them to end.
#[test]
fn objects_of_many_values_hold_up_no_large_edit() -> Result<()> {
    let lab = Lab::start(&["--key-size=3072"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    let edits = (0..2).map(|edit| {
        let items = json!({"a": edit.to_string().repeat(100_000)});
        Ok((lab.seal("other", "edited", &items, "strict")?, items))
    });
    let edits = edits.collect::<Result<Vec<_>>>()?;
    let quiet = lab.median_edit(&edits[..1])?;
    let start = lab.begin_many_values(16)?;
    let busy = lab.median_edit(&edits[1..])?;
    let all = lab.await_many_values(start)?;
    println!("quiet {quiet:?}, busy {busy:?}, all {all:?}");
    ensure!(
        busy <= 2 * quiet + all / 4,
        "quiet {quiet:?}, busy {busy:?}, all {all:?}"
    );
    Ok(())
}

/// Two objects of one tenant have all cores of this machine.
#[test]
fn objects_of_many_values_hold_up_no_request_and_no_costly_template() -> Result<()> {
    let lab = Lab::start(&["--key-size=3072"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "other"])?;
    let hashed = |name: &str| -> Result<Value> {
        let mut sealed = lab.seal("other", name, &json!({"a": "1"}), "strict")?;
        sealed["spec"]["template"]["data"] = json!({"hash": "{{ len (bcrypt .a) }}"});
        Ok(sealed)
    };
    let (body, costly) = (hashed("asked")?.to_string(), hashed("costly")?);
    let start = lab.begin_many_values(4)?;
    let asked = Instant::now();
    ensure!(lab.verify("some", &body)?.code == 200);
    let answered = asked.elapsed();
    lab.cluster.apply(&costly.to_string())?;
    let items = json!({"a": "1", "hash": "60"});
    Lab::await_items_in(&lab.cluster, "other", "costly", &items, 30 * SOON)?;
    let hashed = asked.elapsed() - answered;
    let all = lab.await_many_values(start)?;
    println!("answered {answered:?}, hashed {hashed:?}, all {all:?}");
    ensure!(
        answered <= all / 4 && hashed <= all / 2,
        "answered {answered:?}, hashed {hashed:?}, all {all:?}"
    );
    Ok(())
}
