//! `kubeseal reseal` by the controller, after its key was renewed.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fixture::{Laptop, secret, stop};

const NAMES: [&str; 2] = ["one", "two"];

#[test]
fn the_controller_reseals_a_repository_in_place() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    let before = write_repository(&laptop)?;
    let value = laptop.ok("--raw --name three --namespace default", "hunter2")?;
    stop(controller)?;
    // Certificates count in seconds: the next one has to begin in a later one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let old = laptop.key_names()?;
    let controller = laptop.controller_with(&["--key-renew-period=1s"])?;
    laptop.cluster.eventually(crate::fixture::SOON, "a renewed key", || {
        ensure!(laptop.key_names()?.len() > old.len());
        Ok(())
    })?;

    reseal_objects(&laptop, &before)?;
    reseal_bare_value(&laptop, &value)?;

    // Values under the newest key stay unchanged; only the holder of the keys can tell.
    stop(controller)?;
    let _controller = laptop.controller()?;
    laptop.ok("reseal repo", "")?;
    let after = fs::read_to_string(laptop.path("repo/apps/one.yaml"))?;
    let told: Value = serde_json::from_str(&laptop.ok("reseal -o json repo", "")?)?;
    ensure!(
        told["files"].as_array().is_some_and(Vec::is_empty) || !told.to_string().contains("resealed"),
        "{told}"
    );
    ensure!(fs::read_to_string(laptop.path("repo/apps/one.yaml"))? == after);

    // Where the controller cannot be reached, nothing is written.
    let nobody = laptop.kubeseal("reseal --controller-name nobody repo", "")?;
    ensure!(
        nobody.code() == 1 && nobody.stderr.contains("\"nobody\" not found"),
        "{nobody:?}"
    );
    ensure!(fs::read_to_string(laptop.path("repo/apps/one.yaml"))? == after);
    Ok(())
}

/// Two sealed files with comments and CR LF after the first line, and a ConfigMap; gives the texts of the sealed ones.
fn write_repository(laptop: &Laptop) -> Result<Vec<String>> {
    fs::create_dir_all(laptop.path("repo/apps"))?;
    let mut before = Vec::new();
    for name in NAMES {
        let sealed = laptop.ok("-o yaml", &secret("default", name).to_string())?;
        let text = format!(
            "# {name}\r\n{}",
            sealed.replace("  encryptedData:", "  encryptedData: # kept")
        );
        fs::write(laptop.path(&format!("repo/apps/{name}.yaml")), &text)?;
        before.push(text);
    }
    fs::write(laptop.path("repo/map.yaml"), "kind: ConfigMap\n")?;
    Ok(before)
}

/// Only ciphertexts and the key hint change, and the new key opens them.
fn reseal_objects(laptop: &Laptop, before: &[String]) -> Result<()> {
    let told: Value = serde_json::from_str(&laptop.ok("reseal -o json repo", "")?)?;
    let results: Vec<_> = told["files"]
        .as_array()
        .context("files")?
        .iter()
        .map(|file| &file["result"])
        .collect();
    ensure!(results == ["resealed", "resealed"], "{told}");
    for (name, before) in NAMES.into_iter().zip(before) {
        let after = fs::read_to_string(laptop.path(&format!("repo/apps/{name}.yaml")))?;
        let kept = |text: &str| -> Vec<String> {
            let lines = text
                .split('\n')
                .filter(|line| !line.contains("password: ") && !line.contains("sealed-with"));
            lines.map(str::to_owned).collect()
        };
        ensure!(after != *before, "it was not sealed again");
        ensure!(
            kept(&after) == kept(before),
            "more than ciphertexts has changed:\n{after}"
        );
        // The old key alone does not open it any more: it was sealed with a newer one.
        laptop.cluster.apply(&after)?;
    }
    laptop.ok("keys backup --unencrypted -w keys.yaml", "")?;
    let opened = laptop.ok("unseal --recovery-private-key keys.yaml repo", "")?;
    ensure!(opened.matches("aHVudGVyMg==").count() == 2, "{opened}");
    Ok(())
}

/// A value outside SealedSecrets is reached under the names that are given, and only there.
fn reseal_bare_value(laptop: &Laptop, value: &str) -> Result<()> {
    let values = format!("db:\n  password: {value} # kept\n");
    fs::create_dir_all(laptop.path("chart"))?;
    fs::write(laptop.path("chart/values.yaml"), &values)?;
    let lost = laptop.kubeseal("reseal chart", "")?;
    ensure!(
        lost.code() == 1 && lost.stderr.contains("no key opens it under any name"),
        "{lost:?}"
    );
    ensure!(fs::read_to_string(laptop.path("chart/values.yaml"))? == values);
    laptop.ok("reseal --name three --namespace default chart", "")?;
    let after = fs::read_to_string(laptop.path("chart/values.yaml"))?;
    let new = after
        .strip_prefix("db:\n  password: ")
        .and_then(|rest| rest.strip_suffix(" # kept\n"));
    let new = new.context("the bytes around the value have changed")?;
    ensure!(new != value, "it was not sealed again");
    fs::write(laptop.path("value"), new)?;
    // The key is renewed every second: the earlier backup may lack the one that sealed this.
    laptop.ok("keys backup --unencrypted -w later.yaml", "")?;
    let opened = laptop.ok(
        "unseal --raw --name three --namespace default --recovery-private-key later.yaml value",
        "",
    )?;
    ensure!(opened == "hunter2", "{opened}");
    Ok(())
}
