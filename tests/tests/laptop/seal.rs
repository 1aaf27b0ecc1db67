//! `kubeseal seal` beside a cluster that has unsealed the same file.

use std::fs;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};

use crate::lab::Laptop;

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
        .eventually(crate::lab::SOON, "a synced SealedSecret", || {
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
