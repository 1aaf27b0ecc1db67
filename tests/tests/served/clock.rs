//! A wall clock that jumps ahead, and back, under a controller that runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use serde_json::json;

use crate::fixture::{Lab, SOON, get};

const DAY: i64 = 86_400;
/// The time is looked at once a minute, and no two keys are made unasked within one.
const RENEWED: Duration = Duration::from_secs(130);

fn put_clock(file: &Path, off: i64) -> Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, off.to_string())?;
    Ok(fs::rename(new, file)?)
}

#[test]
fn a_clock_that_jumps_ahead_and_back_holds_nothing_up() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let clock = cluster.state().join("clock");
    put_clock(&clock, 0)?;
    let program = Implementation::Ours.programs()?.controller;
    let controller = cluster
        .launch_as_pod("controller", program, (NAMESPACE, CONTROLLER))?
        .env("LD_PRELOAD", harness::chaos::build_clock(&cluster)?)
        .env("CHAOS_CLOCK", &clock)
        .arg("--key-size=2048")
        .spawn()?;
    let lab = Lab { controller, cluster };
    let first = lab.cluster.eventually(SOON, "certificate", || {
        let (code, certificate) = get(&lab.cluster, "/v1/cert.pem")?;
        ensure!(code == 200);
        Ok(certificate)
    })?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let of_first = lab.seal("default", "former", &json!({"a": "1"}), "strict")?;

    // The key is older than the renewal period by this clock.
    put_clock(&clock, 60 * DAY)?;
    lab.unseal("default", "one", &json!({"a": "2"}))?;
    let second = await_other(&lab, &first)?;
    // By this clock the new key is from the future, and would stay the newest for two months.
    put_clock(&clock, 0)?;
    lab.unseal("default", "one", &json!({"a": "3"}))?;
    let third = await_other(&lab, &second)?;
    ensure!(third.trim() == first.trim(), "the first is timely again");
    lab.unseal("default", "one", &json!({"a": "4"}))?;
    lab.await_log(&["level=WARN", "from the future"])?;
    lab.cluster.apply(&of_first.to_string())?;
    lab.await_items("default", "former", &json!({"a": "1"}))?;
    lab.throughout(Duration::from_secs(10), || {
        ensure!(lab.key_names()?.len() == 2, "{:?}", lab.key_names()?);
        Ok(())
    })
}

fn await_other(lab: &Lab, before: &str) -> Result<String> {
    lab.cluster.eventually(RENEWED, "another certificate", || {
        let certificate = lab.certificate()?;
        ensure!(certificate.trim() != before.trim());
        Ok(certificate)
    })
}
