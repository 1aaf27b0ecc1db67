//! Argo CD's health check of our statuses: its Lua script, in the interpreter that it uses.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::namespace::TempNamespace;
use harness::output::run_with_input;
use harness::peers::{self, PeerSet};
use serde_json::{Value, json};

use crate::fixture::{Lab, condition_of};

const WAITING: &str = "Waiting for Sealed Secret to be decrypted";

fn argocd(arguments: &[&str], input: &str) -> Result<Value> {
    let programs = PeerSet::installed(&[peers::ARGOCD_HEALTH])?;
    let mut command = Command::new(programs.path(&peers::ARGOCD_HEALTH)?);
    run_with_input(command.args(arguments), input.as_bytes())?
        .success()?
        .json()
}

/// Argo CD's judgement of an object.
fn health(object: &Value) -> Result<Value> {
    argocd(&[], &object.to_string())
}

#[test]
fn argo_cds_own_cases_are_judged_as_argo_cd_expects() -> Result<()> {
    let verdicts = argocd(&["own-cases"], "")?;
    let verdicts = verdicts.as_array().context("a list")?;
    ensure!(verdicts.len() >= 6, "Argo CD has six cases of its own: {verdicts:?}");
    for verdict in verdicts {
        ensure!(verdict["found"] == verdict["expected"], "{verdict}");
    }
    Ok(())
}

#[test]
fn argo_cd_tells_pending_broken_stale_and_good_objects_apart() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let dry_run = |sealed: &Value| -> Result<Value> {
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "-o",
            "json",
            "-f",
            "-",
        ];
        lab.cluster
            .kubectl_input(&arguments, &sealed.to_string())?
            .success()?
            .json()
    };
    let waiting = json!({"status": "Progressing", "message": WAITING});
    let good = lab.seal(space.name(), "one", &json!({"a": "1"}), "strict")?;
    let mut broken = lab.seal(space.name(), "other", &json!({"a": "1"}), "strict")?;
    broken["metadata"]["name"] = json!("one");

    // The object before the controller has seen it.
    let pending = dry_run(&good)?;
    ensure!(
        pending["metadata"]["generation"] == 1 && health(&pending)? == waiting,
        "{pending}"
    );

    lab.cluster.apply(&broken.to_string())?;
    let live = lab.await_condition(space.name(), "one", "Synced", "False")?;
    let message = condition_of(&live, "Synced")["message"].clone();
    ensure!(
        message
            .as_str()
            .is_some_and(|message| message.contains("no key could decrypt secret (a)")),
        "{message}"
    );
    ensure!(
        health(&live)? == json!({"status": "Degraded", "message": message}),
        "{}",
        health(&live)?
    );

    // The mended spec under the old status, which speaks of an earlier generation.
    let stale = dry_run(&good)?;
    ensure!(
        stale["metadata"]["generation"] == 2 && condition_of(&stale, "Synced")["status"] == "False",
        "{stale}"
    );
    ensure!(health(&stale)? == waiting, "{}", health(&stale)?);

    lab.cluster.apply(&good.to_string())?;
    let mended = lab.await_condition(space.name(), "one", "Synced", "True")?;
    ensure!(
        health(&mended)? == json!({"status": "Healthy", "message": ""}),
        "{}",
        health(&mended)?
    );
    Ok(())
}

/// The ciphertexts are sound, and the Secret is not what they ask for all the same.
#[test]
fn argo_cd_is_told_of_a_secret_that_is_not_ours_to_write() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let foreign = [
        "create",
        "secret",
        "generic",
        "one",
        "--from-literal=b=2",
        "-n",
        space.name(),
    ];
    lab.cluster.kubectl_ok(&foreign)?;
    let sealed = lab.seal(space.name(), "one", &json!({"a": "1"}), "strict")?;
    lab.cluster.apply(&sealed.to_string())?;
    let live = lab.await_condition(space.name(), "one", "Synced", "False")?;
    let judged = health(&live)?;
    ensure!(
        judged["status"] == "Degraded" && judged["message"] == condition_of(&live, "Synced")["message"],
        "{judged}"
    );
    Ok(())
}
