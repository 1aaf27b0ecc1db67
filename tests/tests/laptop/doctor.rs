//! `kubeseal doctor`, on objects that do not open for each of the six causes, and on what a status says.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::lab::{Laptop, secret, stop};

#[test]
fn the_doctor_tells_the_six_causes_apart() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    let secret = secret("default", "db").to_string();
    let strict = laptop.ok("-o yaml", &secret)?;
    let doctor = |text: &str, flags: &str| -> Result<Value> {
        std::fs::write(laptop.path("db.yaml"), text)?;
        let told = laptop.kubeseal(&format!("doctor -o json {flags} db.yaml"), "")?;
        ensure!(!told.stdout.contains("hunter2") && told.stderr.is_empty(), "{told:?}");
        Ok(serde_json::from_str::<Value>(&told.stdout)?["objects"][0].clone())
    };
    let is = |object: &Value, cause: &str| -> Result<()> {
        let diagnosis = &object["diagnoses"][0];
        ensure!(
            diagnosis["cause"] == cause && diagnosis["certain"] == true,
            "{cause}: {object}"
        );
        ensure!(
            diagnosis["next"].as_str().is_some_and(|next| !next.is_empty()),
            "{object}"
        );
        Ok(())
    };
    let sound = doctor(&strict, "")?;
    ensure!(sound["opens"] == true && sound["diagnoses"] == json!([]), "{sound}");

    // By the controller's word alone.
    let moved = strict.replacen("namespace: default", "namespace: kube-public", 1);
    is(&doctor(&moved, "")?, "wrong-namespace")?;
    // Its template was changed too: a manifest beside it has the namespace, else nothing does.
    let moved_whole = strict.replace("namespace: default", "namespace: kube-public");
    let unknown = doctor(&moved_whole, "")?;
    ensure!(
        unknown["opens"] == false
            && unknown["diagnoses"]
                .to_string()
                .contains("One of: it was sealed for another name"),
        "{unknown}"
    );
    std::fs::write(laptop.path("near.yaml"), self::secret("default", "near").to_string())?;
    let found = doctor(&moved_whole, "")?;
    is(&found, "wrong-namespace")?;
    ensure!(found.to_string().contains("(found in near.yaml)"), "{found}");
    std::fs::remove_file(laptop.path("near.yaml"))?;
    // Who may read little is told what was not read.
    let told = doctor(&moved, "--as mallory")?["diagnoses"].to_string();
    for what in ["cannot read SealedSecrets: ", "cannot read key Secrets: "] {
        ensure!(told.contains(what) && told.contains("mallory"), "{told}");
    }
    let wide = laptop.ok("-o yaml --scope cluster-wide", &secret)?;
    let annotation = "  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: \"true\"\n";
    ensure!(wide.contains(annotation), "{wide}");
    is(&doctor(&wide.replacen(annotation, "", 1), "")?, "scope")?;

    // kustomize itself renames it, and its result is in the cluster.
    let kustomization = laptop.path("kustomization.yaml");
    std::fs::write(&kustomization, "namePrefix: prod-\nresources: [db.yaml]\n")?;
    std::fs::write(laptop.path("db.yaml"), &strict)?;
    let built = laptop
        .cluster
        .kubectl_ok(&["kustomize", &laptop.folder.path().display().to_string()])?;
    laptop.cluster.apply(&built.stdout)?;
    let by_file = doctor(&strict, "")?;
    is(&by_file, "renamed")?;
    std::fs::remove_file(&kustomization)?;
    let by_cluster = doctor(&strict, "")?;
    is(&by_cluster, "renamed")?;
    ensure!(
        by_cluster["diagnoses"].to_string().contains("default/prod-db"),
        "{by_cluster}"
    );
    is(&doctor(&built.stdout, "")?, "renamed")?;
    laptop.cluster.kubectl_ok(&["delete", "sealedsecret", "prod-db"])?;

    // Another cluster's certificate, told by the length of its key.
    let foreign = harness::sealing_keys::SealingKey::generate(laptop.folder.path(), 4096)?;
    let foreign = laptop.ok(&format!("-o yaml --cert {}", foreign.certificate.display()), &secret)?;
    is(&doctor(&foreign, "")?, "other-cluster")?;

    // Damaged: what is no base64 any more, and one changed letter of the body, with a backup at hand.
    laptop.ok("keys backup --unencrypted -w keys.yaml", "")?;
    is(
        &doctor(&strict.replacen("password: AQ", "password: AQ!", 1), "")?,
        "damaged",
    )?;
    let at = strict.find("password: ").context("the item")? + 380;
    let mut damaged = strict.clone();
    let other = if damaged.as_bytes()[at] == b'A' { "B" } else { "A" };
    damaged.replace_range(at..=at, other);
    is(&doctor(&damaged, "--recovery-private-key keys.yaml")?, "damaged")?;

    // The key is gone: its Secret is deleted, and the controller starts without it.
    stop(controller)?;
    laptop.wipe_keys()?;
    let _controller = laptop.controller()?;
    is(&doctor(&strict, "--recovery-private-key keys.yaml")?, "key-gone")?;
    let unknown = doctor(&strict, "")?;
    ensure!(
        unknown["opens"] == false && unknown["diagnoses"][0]["certain"] == false,
        "{unknown}"
    );
    Ok(())
}

/// The status names what is wrong where the controller is away, and where a Secret is in the way.
#[test]
fn the_doctor_reads_the_status() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    let cluster = &laptop.cluster;
    let strict = laptop.ok("-o yaml", &secret("default", "db").to_string())?;
    let synced = |status: &str| format!("--for=condition=Synced={status}");
    let wait = |name: &str, status: &str| {
        cluster.kubectl_ok(&[
            "wait",
            &synced(status),
            &format!("sealedsecret/{name}"),
            "--timeout=30s",
        ])
    };

    // Somebody's Secret is there already; what is said to be typed takes it over.
    cluster.kubectl_ok(&["create", "secret", "generic", "db", "--from-literal=password=old"])?;
    cluster.apply(&strict)?;
    wait("db", "False")?;
    std::fs::write(laptop.path("db.yaml"), &strict)?;
    let told = laptop.kubeseal("doctor db.yaml", "")?;
    let next = "kubectl annotate secret db -n default sealedsecrets.bitnami.com/managed=true";
    ensure!(
        told.status.code() == Some(1) && told.stdout.contains("not-synced: ") && told.stdout.contains(next),
        "{told:?}"
    );
    let words: Vec<_> = next.split_whitespace().skip(1).collect();
    cluster.kubectl_ok(&words)?;
    wait("db", "True")?;
    ensure!(laptop.kubeseal("doctor db.yaml", "")?.status.success());

    // Renamed, and the controller has gone since.
    let renamed = strict.replacen("name: db", "name: web", 1);
    cluster.apply(&renamed)?;
    wait("web", "False")?;
    stop(controller)?;
    std::fs::write(laptop.path("web.yaml"), &renamed)?;
    let told = laptop.kubeseal("doctor web.yaml", "")?;
    ensure!(
        told.status.code() == Some(1) && told.stdout.contains("default/web: it does not open\n"),
        "{told:?}"
    );
    for part in ["no key could decrypt secret", "the controller could not be asked: "] {
        ensure!(told.stdout.contains(part), "{part}: {told:?}");
    }
    // What is synced was not checked either.
    let told = laptop.kubeseal("doctor db.yaml", "")?;
    ensure!(
        told.status.code() == Some(3) && told.stdout.contains("not checked: the controller could not be asked"),
        "{told:?}"
    );
    Ok(())
}
