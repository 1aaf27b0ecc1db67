//! Key Secrets that administrators create or change.

use std::process::Command;

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::{run, run_with_input};
use harness::peers;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, get};
use crate::keys::await_event;

/// Makes a key of 1,024 bits, as the reference's `--key-size=1024` does, in the files that are named.
const SHORT_KEY: &str = r#"
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(65537, 1024)
now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
certificate = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([]))
    .public_key(key.public_key()).serial_number(1).not_valid_before(now)
    .not_valid_after(now + datetime.timedelta(days=365)).sign(key, hashes.SHA256()))
open(sys.argv[1], "wb").write(key.private_bytes(serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
open(sys.argv[2], "wb").write(certificate.public_bytes(serialization.Encoding.PEM))
"#;

#[test]
fn a_key_secret_that_comes_to_hold_another_key_does_not_lose_the_former() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let sealed = lab.seal("default", "one", &json!({"a": "1"}), "strict")?;
    let [name] = &lab.key_names()?[..] else {
        anyhow::bail!("one key")
    };
    let folder = tempfile::tempdir()?;
    let own = SealingKey::generate(folder.path(), 2048)?;
    let renewed = json!({"data": own.secret()?["data"]}).to_string();
    lab.key("patch", name, &["--type=merge", "-p", &renewed])?;
    let certificate = std::fs::read_to_string(&own.certificate)?;
    lab.cluster.eventually(SOON, "certificate of the other key", || {
        ensure!(lab.certificate()?.trim() == certificate.trim());
        Ok(())
    })?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    lab.unseal("default", "two", &json!({"a": "2"}))?;
    lab.await_metric("sealed_secrets_controller_held_keys", 2.0)?;
    lab.await_log(&["level=WARN", "a key Secret holds another key now"])?;
    await_event(&lab, name, "SealingKeyGone")?;
    lab.key("delete", name, &[])?;
    lab.await_log(&["level=WARN", "a key Secret was deleted"]).map(drop)
}

/// `tls.crt` with the CA in front of the key's own certificate: both open what was sealed for the key.
#[test]
fn a_chain_that_begins_with_its_ca_is_loaded() -> Result<()> {
    let (folder, ca_folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let own = SealingKey::generate(folder.path(), 2048)?;
    let ca = SealingKey::generate(ca_folder.path(), 2048)?;
    let certificate = std::fs::read_to_string(&own.certificate)?;
    let chain = format!("{}{certificate}", std::fs::read_to_string(&ca.certificate)?);
    let mut secret = own.secret()?;
    secret["data"]["tls.crt"] = Value::Null;
    secret["stringData"] = json!({"tls.crt": chain});
    let items = json!({"a": "1"});
    let sealed = Lab::seal_with(&certificate, "default", "one", &items, "strict")?;
    for implementation in [Implementation::Reference, Implementation::Ours] {
        let cluster = Cluster::start()?;
        cluster.install(implementation)?;
        cluster.apply(&secret.to_string())?;
        let _controller = cluster.start_controller(implementation, &[])?;
        cluster.apply(&sealed.to_string())?;
        cluster.eventually(SOON, &format!("Secret by {implementation:?}"), || {
            let found = Lab::items_in(&cluster, "default", "one")?;
            ensure!(found == items, "it has {found}");
            Ok(())
        })?;
        let served = get(&cluster, "/v1/cert.pem")?.1;
        let is_own = served.trim() == certificate.trim();
        // The reference serves the CA's, whose values nothing opens.
        ensure!(
            is_own == (implementation == Implementation::Ours),
            "{implementation:?} serves {served}"
        );
    }
    Ok(())
}

/// A take-over loses nothing: what was sealed with such a key opens. It seals nothing more, and the way back is open.
#[test]
fn a_key_of_1024_bits_opens_with_a_warning_and_seals_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (key, certificate) = (folder.path().join("short.key"), folder.path().join("short.crt"));
    let mut python = Command::new(peers::python()?);
    run(python.args(["-c", SHORT_KEY]).args([&key, &certificate]))?.success()?;
    let (private, public) = (std::fs::read_to_string(&key)?, std::fs::read_to_string(&certificate)?);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": "short", "namespace": NAMESPACE, "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "stringData": {"tls.key": private, "tls.crt": public},
    });
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Reference)?;
    cluster.apply(&secret.to_string())?;
    let sealed = Lab::seal_with(&public, "default", "old", &json!({"a": "1"}), "strict")?;
    let reference = cluster.start_controller(Implementation::Reference, &["--key-renew-period=0"])?;
    cluster.apply(&sealed.to_string())?;
    cluster.eventually(SOON, "Secret by the reference", || {
        ensure!(Lab::items_in(&cluster, "default", "old")? == json!({"a": "1"}));
        Ok(())
    })?;
    reference.terminate(SOON)?;

    cluster.install(Implementation::Ours)?;
    let controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048", "--key-renew-period=0"])?;
    let lab = Lab { controller, cluster };
    await_event(&lab, "short", "SealingKeyShort")?;
    lab.await_log(&["level=WARN", "a key of 1024 bits is breakable"])?;
    lab.await_metric("sealed_secrets_controller_malformed_keys", 0.0)?;
    // One of the reference's, made again, and a new one.
    lab.cluster.kubectl_ok(&["delete", "secret", "old"])?;
    lab.await_items("default", "old", &json!({"a": "1"}))?;
    let sealed_anew = Lab::seal_with(&public, "default", "new", &json!({"a": "2"}), "strict")?;
    lab.cluster.apply(&sealed_anew.to_string())?;
    lab.await_items("default", "new", &json!({"a": "2"}))?;

    // A key that may seal was made beside it, and rotation moves values to that.
    ensure!(lab.certificate()?.trim() != public.trim(), "the short key seals");
    ensure!(lab.key_names()?.len() == 2);
    let rotated = lab
        .cluster
        .kubeseal(Implementation::Ours, &["--re-encrypt"], &sealed_anew.to_string())?;
    let rotated: Value = rotated.success()?.json()?;
    let item = rotated["spec"]["encryptedData"]["a"].as_str().unwrap_or_default();
    ensure!(item.starts_with("AQ"), "sealed with {item:.4}");

    // The private key alone opens, offline.
    let mut kubeseal = Command::new(Implementation::Ours.programs()?.kubeseal);
    kubeseal.args(["--recovery-unseal", "--recovery-private-key"]).arg(&key);
    let clear = run_with_input(&mut kubeseal, sealed.to_string().as_bytes())?
        .success()?
        .json()?;
    ensure!(clear["data"]["a"] == "MQ==", "{clear}");

    let Lab { controller, cluster } = lab;
    controller.terminate(SOON)?;
    cluster.install(Implementation::Reference)?;
    let _reference = cluster.start_controller(Implementation::Reference, &["--key-renew-period=0"])?;
    cluster.kubectl_ok(&["delete", "secret", "old", "new"])?;
    cluster.eventually(SOON, "Secrets by the reference again", || {
        ensure!(Lab::items_in(&cluster, "default", "old")? == json!({"a": "1"}));
        ensure!(Lab::items_in(&cluster, "default", "new")? == json!({"a": "2"}));
        Ok(())
    })
}
