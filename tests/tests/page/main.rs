//! The page that seals, in a real browser.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::binaries;
use harness::implementation::{Implementation, repository};
use harness::output::{run, run_with_input};
use harness::peers;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

const MANIFEST: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: pasted, namespace: shop}\nstringData: {user: admin}\n";

/// The page as `cargo xtask page` makes it.
fn page() -> Result<PathBuf> {
    let xtask = binaries::ours()?.controller.with_file_name("xtask");
    run(Command::new(xtask).arg("page"))?.success()?;
    let made = binaries::ours()?.controller;
    let target = made.ancestors().nth(2).context("a target folder")?;
    Ok(target.join("page/kubeseal-page.html"))
}

/// The Secret that both kubeseals make of a sealed text.
fn opened(sealed: &Value, key: &SealingKey) -> Result<Value> {
    let text = sealed["sealed"]
        .as_str()
        .with_context(|| format!("not sealed: {sealed}"))?;
    let open = |implementation: Implementation| -> Result<Value> {
        let mut kubeseal = Command::new(implementation.programs()?.kubeseal);
        kubeseal
            .args(["--recovery-unseal", "-o", "json", "--recovery-private-key"])
            .arg(&key.private_key);
        run_with_input(&mut kubeseal, text.as_bytes())?.success()?.json()
    };
    let ours = open(Implementation::Ours)?;
    ensure!(ours["data"] == open(Implementation::Reference)?["data"]);
    Ok(ours)
}

/// A key Secret with a hybrid key: its file, and its certificate's.
fn hybrid_key(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let mut make = Command::new(binaries::example("v2", &["--workspace"])?);
    let made = run_with_input(&mut make, json!({"key": "kube-system"}).to_string().as_bytes())?
        .success()?
        .json()?;
    let certificate = made["data"]["tls.crt"].as_str().context("no certificate")?;
    let paths = (folder.join("hybrid.json"), folder.join("hybrid.crt"));
    fs::write(&paths.0, made.to_string())?;
    fs::write(&paths.1, STANDARD.decode(certificate)?)?;
    Ok(paths)
}

/// Checks what the page sealed with a certificate that has a hybrid key.
fn check_hybrid(seen: &Value, key: &Path, certificate: &Path, clear: &Value) -> Result<()> {
    let pin = kubeseal_pin(certificate)?;
    ensure!(
        pin.starts_with("v2:") && seen["told"].as_str().is_some_and(|told| told.contains(&pin)),
        "{pin}: {}",
        seen["told"]
    );
    for (format, version) in [("format", "2"), ("format1", "1")] {
        let text = seen[format]["sealed"]
            .as_str()
            .with_context(|| format!("not sealed: {seen}"))?;
        let arguments = ["--format-version", version, "-o", "yaml"];
        let by_kubeseal = kubeseal(&arguments, &clear.to_string(), certificate)?;
        ensure!(shape(text) == shape(&by_kubeseal), "{format}:\n{text}\n{by_kubeseal}");
        let mut open = Command::new(Implementation::Ours.programs()?.kubeseal);
        open.args(["--recovery-unseal", "-o", "json", "--recovery-private-key"])
            .arg(key);
        let opened = run_with_input(&mut open, text.as_bytes())?.success()?.json()?;
        ensure!(opened["data"] == clear["data"], "{format}: {opened}");
    }
    Ok(())
}

/// A sealed object without its ciphertexts.
fn shape(sealed: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((item, value)) if value.len() > 100 => item.to_owned(),
        _ => line.to_owned(),
    };
    sealed.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn kubeseal(arguments: &[&str], input: &str, certificate: &Path) -> Result<String> {
    let mut kubeseal = Command::new(Implementation::Ours.programs()?.kubeseal);
    kubeseal.args(arguments).arg("--cert").arg(certificate);
    Ok(run_with_input(&mut kubeseal, input.as_bytes())?.success()?.stdout)
}

#[test]
fn the_page_seals_in_chromium_without_a_connection() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let certificate = fs::read_to_string(&key.certificate)?;
    let empty = page()?;
    let filled = folder.path().join("seal.html");
    let page = empty.display().to_string();
    fs::write(&filled, kubeseal(&["page", "--page", &page], "", &key.certificate)?)?;
    // A megabyte of every byte.
    let bytes: Vec<u8> = (0..1_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let binary = folder.path().join("blob.bin");
    fs::write(&binary, &bytes)?;
    let (hybrid, hybrid_certificate) = hybrid_key(folder.path())?;
    let task = json!({
        "hybridCertificate": fs::read_to_string(&hybrid_certificate)?,
        "empty": empty, "filled": filled, "certificate": certificate,
        "brokenCertificate": certificate.replace("MII", "AII"),
        "binary": binary, "manifest": MANIFEST, "wrongManifest": MANIFEST.replace("stringData", "stringdata"),
        "folder": folder.path(),
    });
    let seen = run_in_chromium(&task)?;

    check_refusals(&seen, &kubeseal_pin(&key.certificate)?)?;
    let data = json!({"user": STANDARD.encode("admin"), "password": STANDARD.encode("pässword\nline")});
    let metadata = json!({"name": "db", "namespace": "shop"});
    let clear = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data});
    check_hybrid(&seen["hybrid"], &hybrid, &hybrid_certificate, &clear)?;
    check_scopes(&seen["scopes"], &key, &clear)?;
    ensure!(opened(&seen["binary"], &key)?["data"]["blob.bin"] == STANDARD.encode(&bytes).as_str());
    check_ways(&seen, &key)?;
    check_isolation(&seen)?;
    if let Some(keep) = std::env::var_os("SCREENSHOTS") {
        for name in ["light-error.png", "dark-phone.png"] {
            fs::copy(folder.path().join(name), Path::new(&keep).join(name))?;
        }
    }
    Ok(())
}

/// Runs the script in Chromium with this task; gives its observations.
fn run_in_chromium(task: &Value) -> Result<Value> {
    let peers = peers::ensure(&[peers::BROWSER, peers::REF_KUBESEAL], &|line| eprintln!("{line}"))?;
    let chromium = peers::chromium()?;
    let script = repository().join("tests/peers/browser/page.mjs");
    let mut node = Command::new("node");
    node.arg(script).arg(peers.path(&peers::BROWSER)?).arg(&chromium);
    run_with_input(&mut node, task.to_string().as_bytes())?
        .success()?
        .json()
}

/// The certificate's fingerprint is shown, and wrong input is marked.
fn check_refusals(seen: &Value, fingerprint: &str) -> Result<()> {
    ensure!(
        seen["told"].as_str().is_some_and(|told| told.contains(fingerprint)),
        "{}",
        seen["told"]
    );
    let wrong = |what: &Value, expected: &str| {
        let error = what["error"].as_str().or(what.as_str()).unwrap_or_default();
        ensure!(error.contains(expected), "{what}: {expected} is wanted");
        Ok(())
    };
    wrong(&seen["withoutCertificate"], "certificate is missing")?;
    wrong(&seen["broken"], "certificate cannot be used")?;
    wrong(&seen["twice"], "the key a is there twice")?;
    wrong(&seen["wrong"], "line 4")?;
    wrong(&seen["formatTwo"], "hybrid")?;
    ensure!(seen["marked"] == "stringdata: {user: admin}", "{}", seen["marked"]);
    ensure!(seen["rows"] == 1);
    Ok(())
}

/// Each scope gives what kubeseal gives, and the page keeps nothing of it.
fn check_scopes(scopes: &Value, key: &SealingKey, clear: &Value) -> Result<()> {
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        let sealed = &scopes[scope];
        let secret = opened(sealed, key)?;
        ensure!(
            secret["data"] == clear["data"] && secret["type"] == "Opaque",
            "{scope}: {secret}"
        );
        ensure!(sealed["left"] == "", "left in the page: {}", sealed["left"]);
        let by_kubeseal = kubeseal(&["--scope", scope, "-o", "yaml"], &clear.to_string(), &key.certificate)?;
        let text = sealed["sealed"].as_str().unwrap_or_default();
        ensure!(shape(text) == shape(&by_kubeseal), "{scope}:\n{text}\n{by_kubeseal}");
    }
    Ok(())
}

/// Items with names that JavaScript gives a meaning, a pasted and a dropped manifest, and the page with a certificate in it.
fn check_ways(seen: &Value, key: &SealingKey) -> Result<()> {
    let data = json!({"__proto__": STANDARD.encode("1"), "constructor": STANDARD.encode("2")});
    ensure!(
        opened(&seen["prototype"], key)?["data"] == data,
        "{}",
        seen["prototype"]
    );
    for way in ["pasted", "dropped"] {
        ensure!(
            opened(&seen[way], key)?["data"]["user"] == STANDARD.encode("admin").as_str(),
            "{way}"
        );
    }
    ensure!(seen["saved"]["name"] == "pasted.sealed.yaml" && seen["saved"]["text"] == seen["dropped"]["sealed"]);

    let by_keys = &seen["filled"];
    ensure!(by_keys["typed"] == false && by_keys["focus"] == "value", "{by_keys}");
    ensure!(opened(&by_keys["sealed"], key)?["data"]["password"] == STANDARD.encode("hunter2").as_str());
    Ok(())
}

/// The page is accessible, and no request leaves it: axe finds no violation, and the browser blocks the one attempt.
fn check_isolation(seen: &Value) -> Result<()> {
    ensure!(seen["violations"] == json!([]), "axe: {:#}", seen["violations"]);
    ensure!(
        seen["requests"] == json!([]),
        "requests left the page: {}",
        seen["requests"]
    );
    ensure!(seen["connection"] == "refused");
    // All are about the deliberate request.
    let complaints = seen["complaints"].as_array().context("complaints")?;
    let is_wanted = |text: &Value| text.as_str().is_some_and(|text| text.contains("https://example.com/"));
    ensure!(
        !complaints.is_empty() && complaints.iter().all(is_wanted),
        "{complaints:?}"
    );
    Ok(())
}

fn kubeseal_pin(certificate: &Path) -> Result<String> {
    let mut kubeseal = Command::new(Implementation::Ours.programs()?.kubeseal);
    let said = run(kubeseal.args(["keys", "pin"]).arg(certificate))?.success()?.stdout;
    Ok(said.split_whitespace().next().unwrap_or_default().to_owned())
}
