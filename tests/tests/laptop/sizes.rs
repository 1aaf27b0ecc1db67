//! Objects that are too large for the API server are found before they are applied.

use anyhow::{Context, Result, ensure};
use harness::implementation::Implementation;
use serde_json::json;

use crate::fixture::{Laptop, SOON, secret, stop};

#[test]
fn what_the_api_server_refuses_for_its_size_lint_and_the_status_tell() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    let certificate = laptop
        .cluster
        .eventually(SOON, "a certificate", || laptop.ok("--fetch-cert", ""))?;
    std::fs::write(laptop.path("cert.pem"), &certificate)?;
    too_large_for_client_side_apply(&laptop)?;
    too_large_for_a_secret(&laptop, &certificate)?;
    // Together they are larger than one answer about one object.
    let file = laptop.path("sealed.json").display().to_string();
    for name in ["one", "two", "three"] {
        let large = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"encryptedData": {"a": "A".repeat(1_400_000)}},
        });
        std::fs::write(&file, large.to_string())?;
        laptop.cluster.kubectl_ok(&["create", "-f", &file])?;
    }
    laptop.ok("keys list", "")?;
    stop(controller)
}

/// lint warns from the first byte on at which `kubectl apply` fails.
fn too_large_for_client_side_apply(laptop: &Laptop) -> Result<()> {
    let file = laptop.path("sealed.json").display().to_string();
    let seal = |length: usize| -> Result<()> {
        let mut secret = secret("default", "large");
        secret["stringData"]["password"] = "x".repeat(length).into();
        laptop
            .ok("--cert cert.pem -w sealed.json", &secret.to_string())
            .map(drop)
    };
    let lint_warns = |length: usize| -> Result<bool> {
        seal(length)?;
        Ok(laptop.ok("lint sealed.json", "")?.contains("warning[apply-size]"))
    };
    // Three bytes in clear are four letters in base64.
    let (mut fits, mut too_many) = (30_000, 80_000);
    ensure!(!lint_warns(3 * fits)? && lint_warns(3 * too_many)?);
    while too_many - fits > 1 {
        let middle = usize::midpoint(fits, too_many);
        match lint_warns(3 * middle)? {
            true => too_many = middle,
            false => fits = middle,
        }
    }
    seal(3 * fits)?;
    laptop.cluster.kubectl_ok(&["apply", "-f", &file])?;
    laptop
        .cluster
        .kubectl_ok(&["delete", "sealedsecret", "large", "--wait"])?;
    seal(3 * too_many)?;
    let refused = laptop.cluster.kubectl(&["apply", "-f", &file])?;
    ensure!(refused.stderr.contains("Too long"), "{}", refused.stderr);
    laptop.cluster.kubectl_ok(&["apply", "--server-side", "-f", &file])?;
    laptop.cluster.eventually(SOON, "the Secret", || {
        laptop.cluster.get_json(&["secret", "large"]).map(drop)
    })
}

/// kubeseal, lint and the status all name the size of such a Secret.
fn too_large_for_a_secret(laptop: &Laptop, certificate: &str) -> Result<()> {
    let file = laptop.path("sealed.json").display().to_string();
    let mut both = secret("default", "both");
    both["stringData"] = json!({"a": "x".repeat(530_000), "b": "y".repeat(530_000)});
    let refused = laptop.kubeseal("--cert cert.pem", &both.to_string())?;
    ensure!(
        refused.stderr.contains("1060000 bytes") && refused.stdout.is_empty(),
        "{}",
        refused.stderr
    );
    let sealed = Implementation::Reference.seal(certificate, &["--scope", "strict"], &both)?;
    std::fs::write(&file, sealed.to_string())?;
    let lint = laptop.kubeseal("lint sealed.json", "")?;
    ensure!(lint.stdout.contains("error[too-large]"), "{}", lint.stdout);
    laptop.cluster.kubectl_ok(&["apply", "--server-side", "-f", &file])?;
    laptop.cluster.eventually(SOON, "a status", || {
        let object = laptop.cluster.get_json(&["sealedsecret", "both"])?;
        let conditions = object["status"]["conditions"].as_array().context("no conditions")?;
        let stalled = conditions.iter().find(|condition| condition["type"] == "Stalled");
        let stalled = stalled.context("not stalled")?;
        ensure!(stalled["reason"] == "SecretTooLarge", "{stalled}");
        ensure!(stalled["message"].to_string().contains("1060000 bytes"), "{stalled}");
        Ok(())
    })
}
