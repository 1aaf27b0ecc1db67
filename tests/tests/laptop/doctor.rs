//! `kubeseal doctor` on objects that do not open, for each of the six causes, and on statuses.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::fixture::{Laptop, secret, stop};

/// The diagnosis of this text in `db.yaml`.
fn doctor(laptop: &Laptop, text: &str, flags: &str) -> Result<Value> {
    std::fs::write(laptop.path("db.yaml"), text)?;
    let told = laptop.kubeseal(&format!("doctor -o json {flags} db.yaml"), "")?;
    ensure!(!told.stdout.contains("hunter2") && told.stderr.is_empty(), "{told:?}");
    Ok(serde_json::from_str::<Value>(&told.stdout)?["objects"][0].clone())
}

/// The first diagnosis names this cause for certain, and what to do next.
fn ensure_cause(object: &Value, cause: &str) -> Result<()> {
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
}

#[test]
fn the_doctor_tells_the_six_causes_apart() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    let secret = secret("default", "db").to_string();
    let strict = laptop.ok("-o yaml", &secret)?;
    let sound = doctor(&laptop, &strict, "")?;
    ensure!(sound["opens"] == true && sound["diagnoses"] == json!([]), "{sound}");

    moved_or_rescoped(&laptop, &secret, &strict)?;
    renamed_by_kustomize(&laptop, &strict)?;
    // Another cluster's certificate, recognized by the length of its key.
    let foreign = harness::sealing_keys::SealingKey::generate(laptop.folder.path(), 4096)?;
    let foreign = laptop.ok(&format!("-o yaml --cert {}", foreign.certificate.display()), &secret)?;
    ensure_cause(&doctor(&laptop, &foreign, "")?, "other-cluster")?;
    damaged(&laptop, &strict)?;

    // The key is gone: its Secret is deleted, and the controller starts without it.
    stop(controller)?;
    laptop.wipe_keys()?;
    let _controller = laptop.controller()?;
    ensure_cause(
        &doctor(&laptop, &strict, "--recovery-private-key keys.yaml")?,
        "key-gone",
    )?;
    let unknown = doctor(&laptop, &strict, "")?;
    ensure!(
        unknown["opens"] == false && unknown["diagnoses"][0]["certain"] == false,
        "{unknown}"
    );
    Ok(())
}

/// In another namespace or another scope than it was sealed for: the controller alone can tell.
fn moved_or_rescoped(laptop: &Laptop, secret: &str, strict: &str) -> Result<()> {
    let moved = strict.replacen("namespace: default", "namespace: kube-public", 1);
    ensure_cause(&doctor(laptop, &moved, "")?, "wrong-namespace")?;
    moved_whole(laptop, strict)?;
    // With few rights the output names what could not be read.
    let told = doctor(laptop, &moved, "--as mallory")?["diagnoses"].to_string();
    for what in ["cannot read SealedSecrets: ", "cannot read key Secrets: "] {
        ensure!(told.contains(what) && told.contains("mallory"), "{told}");
    }
    let wide = laptop.ok("-o yaml --scope cluster-wide", secret)?;
    let annotation = "  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: \"true\"\n";
    ensure!(wide.contains(annotation), "{wide}");
    ensure_cause(&doctor(laptop, &wide.replacen(annotation, "", 1), "")?, "scope")
}

/// Its template was changed too: a manifest beside it has the namespace, else nothing does.
fn moved_whole(laptop: &Laptop, strict: &str) -> Result<()> {
    let moved = strict.replace("namespace: default", "namespace: kube-public");
    let unknown = doctor(laptop, &moved, "")?;
    ensure!(
        unknown["opens"] == false
            && unknown["diagnoses"]
                .to_string()
                .contains("One of: it was sealed for another name"),
        "{unknown}"
    );
    std::fs::write(laptop.path("near.yaml"), secret("default", "near").to_string())?;
    let found = doctor(laptop, &moved, "")?;
    ensure_cause(&found, "wrong-namespace")?;
    ensure!(found.to_string().contains("(found in near.yaml)"), "{found}");
    std::fs::remove_file(laptop.path("near.yaml"))?;
    Ok(())
}

/// kustomize itself renames it, and its result is in the cluster.
fn renamed_by_kustomize(laptop: &Laptop, strict: &str) -> Result<()> {
    let kustomization = laptop.path("kustomization.yaml");
    std::fs::write(&kustomization, "namePrefix: prod-\nresources: [db.yaml]\n")?;
    std::fs::write(laptop.path("db.yaml"), strict)?;
    let built = laptop
        .cluster
        .kubectl_ok(&["kustomize", &laptop.folder.path().display().to_string()])?;
    laptop.cluster.apply(&built.stdout)?;
    ensure_cause(&doctor(laptop, strict, "")?, "renamed")?;
    std::fs::remove_file(&kustomization)?;
    let by_cluster = doctor(laptop, strict, "")?;
    ensure_cause(&by_cluster, "renamed")?;
    ensure!(
        by_cluster["diagnoses"].to_string().contains("default/prod-db"),
        "{by_cluster}"
    );
    ensure_cause(&doctor(laptop, &built.stdout, "")?, "renamed")?;
    laptop
        .cluster
        .kubectl_ok(&["delete", "sealedsecret", "prod-db"])
        .map(drop)
}

/// What is not base64, and one changed letter of the body, with a backup at hand.
fn damaged(laptop: &Laptop, strict: &str) -> Result<()> {
    laptop.ok("keys backup --unencrypted -w keys.yaml", "")?;
    let not_base64 = strict.replacen("password: AQ", "password: AQ!", 1);
    ensure_cause(&doctor(laptop, &not_base64, "")?, "damaged")?;
    let at = strict.find("password: ").context("the item")? + 380;
    let mut damaged = strict.to_owned();
    let other = if damaged.as_bytes()[at] == b'A' { "B" } else { "A" };
    damaged.replace_range(at..=at, other);
    ensure_cause(
        &doctor(laptop, &damaged, "--recovery-private-key keys.yaml")?,
        "damaged",
    )
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

    // A foreign Secret is in the way; the suggested command takes it over.
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
