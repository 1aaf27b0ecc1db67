//! `kubeseal seal` beside a cluster that has unsealed the same file.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use harness::implementation::Implementation;
use harness::output::run_with_input;
use harness::peers;

use crate::fixture::Laptop;

#[test]
fn unchanged_values_by_the_clusters_answer() -> Result<()> {
    let laptop = Laptop::new()?;
    let _controller = laptop.controller()?;
    let clear = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: default}\nstringData:\n  password: hunter2\n  \
                 user: u\n";
    fs::write(laptop.path("one.yaml"), clear)?;
    laptop.ok("seal one.yaml", "")?;
    // As after `git clone`: the clear file seems to be newer.
    let age = || -> Result<()> {
        let file = fs::File::options().write(true).open(laptop.path("one.sealed.yaml"))?;
        Ok(file.set_modified(SystemTime::now() - Duration::from_secs(600))?)
    };
    age()?;
    let sealed = fs::read_to_string(laptop.path("one.sealed.yaml"))?;
    laptop.cluster.apply(&sealed)?;
    laptop
        .cluster
        .eventually(crate::fixture::SOON, "a synced SealedSecret", || {
            let object = laptop.cluster.get_json(&["sealedsecret", "one"])?;
            ensure!(object["status"]["openedBy"][0].is_string(), "{}", object["status"]);
            Ok(())
        })?;
    let line = "seal --compare-with-cluster one.yaml";
    let told = laptop.ok(line, "")?;
    ensure!(told == "1 file: 1 kept\n", "{told}");
    ensure!(laptop.ok("seal --check --compare-with-cluster one.yaml", "")? == "1 file: 1 same\n");

    fs::write(laptop.path("one.yaml"), clear.replace("user: u", "user: v"))?;
    age()?;
    let differs = laptop.kubeseal("seal --check --compare-with-cluster one.yaml", "")?;
    ensure!(
        differs.stdout.contains("item user has another value in it"),
        "{differs:?}"
    );
    laptop.ok(line, "")?;
    let after = fs::read_to_string(laptop.path("one.sealed.yaml"))?;
    let value = |text: &str, item: &str| -> Result<String> {
        let line = text.lines().find(|line| line.trim_start().starts_with(item));
        Ok(line.context("the item")?.to_owned())
    };
    ensure!(value(&after, "password:")? == value(&sealed, "password:")?);
    ensure!(value(&after, "user:")? != value(&sealed, "user:")?);
    // The cluster has not unsealed the new one yet: nothing is known of it.
    age()?;
    let told = laptop.ok(line, "")?;
    ensure!(told.starts_with("sealed one.yaml"), "{told}");
    Ok(())
}

#[test]
fn a_plug_in_of_kubectl() -> Result<()> {
    let laptop = Laptop::new()?;
    let _controller = laptop.controller()?;
    let programs = laptop.path("bin");
    fs::create_dir(&programs)?;
    symlink(Implementation::Ours.programs()?.kubeseal, programs.join("kubectl-seal"))?;
    let kubectl = |words: &[&str], input: &str| {
        let mut command = laptop.cluster.command(laptop.cluster.peer(&peers::KUBECTL)?);
        command
            .current_dir(laptop.folder.path())
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        let captured = run_with_input(command.arg("seal").args(words), input.as_bytes())?.success()?;
        ensure!(captured.stderr.is_empty(), "{words:?}: {}", captured.stderr);
        Ok::<_, anyhow::Error>(captured)
    };
    let clear = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: default}\nstringData: {a: b}\n";
    // By the cluster that kubectl asks too.
    let sealed = kubectl(&["-o", "json"], clear)?.json()?;
    ensure!(sealed["kind"] == "SealedSecret", "{sealed}");
    laptop.cluster.apply(&sealed.to_string())?;
    laptop.cluster.eventually(crate::fixture::SOON, "its Secret", || {
        let secret = laptop.cluster.get_json(&["secret", "one"])?;
        ensure!(secret["data"]["a"] == "Yg==");
        Ok(())
    })?;
    fs::write(laptop.path("one.yaml"), clear)?;
    kubectl(&["seal", "one.yaml"], "")?;
    ensure!(laptop.path("one.sealed.yaml").exists());
    ensure!(kubectl(&["--help"], "")?.stdout.contains("Usage: kubeseal"));
    Ok(())
}
