//! The six steps, and what comes after them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::eventually::throughout;
use harness::sealing_keys::SealingKey;
use serde_json::json;

use crate::flux::{Flux, RECONCILED, ensure_absent};
use crate::operators;
use crate::repository::{Values, WorkingCopy};

/// A little more than the time between two looks of Flux at the health of what it has applied.
const HEALTH_INTERVAL: Duration = Duration::from_secs(6);

#[test]
fn what_is_in_git_is_in_the_cluster() -> Result<()> {
    let flux = Flux::start()?;
    let url = flux.create_repository("kafka-gitops")?;
    let copy = WorkingCopy::create(&flux.cluster, &url)?;
    let story = || {
        let values = seal_and_install(&flux, &copy, &url)?;
        operators::read_what_was_sealed(&flux.cluster)?;
        operators::seal_back(&flux, &copy)?;
        edit_and_prune(&flux, &copy, &values)?;
        broken_and_mended(&flux, &copy)?;
        flux.restart_everything()?;
        renewed_key(&flux, &copy)
    };
    story().map_err(|error| flux.cluster.with_logs(error))
}

/// Steps 1 to 6: certificate, temporary Secrets, sealed files, commit, Flux, Secrets.
fn seal_and_install(flux: &Flux, copy: &WorkingCopy<'_>, url: &str) -> Result<Values> {
    copy.fetch_certificate("dev")?;
    copy.script("create-secrets.sh", &["dev", "secrets/example"])?;
    let values = copy.clear_values("dev")?;
    ensure!(values.len() == 10, "ten Secrets are to be sealed: {:?}", values.keys());
    copy.script("seal-secrets.sh", &["dev"])?;
    let left = std::fs::read_dir(copy.path("secrets/local-toseal/dev"))?.count();
    ensure!(left == 1, "only .gitkeep stays in the folder of clear Secrets");
    let commit = copy.push("Seal the credentials of dev")?;
    // The labels name the API keys in clear, as the cloud operator's own Secrets do; the secrets are in no form in there.
    ensure_absent(&forms(&values), &copy.history()?, "the history")?;

    flux.follow(copy, url)?;
    flux.await_ready("secrets", &commit)?;
    // The Secrets exist as soon as Flux reports Ready.
    expect(flux, &values)?;
    flux.await_ready("apps", &commit)?;
    flux.cluster
        .kubectl_ok(&["get", "deployment/connect-service", "statefulset/mysql"])?;
    Ok(values)
}

/// A commit that edits a value, and one that removes a file.
fn edit_and_prune(flux: &Flux, copy: &WorkingCopy<'_>, values: &Values) -> Result<()> {
    copy.script("create-secrets.sh", &["dev", "secrets/example"])?;
    let file = copy.path("secrets/local-toseal/dev/default-cc.ccloud-secrets.yaml");
    let edited = copy
        .run(
            "kubectl",
            &[
                "create",
                "secret",
                "generic",
                "cc.ccloud-secrets",
                "--namespace=default",
                "--from-literal=CCLOUD_EMAIL=operator@example.invalid",
                "--from-literal=CCLOUD_PASSWORD=rotated",
                "--dry-run=client",
                "-o",
                "yaml",
            ],
        )?
        .success()?;
    std::fs::write(&file, edited.bytes)?;
    // The commands of the script in one line, with the same result.
    let seal = "kubeseal seal secrets/local-toseal/dev --out secrets/sealed/dev --delete-clear && kubeseal lint .";
    copy.run("sh", &["-ec", seal])?.success()?;
    let commit = copy.push("Rotate the password of the cloud")?;
    flux.await_ready("secrets", &commit)?;
    let mut expected = values.clone();
    expected
        .get_mut("cc.ccloud-secrets")
        .context("the Secret")?
        .insert("CCLOUD_PASSWORD".to_owned(), b"rotated".to_vec());
    expect(flux, &expected)?;

    copy.git(&[
        "rm",
        "-q",
        "secrets/sealed/dev/default-orders-bq-sink-keyfile.sealed.yaml",
    ])?;
    let commit = copy.push("The warehouse is not used any more")?;
    flux.await_ready("secrets", &commit)?;
    flux.cluster.eventually(RECONCILED, "end of the Secret", || {
        let left = flux.cluster.kubectl(&["get", "secret", "orders-bq-sink-keyfile"])?;
        ensure!(left.stderr.contains("NotFound"), "{left}");
        Ok(())
    })
}

/// A file sealed for another cluster: Flux waits for the controller, then reports the failure at once, with and without the
/// documented expressions, and reports success after the fix.
fn broken_and_mended(flux: &Flux, copy: &WorkingCopy<'_>) -> Result<()> {
    let expressions = json!([{
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "failed": "status.conditions.filter(e, e.type == 'Synced').all(e, e.status == 'False')",
        "current": "status.conditions.filter(e, e.type == 'Synced').all(e, e.status == 'True')",
    }]);
    let elsewhere = SealingKey::generate(flux.cluster.state(), 2048)?;
    std::fs::create_dir(copy.path("other"))?;
    for folder in ["plain", "expressions"] {
        std::fs::create_dir(copy.path(&format!("other/{folder}")))?;
        write_sealed(copy, folder, &elsewhere.certificate)?;
    }
    let commit = copy.push("Sealed with the wrong certificate")?;
    // The controller is slow: with the expressions Flux must not accept an object that it has not seen yet.
    flux.controller_signal("STOP")?;
    flux.add_kustomization(
        "expressions",
        "./other/expressions",
        &json!({"wait": true, "healthCheckExprs": expressions}),
    )?;
    flux.cluster.eventually(RECONCILED, "SealedSecret", || {
        flux.cluster.kubectl_ok(&["get", "sealedsecret", "expressions"])
    })?;
    throughout(HEALTH_INTERVAL, || {
        let status = &flux.kustomization("expressions")?["status"];
        ensure!(status["lastAppliedRevision"].is_null(), "taken for good: {status}");
        Ok(())
    })?;
    flux.controller_signal("CONT")?;
    flux.add_kustomization("plain", "./other/plain", &json!({"wait": true}))?;
    ensure_failed_early(flux, &commit)?;
    let certificate = copy.path("secrets/keys/dev.crt");
    for folder in ["plain", "expressions"] {
        write_sealed(copy, folder, &certificate)?;
    }
    let commit = copy.push("Sealed with the right one")?;
    for name in ["plain", "expressions"] {
        flux.await_ready(name, &commit)?;
        flux.cluster.kubectl_ok(&["get", "secret", name])?;
    }
    Ok(())
}

/// Flux calls both broken, and does not wait for its timeout.
fn ensure_failed_early(flux: &Flux, commit: &str) -> Result<()> {
    for name in ["plain", "expressions"] {
        let mut ready = flux.judgement(name, commit)?;
        if name == "plain" && ready["status"] == "True" {
            // Flux looked in the moment before the object had a status, which is what the expressions are for.
            let now = format!("reconcile.fluxcd.io/requestedAt={commit}");
            flux.cluster.kubectl_ok(&[
                "annotate",
                "kustomization.kustomize.toolkit.fluxcd.io",
                name,
                "-n",
                "flux-system",
                &now,
            ])?;
            ready = flux.cluster.eventually(RECONCILED, "another judgement", || {
                let ready = flux.judgement(name, commit)?;
                ensure!(ready["status"] == "False", "{ready}");
                Ok(ready)
            })?;
        }
        ensure!(
            ready["status"] == "False",
            "{name} takes a broken SealedSecret for good: {ready}"
        );
        let message = ready["message"].as_str().unwrap_or_default();
        ensure!(
            message.contains("failed early") && message.contains(name),
            "{name} waited for its timeout: {message}"
        );
    }
    Ok(())
}

/// After everything was restarted in the middle: a new key, a file sealed with it beside the old ones.
fn renewed_key(flux: &Flux, copy: &WorkingCopy<'_>) -> Result<()> {
    let old = copy.run("kubeseal", &["--fetch-cert"])?.success()?.bytes;
    flux.controller_signal("USR1")?;
    let new = flux
        .cluster
        .eventually(Duration::from_secs(60), "new certificate", || {
            let served = copy.run("kubeseal", &["--fetch-cert"])?.success()?.bytes;
            ensure!(served != old, "still the old one");
            Ok(served)
        })?;
    std::fs::write(copy.path("secrets/keys/dev.crt"), new)?;
    write_sealed(copy, "plain", &copy.path("secrets/keys/dev.crt"))?;
    let commit = copy.push("Sealed with the new key")?;
    for name in ["secrets", "apps", "plain", "expressions"] {
        flux.await_ready(name, &commit)?;
    }
    Ok(())
}

/// Seals `other/FOLDER/secret.yaml`: a Secret of the folder's name.
fn write_sealed(copy: &WorkingCopy<'_>, folder: &str, certificate: &std::path::Path) -> Result<()> {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": folder, "namespace": "default"},
        "stringData": {"item": format!("{folder} for {}", certificate.display())}});
    let input = copy.path("clear.json");
    std::fs::write(&input, secret.to_string())?;
    let sealed = copy.path(&format!("other/{folder}/secret.yaml"));
    copy.run(
        "kubeseal",
        &[
            "--cert",
            &certificate.display().to_string(),
            "-f",
            &input.display().to_string(),
            "-w",
            &sealed.display().to_string(),
        ],
    )?
    .success()?;
    Ok(std::fs::remove_file(input)?)
}

/// Every Secret has exactly these items.
fn expect(flux: &Flux, values: &Values) -> Result<()> {
    use base64::Engine as _;
    for (name, items) in values {
        let secret = flux.cluster.get_json(&["secret", name])?;
        let expected: std::collections::BTreeMap<_, _> = items
            .iter()
            .map(|(item, value)| (item, base64::engine::general_purpose::STANDARD.encode(value)))
            .collect();
        ensure!(
            secret["data"] == json!(expected),
            "the Secret {name} is not what was sealed"
        );
    }
    Ok(())
}

/// The values as they would stand in a file: themselves and in base64, where they are too long to be ordinary words.
fn forms(values: &Values) -> Vec<String> {
    use base64::Engine as _;
    values
        .values()
        .flat_map(|items| items.values())
        .filter(|value| value.len() > 24)
        .flat_map(|value| {
            [
                String::from_utf8_lossy(value).into_owned(),
                base64::engine::general_purpose::STANDARD.encode(value),
            ]
        })
        .collect()
}
